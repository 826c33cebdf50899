"""JSON in and out: the cases of JSONTestSuite (tests/json), texts made to hurt, documents that come back as they went, and
texts that are written while the client reads. JSON_ROUNDS: random documents per loop (200)."""
import json
import math
import os
import random

import pytest

from conftest import ROOT

JSON = "application/json"
ROUNDS = int(os.environ.get("JSON_ROUNDS", "200"))


def octets(case):
    """A case: its octets as Latin-1, or a list of strings and repetitions."""
    if isinstance(case, str):
        return case.encode("latin-1")
    return b"".join(piece.encode("latin-1") if isinstance(piece, str)
                    else piece["repeat"].encode("latin-1") * piece["count"] for piece in case)


with open(os.path.join(ROOT, "tests", "json", "suite.json"), encoding="utf-8") as file:
    SUITE = {name: octets(case) for name, case in json.load(file).items()}

# JSON by its grammar, and refused by decision.
REFUSED = {"y_object_escaped_null_in_key"}  # Jansson has no such names: they would end at the NUL for every C program
REFUSED_BY_DEFAULT = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}


@pytest.fixture
def server(start):
    return start("tests/apps/json", "--shards", "1")


def post(client, target, content, media_type=JSON):
    return client.ask("POST", target, content, Content_Type=media_type)


def alive(server):
    with server.connect() as client:
        response = post(client, "/echo", b'{"still":"here"}')
        assert (response.status, response.content) == (200, b'[{"still":"here"}]\n')


def assert_told(response, *words):
    assert response.status == 400 and response["Content-Type"] == "application/problem+json"
    detail = json.loads(response.content)["detail"]
    for word in words:
        assert word in detail


def test_the_suite_is_whole():
    counts = {kind: sum(name.startswith(kind) for name in SUITE) for kind in ("y_", "n_", "i_")}
    assert counts == {"y_": 95, "n_": 188, "i_": 35}


def test_all_that_must_be_accepted_is(server):
    with server.connect() as client:
        for name, text in SUITE.items():
            if name.startswith("y_"):
                response = post(client, "/all", text)
                assert response.status == (400 if name in REFUSED else 200), (name, response.content)


def test_the_default_refuses_names_that_are_twice_there(server):
    with server.connect() as client:
        for name, text in SUITE.items():
            if name.startswith("y_"):
                response = post(client, "/echo", text)
                refused = name in REFUSED | REFUSED_BY_DEFAULT
                assert response.status == (400 if refused else 200), (name, response.content)
                if not refused:
                    assert json.loads(response.content) == [json.loads(text)], name


def test_all_that_must_be_refused_is(server):
    with server.connect() as client:
        for name, text in SUITE.items():
            if name.startswith("n_"):
                for target in ("/all", "/echo"):
                    if text:
                        response = post(client, target, text)
                    else:
                        response = client.ask("POST", target, Content_Length="0", Content_Type=JSON)
                    assert response.status == 400, (name, response.content)
                    assert json.loads(response.content)["detail"]


def test_what_may_go_either_way_is_answered(server):
    with server.connect() as client:
        for name, text in SUITE.items():
            if name.startswith("i_"):
                assert post(client, "/all", text).status in (200, 400), name


def test_a_mistake_is_told_with_its_place(server):
    with server.connect() as client:
        assert_told(post(client, "/echo", b'{\n  "a": 1,\n  "b" 2\n}'), "Line 3", "':' expected")
        assert_told(post(client, "/echo", b'{"a":1,"a":2}'), "Line 1", "duplicate")
        assert_told(post(client, "/echo", b'["\xc3\xa4",\n "\xff"]'), "Line 2", "byte 0xff")
        assert_told(post(client, "/echo", b'[1,\n 2\x00]'), "Line 2, column 3", "NUL")
        assert_told(post(client, "/flat", b'[[1],\n "[[[", [[1]]]'), "Line 2, column 10", "2 levels")
        assert post(client, "/flat", b'[[1], "[[[", [1]]').status == 200


def test_media_types(server):
    with server.connect() as client:
        for good in ("application/json", "Application/JSON; charset=utf-8", "application/problem+json",
                     "application/vnd.api+json ;v=1"):
            assert post(client, "/echo", b"1", good).status == 200, good
        for bad in ("text/plain", "application/jsonx", "application/x-www-form-urlencoded", "+json", "json",
                    "multipart/form-data; boundary=+json"):
            response = post(client, "/echo", b"1", bad)
            assert (response.status, response["Accept"]) == (415, JSON), bad
        assert client.ask("POST", "/echo", b"1").status == 415


