"""Every program of doc/cookbook compiles as a user's, runs on both loops, and answers what its page says it answers."""
import functools
import os
import subprocess
import tempfile

import pytest

import cookbook
from conftest import PATIENCE_S, Server

PAGES = cookbook.page_paths()
PROGRAMS = [program for path in PAGES for program in cookbook.read_page(path)]
RUNNING = [program for program in PROGRAMS if program.is_whole and program.is_checked]


@pytest.fixture(scope="session")
def built():
    """built(program): its executable. Each is compiled once."""
    with tempfile.TemporaryDirectory() as folder:
        yield functools.lru_cache(maxsize=None)(lambda number: cookbook.compile_program(PROGRAMS[number], folder))


def require(program):
    for name in program.links:
        if cookbook.modules_of(name) is None:
            pytest.skip(f"lib{name} is not built here")


@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_a_page_has_a_program_and_asks_it_something(path):
    programs = cookbook.read_page(path)
    assert [program for program in programs if program.is_whole], "no complete program in a ```c block"
    for program in programs:
        assert program.is_checked or not program.is_whole, f"{program}: nothing is asked of it, with an expected answer"


@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_a_page_is_in_the_index(path):
    with open(os.path.join(cookbook.FOLDER, "README.md"), encoding="utf-8") as index:
        assert f"]({os.path.basename(path)})" in index.read()


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_it_compiles_as_a_users(program, built):
    require(program)
    built(PROGRAMS.index(program))


@pytest.mark.parametrize("program", RUNNING, ids=str)
def test_it_answers_as_the_page_says(program, built, loop, tmp_path):
    require(program)
    executable = built(PROGRAMS.index(program))
    starts = [command for command in program.commands if command.start is not None]
    flags = starts[0].start if starts else []
    server = None
    try:
        for command in program.commands:
            if command.is_compiling:
                continue
            if command.start is not None or (server is None and not starts):
                assert server is None, "a page starts its program once"
                server = Server(tmp_path / "server.log", executable, *flags, "--loop", loop, "--quiet", cwd=tmp_path)
            if command.start is None:
                check(command, server, tmp_path)
    finally:
        if server is not None:
            server.stop()


def check(command, server, folder):
    text = command.text
    if server is not None:
        text = text.replace("localhost:8080", server.url[len("http://"):])
    done = subprocess.run(["bash", "-c", text], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False)
    said = cookbook.trimmed(done.stdout.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"))
    expected = cookbook.trimmed(command.expected)
    output = server.output() if server is not None else ""
    assert cookbook.fits(expected, said) or (not expected and "curl" not in text), \
        f"$ {text}\nsays\n" + "\n".join(said) + "\nand not\n" + "\n".join(expected) + "\n" + output


def test_the_checker_sees_what_does_not_fit():
    assert cookbook.fits(["a", "…", "z…"], ["a", "b", "c", "zzz"])
    assert not cookbook.fits(["a", "b"], ["a"])
    assert not cookbook.fits(["a"], ["a", "b"])
    assert not cookbook.fits(["x…y"], ["xz"])
