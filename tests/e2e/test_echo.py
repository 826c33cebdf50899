"""Content: whole, bounded, by length or in chunks, and never waited for in vain."""
import hashlib
import os

import pytest


@pytest.fixture(params=("1", "2"))
def echo(start, request):
    return start("examples/echo", "--shards", request.param)


@pytest.mark.parametrize("size", (1, 100, 4096, 16384, 70000, 1 << 20))
def test_content_comes_back_whole(echo, size):
    content = os.urandom(size)
    with echo.connect() as client:
        for method in ("POST", "PUT"):
            response = client.ask(method, "/", content)
            assert response.status == 200
            assert hashlib.sha256(response.content).digest() == hashlib.sha256(content).digest()


def test_chunks_are_joined(echo):
    with echo.connect() as client:
        for _ in range(3):
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            expected = b""
            for size in (1, 15, 16, 1000, 65536, 7):
                piece = os.urandom(size)
                client.send(f"{size:x}\r\n", piece, "\r\n")
                expected += piece
            client.send("0\r\nTrailer: ignored\r\n\r\n")
            assert client.response().content == expected


def test_uploads_in_a_burst_are_answered_in_order(echo):
    with echo.connect() as client:
        for i in range(100):
            text = f"number {i}"
            client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(text)}\r\n\r\n{text}")
        for i in range(100):
            assert client.response().content == f"number {i}".encode()


def test_curl_uploads_a_file(echo, tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(os.urandom(1000000))
    assert echo.curl("--data-binary", f"@{path}") == path.read_bytes()
    assert echo.curl("--data-binary", f"@{path}", "-H", "Transfer-Encoding: chunked") == path.read_bytes()
    assert echo.curl("--data-binary", f"@{path}", "-H", "Expect: 100-continue") == path.read_bytes()


def test_expect_is_answered_before_the_content(echo):
    with echo.connect() as client:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        while b"\r\n\r\n" not in client.pending:
            assert client.more()
        assert client.pending == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send("hello")
        response = client.response()
        assert (response.interim, response.status, response.content) == ([100], 200, b"hello")


def test_too_much_content_is_413_and_not_read(start):
    echo = start("examples/echo", "--content-max", "64k")
    with echo.connect() as client:
        assert client.ask("POST", "/", b"x" * 65536).status == 200
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n")
        assert client.response().status == 413
    with echo.connect() as client:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n", b"x" * 65537)
        assert client.response().status == 413
        assert client.ends()


def test_a_413_is_seen_by_a_client_that_keeps_sending(start):
    """A close with unread octets would reset the connection and eat the answer: the server lingers."""
    echo = start("examples/echo", "--content-max", "64k")
    for _ in range(20):
        with echo.connect() as client:
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", b"x" * 300000)
            assert client.response().status == 413


def test_large_fields_are_taken_and_larger_ones_refused(echo):
    with echo.connect() as client:
        assert client.get("/", X_Large="v" * 4096).status == 200
        assert client.get("/?" + "q" * 7000).status == 200
    with echo.connect() as client:
        assert client.get("/?" + "q" * 9000).status == 414
    with echo.connect() as client:
        assert client.get("/", X_Large="v" * 70000).status == 431
