"""The reference: made of the installed headers, whole, and nothing in them without a word about it."""
import glob
import os
import re

import pytest

from conftest import BUILD, ROOT

HEADERS = sorted(glob.glob(os.path.join(ROOT, "include/leat/*.h")))
MADE = os.path.join(BUILD, "man")

pytestmark = pytest.mark.skipif(not os.path.exists(MADE), reason="this build has no manual: ninja man")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def functions(header):
    text = re.sub(r"/\*.*?\*/", "", read(header), flags=re.DOTALL)
    return re.findall(r"^(?:LEAT_API|static inline)\b[^;{]*?\b(leat_\w+)\(", text, re.MULTILINE)


def test_every_declaration_is_documented():
    assert read(os.path.join(MADE, "undocumented")).split("\n")[:-1] == []


@pytest.mark.parametrize("header", HEADERS, ids=os.path.basename)
def test_every_function_has_a_page_and_is_in_the_reference(header):
    reference = read(os.path.join(MADE, "REFERENCE.md"))
    assert f"\n## leat/{os.path.basename(header)}\n" in reference
    pages = os.listdir(os.path.join(MADE, "man3"))
    for name in functions(header):
        assert f"{name}.3" in pages
        assert re.search(rf"\b{name}\(", reference)


def test_there_are_functions_to_be_looked_for():
    names = [name for header in HEADERS for name in functions(header)]
    assert len(names) > 100 and len(set(names)) == len(names)
    assert {"leat_get", "leat_files_open_with", "leat_sleep_ms", "leat_host", "leat_route_regex"} <= set(names)


def test_a_header_on_its_own_page_is_listed_in_the_overview():
    overview = read(os.path.join(MADE, "man3", "leat.3"))
    for header in HEADERS:
        name = os.path.basename(header)
        assert name == "leat.h" or f".BR leat_{name} (3)" in overview