def test_depth(server):
    with server.connect() as client:
        for depth in (1, 2, 63, 64):
            for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
                text = opening * depth + b"1" + closing * depth
                assert post(client, "/all", text).status == 200
                response = post(client, "/echo", text)  # which writes it one level deeper
                assert response.status == (200 if depth < 64 else 500)
        for depth in (65, 66, 2048, 100000):
            assert_told(post(client, "/all", b"[" * depth + b"]" * depth), "deeper than 64")
        assert post(client, "/all", b'"' + b"[" * 1000 + b'"').status == 200
        assert post(client, "/all", b'["\\"' + b"[" * 1000 + b'"]').status == 200


BOMBS = {
    "arrays": b"[" * 1000000,
    "objects": b'{"a":' * 200000,
    "mixed": b'[{"":' * 200000,
    "digits": b"[" + b"1" * (1 << 20) + b"]",
    "fraction": b"[0." + b"1" * (1 << 20) + b"]",
    "exponent": b"[1e" + b"9" * (1 << 20) + b"]",
    "escapes": b'["' + b"\\u0041" * 170000 + b'"]',
    "backslashes": b'["' + b"\\\\" * 500000,
    "open string": b'["' + b"a" * 1000000,
    "keys": b"{" + b",".join(b'"k%d":1' % i for i in range(75000)) + b"}",
    "hundred thousand keys": b"{" + b",".join(b'"%x":1' % i for i in range(100000)) + b"}",
    "same keys": b"{" + b",".join([b'"k":1'] * 100000) + b"}",
    "elements": b"[" + b"1," * 500000 + b"1]",
    "empty arrays": b"[" + b"[]," * 300000 + b"[]]",
    "spaces": b" " * (1 << 20),
    "names": b"{" + b",".join(b'"%s%d":1' % (b"n" * 60000, i) for i in range(17)) + b"}",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_and_nothing_is_lost(start, bomb):
    server = start("tests/apps/json", "--shards", "1", "--content-max", "2M", "--content-total", "64M")
    for target in ("/all", "/echo"):
        for _ in range(3):
            with server.connect() as client:
                response = post(client, target, BOMBS[bomb])
                if bomb == "same keys" and target == "/all": # the last one counts, and the others' memory is used again
                    assert response.status == 200
                    continue
                assert response.status in (400, 413), response.content
                assert json.loads(response.content)["detail"]
    alive(server)


def test_memory_in_use_is_503(start):
    """So few exchanges that their large buffers don't hold what one request may have."""
    server = start("tests/apps/json", "--shards", "1", "--exchanges", "16", "--connections", "16")
    items = b"[" + b",".join(b'{"a":1,"b":"%d"}' % i for i in range(4000)) + b"]"
    with server.connect() as client:
        for _ in range(3):
            response = post(client, "/all", items)
            assert (response.status, response["Retry-After"]) == (503, "1"), response.content
    alive(server)


# ── Round trips ──

def random_text(r):
    alphabet = r.choice(("abc", "\"\\/\b\f\n\r\t\u0001\u001f", "\u00e4\u20ac\U0001f4a7\u2028", "xyz\u0000"))
    return "".join(r.choice(alphabet) for _ in range(r.choice((0, 1, 7, 8, 9, 20, r.randrange(300)))))


def random_number(r):
    return r.choice((r.randrange(-9, 10), r.randrange(-2**63, 2**63), r.random(), r.uniform(-1e6, 1e6),
                     round(r.uniform(0, 1000), 2), 10.0 ** r.randrange(-300, 300), -0.0,
                     math.ldexp(r.random(), r.randrange(-1070, 1000))))


def random_value(r, depth):
    kind = r.randrange(8 if depth > 0 else 5)
    if kind < 2:
        return random_text(r)
    if kind < 4:
        return random_number(r)
    if kind == 4:
        return r.choice((True, False, None))
    if kind == 5:
        return [random_value(r, depth - 1) for _ in range(r.randrange(6))]
    return {random_text(r).replace("\0", "0"): random_value(r, depth - 1) for _ in range(r.randrange(6))}


def plain(value):
    """With whole numbers as JSON has them: 2.0 is written 2, but -0.0 keeps its sign."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and str(value) != "-0.0":
        return int(value)
    return value


def same(a, b):
    return json.dumps(plain(a), sort_keys=True) == json.dumps(plain(b), sort_keys=True)


@pytest.mark.parametrize("target", ("/echo", "/stream"))
def test_documents_come_back_as_they_went(server, target, tmp_path):
    r = random.Random(20260)
    with server.connect() as client:
        for i in range(ROUNDS):
            value = random_value(r, r.randrange(7))
            text = json.dumps(value, ensure_ascii=r.random() < 0.5).encode()
            if target == "/echo":
                back = post(client, target, text).content
            elif i % 10 == 0:
                path = tmp_path / "document"
                path.write_bytes(text)
                back = server.curl("-H", f"Content-Type: {JSON}", "--data-binary", f"@{path}", target=target)
            else:
                continue
            assert back.endswith(b"]\n")
            assert same(json.loads(back), [value]), text


def test_a_large_document_comes_back(server):
    value = [{"id": i, "name": "n" * (i % 50), "tags": ["a", "b", i / 8]} for i in range(2000)]
    with server.connect() as client:
        response = post(client, "/echo", json.dumps(value).encode())
        assert response.status == 200 and json.loads(response.content) == [value]
        assert response["Content-Type"] == JSON
        text = "s" * 32000
        assert json.loads(post(client, "/echo", json.dumps(text).encode()).content) == [text]
        assert post(client, "/echo", json.dumps("s" * 200000).encode()).status == 413


# ── Looking ──

def test_what_is_not_there_is_otherwise(server):
    there = {"string": "s", "int": 7, "double": 1.5, "bool": False, "array": [1, 2], "object": {"a": 1}}
    with server.connect() as client:
        def look(value, path=""):
            return json.loads(post(client, f"/look?path={path}", json.dumps(value).encode()).content)
        assert look(there)["path"] == there
        assert look(there, "/array/1")["path"] == 2
        seen = look(there, "/array/2")
        assert seen == {"string": "s", "int": 7, "double": 1.5, "bool": False, "array": 2, "object": 1, "path": None}
        otherwise = {"string": "otherwise", "int": -1, "double": -1, "bool": True, "array": 0, "object": 0, "path": None}
        assert look({}, "/a") == look([], "/a") == look("text", "/a") == look(None, "/a") == otherwise
        assert look({"string": 1, "int": 1.5, "double": "2", "bool": 0, "array": {}, "object": []}, "/a") == otherwise
        assert look({"string": "a\0b", "double": 3}, "/a")["string"] == "otherwise"
        assert look({"double": 3}, "/a")["double"] == 3
        odd = {"a/b": {"m~n": [0, {"": "end"}]}, "01": 1}
        assert look(odd, "/a~1b/m~0n/1/")["path"] == "end"
        for wrong in ("/a~1b/m~0n/01", "/a~1b/m~0n/-1", "/a~1b/m~0n/", "/a~1b/m~2n", "/a~", "a", "/a~1b/m~0n/1//x",
                      "/" + "n" * 300, "/a~1b/m~0n/99999999999"):
            assert look(odd, wrong)["path"] is None, wrong


def test_the_programs_own_values_are_its_own(server):
    with server.connect() as client:
        for _ in range(50):
            assert post(client, "/own", b'{"a":[1,"two"]}').content == b'{"one":1,"list":["text"]} 1\n'
            assert post(client, "/own", b'{"a":').status == 400


def test_without_leat_json_use_it_is_told(start):
    server = start("tests/apps/json", "--unused", "--shards", "1")
    with server.connect() as client:
        assert post(client, "/echo", b"1").status == 500
    assert "leat_json_use() has not been called" in server.output()


# ── Streams ──

def test_lines_are_written_one_by_one(server):
    for n in (0, 1, 10, 20000):
        text = server.curl(target=f"/lines?n={n}").decode()
        assert [json.loads(line) for line in text.splitlines()] == [{"line": i, "text": '"quoted"'} for i in range(n)]
    assert server.curl(target="/lines?n=3&ms=10").count(b"\n") == 3


def test_a_stream_ends_wherever_the_output_is_full(server):
    for n in (*range(11000, 12400, 7), 0, 1, 20000):
        text = server.curl(target=f"/fill?n={n}")
        pairs = json.loads(text, object_pairs_hook=list)
        assert sum(len(value) for _, value in pairs) == n


def test_the_last_bracket_passes_the_filter_too(server):
    assert server.curl(target="/filtered") == b'{"a":1}\nend\n'


def test_a_mistake_in_a_stream_breaks_it(server):
    with server.connect() as client:
        client.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
        while client.more():
            pass
        assert client.pending.startswith(b"HTTP/1.1 200 ") and not client.pending.endswith(b"0\r\n\r\n")
