"""Handlers of one's own that answer with files of a folder, and with parts of what they made whole."""
import gzip
import os
import threading

import pytest

LETTERS = b"abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def server(start, tmp_path):
    folder = tmp_path / "served"
    (folder / "below" / "index").mkdir(parents=True)
    (folder / "small.txt").write_bytes(LETTERS)
    (folder / "page.html").write_bytes(b"<p>" * 1000)
    (folder / "page.html.gz").write_bytes(gzip.compress(b"<p>" * 1000))
    (folder / ".secret").write_bytes(b"no")
    (tmp_path / "outside").write_bytes(b"no")
    (folder / "link").symlink_to("../outside")
    (folder / "below" / "index.html").write_bytes(b"below")
    with open(folder / "large.bin", "wb") as large:
        for i in range(64):
            large.write(bytes([i]) * (1 << 16))
    os.sync()
    return start("tests/apps/sending", "--file-check", "0ms", cwd=tmp_path)


def test_a_file_by_its_name(server):
    with server.connect() as client:
        for _ in range(3):
            response = client.get("/named/small.txt")
            assert (response.status, response.content) == (200, LETTERS)
            assert response["Content-Type"].startswith("text/plain") and response["ETag"]
            assert response["Content-Disposition"] == "attachment"
        assert client.get("/named/small.txt", If_None_Match=response["ETag"]).status == 304
        part = client.get("/named/small.txt", Range="bytes=2-4")
        assert (part.status, part.content, part["Content-Range"]) == (206, b"cde", "bytes 2-4/26")
        assert client.get("/named/small.txt", Range="bytes=99-").status == 416
        assert client.ask("HEAD", "/named/small.txt")["Content-Length"] == "26"
        assert client.get("/named/below/").content == b"below"


def test_a_post_is_answered_with_the_whole(server):
    with server.connect() as client:
        tag = client.get("/named/small.txt")["ETag"]
        assert client.ask("POST", "/named/small.txt", b"x", If_None_Match=tag, Range="bytes=0-1").content == LETTERS


def test_a_coded_twin(server):
    with server.connect() as client:
        response = client.get("/named/page.html", Accept_Encoding="gzip")
        assert response["Content-Encoding"] == "gzip" and gzip.decompress(response.content) == b"<p>" * 1000
        assert client.get("/named/page.html").content == b"<p>" * 1000


def test_what_is_not_there_is_told_to_the_handler(server):
    with server.connect() as client:
        for name in ("no-such", ".secret", "link", "%2e%2e/outside", "small.txt/x", "below%2F..%2Fsmall.txt"):
            response = client.get(f"/named/{name}")
            assert (response.status, response.content) == (404, b"-2"), name
        assert client.get("/named/below").content == b"-21"
        assert client.get("/second?first=no-such&second=small.txt").content == LETTERS
        assert client.get("/second?first=page.html&second=small.txt").content == LETTERS
        assert client.get("/second?first=large.bin&second=no-such").content == b"neither"


def test_a_large_file(server):
    with server.connect() as client:
        response = client.get("/named/large.bin")
        assert len(response.content) == 64 << 16 and response.content[-1] == 63
        assert client.get("/named/large.bin", Range="bytes=65536-65537").content == b"\1\1"


def test_files_that_are_cold_or_change_are_waited_for(server, tmp_path):
    """Nothing is believed for longer than a request, and files come and go: every answer is of one version."""
    stop = threading.Event()

    def change():
        n = 0
        while not stop.is_set():
            n += 1
            (tmp_path / "served" / "new").write_bytes(b"%d" % (n % 10) * 5000)
            os.replace(tmp_path / "served" / "new", tmp_path / "served" / "changing.txt")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        with server.connect() as client:
            for i in range(300):
                target = f"/named/changing.txt?{i}"
                response = client.get(target)
                if response.status == 200:
                    assert len(set(response.content)) == 1 and len(response.content) == 5000
                else:
                    assert response.content in (b"-2", b"-11")
        for _ in range(30):     # clients that don't wait for the answer
            with server.connect() as client:
                client.send("GET /named/changing.txt HTTP/1.1\r\nHost: a\r\n\r\n")
    finally:
        stop.set()
        thread.join()
    with server.connect() as client:
        assert client.get("/named/small.txt").content == LETTERS


@pytest.mark.parametrize("target", ("/part", "/borrowed"))
def test_parts_of_what_is_in_memory(server, target):
    with server.connect() as client:
        whole = client.get(target)
        assert (whole.status, whole.content, whole["Accept-Ranges"]) == (200, LETTERS, "bytes")
        part = client.get(target, Range="bytes=-3")
        assert (part.status, part.content, part["Content-Range"]) == (206, b"xyz", "bytes 23-25/26")
        none = client.get(target, Range="bytes=26-")
        assert (none.status, none["Content-Range"]) == (416, "bytes */26")
        assert client.get(target, Range="bytes=0-1,20-21").content == LETTERS
        assert client.get(target, Range="lines=1-2").content == LETTERS
        assert client.ask("HEAD", target, Range="bytes=0-1")["Content-Length"] == "26"


def test_if_range(server):
    with server.connect() as client:
        assert client.get("/part", Range="bytes=0-1", If_Range='"letters"').content == b"ab"
        assert client.get("/part", Range="bytes=0-1", If_Range='"others"').content == LETTERS
        assert client.get("/borrowed", Range="bytes=0-1", If_Range='"letters"').content == LETTERS
