"""Slow clients: each phase of a request has its deadline, and passing it is answered where an answer can be read."""
import pytest

HEAD = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"


def test_a_slow_head_is_408(start):
    server = start("examples/echo", "--head-timeout", "200ms")
    with server.connect() as client:
        client.send(HEAD)
        response = client.response()
        assert (response.status, response["Connection"]) == (408, "close")
        assert client.ends()


def test_a_trickling_head_is_408_too(start):
    server = start("examples/echo", "--head-timeout", "200ms")
    with server.connect() as client:
        client.socket.settimeout(0.02)
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Trickle: ")
        while not client.pending:
            try:
                client.send("x")
                client.more()
            except TimeoutError:
                continue
        assert client.pending.startswith(b"HTTP/1.1 408 ")


def test_slow_content_is_408(start):
    server = start("examples/echo", "--content-timeout", "200ms")
    with server.connect() as client:
        client.send(HEAD, "\r\nhalf")
        assert client.response().status == 408
        assert client.ends()


def test_a_quiet_connection_is_closed_without_a_word(start):
    server = start("examples/echo", "--idle-timeout", "200ms")
    with server.connect() as client:
        assert client.get("/").status == 200
        assert client.ends()
    with server.connect() as client:
        assert client.ends()


def test_a_client_that_never_reads_is_let_go(start, tmp_path):
    path = tmp_path / "big"
    with open(path, "wb") as big:
        big.truncate(256 << 20)
    server = start("leat", "serve", str(tmp_path), "--write-timeout", "300ms", "--shards", "1", "--exchanges", "1")
    with server.connect(receive_buffer=4096) as stuck:
        stuck.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        assert stuck.more()
        # The one exchange is taken until the deadline passes: then this gets through.
        status = 503
        while status == 503:
            with server.connect() as client:
                status = client.get("/no-such-file").status
        assert status == 404
        received = len(stuck.pending)
        with pytest.raises((AssertionError, ConnectionResetError)):
            stuck.take(256 << 20)
        assert received < 256 << 20


def test_never_is_a_time(start):
    server = start("examples/echo", "--idle-timeout", "never", "--head-timeout", "never")
    with server.connect() as client:
        client.send(HEAD)
        assert server.curl() != b""
        client.send("\r\n0123456789")
        assert client.response().content == b"0123456789"
