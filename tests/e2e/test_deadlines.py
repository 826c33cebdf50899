"""Slow clients: each phase of a request has its deadline, and passing it is answered where an answer can be read."""
from conftest import wait_until

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


def test_clients_that_never_read_are_let_go(start, tmp_path):
    """However much of the response went into the kernel's buffers at once: they hold an exchange each, all there are."""
    with open(tmp_path / "big", "wb") as big:
        big.truncate(256 << 20)
    server = start("leat", "serve", str(tmp_path), "--write-timeout", "2s", "--shards", "1", "--exchanges", "8")

    def is_served():
        with server.connect() as client:
            return client.get("/no-such-file").status == 404

    stuck = [server.connect(receive_buffer=4096) for _ in range(8)]
    for client in stuck:
        client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until("all exchanges are taken", lambda: not is_served())
    wait_until("the stuck ones are let go", is_served)
    for client in stuck:
        client.socket.close()


def test_never_is_a_time(start):
    server = start("examples/echo", "--idle-timeout", "never", "--head-timeout", "never")
    with server.connect() as client:
        client.send(HEAD)
        assert server.curl() != b""
        client.send("\r\n0123456789")
        assert client.response().content == b"0123456789"
