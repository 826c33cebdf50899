"""Handlers that wait: for time, contents, slow clients, descriptors and tasks; and clients that go meanwhile."""
import hashlib
import os
import re
import signal
import socket
import time

import pytest

from conftest import Client, wait_until

BLOCK = bytes(1 << 20)
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(params=("1", "2"))
def server(start, request):
    return start("tests/apps/waiting", "--shards", request.param)


@pytest.fixture
def one(start):
    return start("tests/apps/waiting", "--shards", "1")


@pytest.fixture
def client(server):
    with server.connect() as client:
        yield client


def post(target, *fields):
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: a", *fields]) + "\r\n\r\n"


def in_chunks(client, pieces):
    for piece in pieces:
        client.send(f"{len(piece):x}\r\n", piece, "\r\n")
    client.send("0\r\n\r\n")


def told(server, text):
    return lambda: text in server.output()


def is_refusing(address):
    try:
        Client(address).socket.close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


# ── Time, tasks and descriptors ──

def test_every_kind_of_wait(client):
    assert client.get("/nap?ms=30").content == b"0\n"
    assert client.get("/nap?ms=0").content == b"0\n"
    assert client.get("/join").content == b"0 7\n"
    assert client.get("/fd").content == b"-62 1 1\n"        # -ETIME, then POLLIN
    assert client.get("/yield?n=1000").content == b"1000\n"
    assert client.get("/state").content == b"the state\n"
    assert client.get("/tagged/state").content == b"the group's\n"
    assert client.get("/").content == b"Hello\n"


def test_a_nap_is_not_early(client):
    begin = time.monotonic()
    assert client.get("/nap?ms=120").content == b"0\n"
    assert time.monotonic() - begin >= 0.12


def test_what_is_done_every_so_often_is_done(server):
    with server.connect() as client:
        wait_until("ten ticks", lambda: int(client.get("/ticks").content) >= 10)


def test_others_are_served_while_one_sleeps(one):
    with one.connect() as sleeper, one.connect() as other:
        sleeper.send("GET /nap?ms=60000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(20):
            assert other.get("/").content == b"Hello\n"
            assert other.get("/nap?ms=1").content == b"0\n"


def test_one_that_yields_for_ever_lets_the_others_go(one):
    with one.connect() as busy, one.connect() as other:
        busy.send("GET /yield?n=1000000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(20):
            assert other.get("/nap?ms=1").content == b"0\n"
    with one.connect() as other:
        assert other.get("/").content == b"Hello\n"


def test_middleware_goes_on_behind_a_wait(client):
    response = client.get("/tagged/nap?ms=5")
    assert (response.content, response["X-Tag"]) == (b"0\n", "behind")


def test_a_burst_behind_one_that_sleeps_comes_in_order(client):
    for i in range(30):
        client.send(f"GET /nap?ms={i % 7} HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                    post("/receive", "Content-Length: 10") + "0123456789",
                    f"GET /count?n={i}&ms=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    for i in range(30):
        assert client.response().content == b"0\n"
        assert client.response().content == b"Hello\n"
        assert client.response().content == b"10\n"
        assert client.response().content == b"".join(b"%d\n" % n for n in range(i))


def test_a_sleeper_is_not_fed_without_a_bound(one):
    """What a client sends while its handler naps stays in the kernel, but for a buffer or two."""
    with one.connect() as client:
        client.socket.settimeout(0.2)
        client.send("GET /count?n=100&ms=20 HTTP/1.1\r\nHost: a\r\n\r\n")
        request, sent = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 950 + b"\r\n\r\n", 0
        try:
            while sent < 64 << 20:
                sent += client.socket.send(request * 64)
        except TimeoutError:
            pass
        assert sent < 64 << 20
        with one.connect() as other:
            assert other.get("/").content == b"Hello\n"


# ── Reading ──

@pytest.mark.parametrize("size", (1, 100, 16384, 100000, 3 << 20))
def test_a_content_is_read_in_pieces(client, size):
    content = os.urandom(size)
    assert client.ask("POST", "/receive", content).content == b"%d\n" % size
    client.send(post("/receive", CHUNKED))
    in_chunks(client, [content[at:at + 7000] for at in range(0, size, 7000)])
    assert client.response().content == b"%d\n" % size
    assert client.get("/").content == b"Hello\n"


def test_no_content_is_read_too(client):
    client.send(post("/receive"))
    assert client.response().content == b"0\n"
    client.send(post("/receive", CHUNKED) + "0\r\n\r\n")
    assert client.response().content == b"0\n"


def test_a_slow_uploader_is_waited_for(client):
    client.send(post("/receive", "Content-Length: 200"))
    for _ in range(200):
        client.send("x")
    assert client.response().content == b"200\n"
    client.send(post("/receive", CHUNKED))
    for octet in b"a\r\n0123456789\r\n0\r\n\r\n":
        client.send(bytes([octet]))
    assert client.response().content == b"10\n"


def test_a_handlers_own_time_is_not_the_uploaders(start):
    """Reading takes longer than the content's deadline, because the handler sleeps, or writes."""
    server = start("tests/apps/waiting", "--content-timeout", "300ms")
    with server.connect() as client:
        client.send(post("/pipe", CHUNKED))
        begin, sent = time.monotonic(), 0
        while time.monotonic() - begin < 1:
            client.send("400\r\n", "x" * 1024, "\r\n")
            sent += 1024
            time.sleep(0.02)
        client.send("0\r\n\r\n")
        assert len(client.response().content) == sent


def test_an_upload_that_stops_is_408(start):
    server = start("tests/apps/waiting", "--content-timeout", "200ms")
    with server.connect() as client:
        client.send(post("/receive", "Content-Length: 100") + "half")
        response = client.response()
        assert (response.status, response["Connection"]) == (408, "close")
        assert client.ends()
    wait_until("the handler is told", told(server, "receive: -110\n"))
    with server.connect() as client:
        client.send(post("/tagged/echo", "Content-Length: 100") + "half")
        response = client.response()
        assert (response.status, response["X-Tag"]) == (408, "behind")
        assert client.ends()


def test_malformed_chunks_are_400(server):
    with server.connect() as client:
        client.send(post("/receive", CHUNKED) + "5\r\nhello\r\nzz\r\n")
        assert client.response().status == 400
        assert client.ends()
    wait_until("the handler is told", told(server, "receive: -74\n"))


def test_a_stream_whose_request_breaks_does_not_end_well(server):
    with server.connect() as client:
        client.send(post("/pipe", CHUNKED) + "5\r\nhello\r\n")
        while b"hello" not in client.pending:
            assert client.more()
        client.send("zz\r\n")
        while client.more():
            pass
        assert b"HTTP/1.1 200" in client.pending and b"0\r\n\r\n" not in client.pending


def test_a_groups_limit_is_413(server):
    for target in ("/tagged/echo", "/tagged/receive"):
        with server.connect() as client:
            assert client.ask("POST", target, b"x" * 100000).status == 200
            client.send(post(target, "Content-Length: 100001"))
            assert client.response().status == 413
        with server.connect() as client:
            client.send(post(target, CHUNKED))
            client.send(f"{100001:x}\r\n", "x" * 100001, "\r\n0\r\n\r\n")
            assert client.response().status == 413
            assert client.ends()


def test_expect_is_answered_when_the_handler_reads(client):
    client.send(post("/receive", "Content-Length: 5", "Expect: 100-continue"))
    assert client.take(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send("hello")
    assert client.response().content == b"5\n"
    client.send(post("/tagged/echo", "Content-Length: 5", "Expect: 100-continue"))
    assert client.take(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send("hello")
    assert client.response().content == b"hello"


def test_middleware_refuses_before_the_content(server):
    with server.connect() as client:        # it is not asked for
        client.send(post("/closed/echo", "Content-Length: 5", "Expect: 100-continue"))
        response = client.response()
        assert (response.status, response.interim, response["Connection"]) == (401, [], "close")
        assert client.ends()
    with server.connect() as client:        # it is here already: skipped
        client.send(post("/closed/echo", "Content-Length: 5") + "helloGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().status == 401
        assert client.response().content == b"Hello\n"
    with server.connect() as client:        # it is not: the connection ends
        client.send(post("/closed/echo", "Content-Length: 500000") + "some of it")
        assert client.response().status == 401
        client.socket.shutdown(socket.SHUT_WR)
        assert client.ends()


def test_an_unread_content_is_no_request(server):
    smuggled = "GET /state HTTP/1.1\r\nHost: a\r\n\r\n"
    with server.connect() as client:
        client.send(post("/ignore", f"Content-Length: {len(smuggled)}") + smuggled)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().content == b"unread\n"
        try:
            assert client.response().content == b"Hello\n"
        except (AssertionError, ConnectionResetError):
            assert not client.pending       # it may close instead


def test_what_middleware_has_read_is_not_collected(client):
    client.send(post("/peeked/show", "Content-Length: 10") + "0123456789" + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    response = client.response()
    assert (response.content, response["X-Peeked"]) == (b"0, then 5\n", "01234")
    assert client.response().content == b"Hello\n"


# ── Writing ──

def test_streams(client):
    response = client.get("/count?n=5000")
    assert response.content == b"".join(b"%d\n" % n for n in range(5000))
    assert response.trailers == []
    assert client.get("/count?n=0").content == b""
    assert client.get("/count?n=20&ms=2").content.endswith(b"19\n")
    response = client.get("/sized")
    assert (response.content, response["Content-Length"]) == (BLOCK, "1048576")
    assert client.ask("HEAD", "/count?n=50").content == b""
    assert client.ask("HEAD", "/sized").content == b""
    assert client.get("/").content == b"Hello\n"


def test_a_stream_to_http_1_0_ends_with_the_connection(server):
    for fields in ("", "Connection: keep-alive\r\n"):
        with server.connect() as client:
            client.send(f"GET /count?n=100 HTTP/1.0\r\n{fields}\r\n")
            while client.more():
                pass
            head, content = client.pending.split(b"\r\n\r\n", 1)
            assert b"transfer-encoding" not in head.lower() and b"connection: close" in head.lower()
            assert content == b"".join(b"%d\n" % n for n in range(100))


@pytest.mark.parametrize("less", (1, 1000000))
def test_a_stream_that_is_too_short_breaks(server, less):
    with server.connect() as client:
        client.send(f"GET /sized?less={less} HTTP/1.1\r\nHost: a\r\n\r\n")
        while client.more():
            pass
        assert len(client.pending.split(b"\r\n\r\n", 1)[1]) == len(BLOCK) - less


@pytest.mark.parametrize("size", (1, 300, 2000))
def test_trailers_come_whatever_is_in_front_of_them(client, size):
    for n in (0, 1, 2000, *range(12288 - size - 300, 12300, 97)):
        response = client.get(f"/trail?n={n}&size={size}", TE="trailers")
        assert len(response.content) == n
        assert response.trailers == [("X-Behind", "1".zfill(size))], n
    assert client.get(f"/trail?n=10&size={size}").trailers == []        # it did not say that it takes them


def test_heads_of_streams_may_be_of_any_length(client):
    for n in (20000, *range(11900, 12400, 7)):
        response = client.get(f"/long-head?n={n}")
        assert response.content == b"first" + bytes(5000)


def test_a_slow_downloader_slows_its_handler_only(one):
    with one.connect(receive_buffer=4096) as slow, one.connect() as other:
        slow.send("GET /large?n=20 HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(50):
            assert other.get("/nap?ms=1").content == b"0\n"
        assert slow.response().content == BLOCK * 20


def test_what_comes_goes_out_again(client):
    content = os.urandom(3 << 20)
    pid = os.fork()
    if pid == 0:        # or both ends would wait for each other
        client.send(post("/pipe", f"Content-Length: {len(content)}"), content)
        os._exit(0)
    response = client.response()
    os.waitpid(pid, 0)
    assert hashlib.sha256(response.content).digest() == hashlib.sha256(content).digest()
    assert client.get("/").content == b"Hello\n"


# ── Going ──

def test_who_goes_during_a_nap_wakes_the_handler(one):
    with one.connect() as client:
        client.send("GET /nap?ms=60000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until("the handler is told", told(one, "nap: -125\n"))


def test_who_has_gone_before_its_turn_is_not_waited_for(one):
    with one.connect() as client:
        client.send("GET /nap?ms=100 HTTP/1.1\r\nHost: a\r\n\r\n" * 2 + "GET /forever HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until("the handler is told", told(one, "wait_for_ever: -"))


def test_who_goes_during_an_upload(one):
    with one.connect() as client:
        client.send(post("/receive", "Content-Length: 100") + "half")
    wait_until("the handler is told", told(one, "receive: -104\n"))


def test_who_goes_during_a_download(one):
    with one.connect(receive_buffer=4096) as client:
        client.send("GET /large?n=1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.more()
    wait_until("the handler is told", lambda: re.search(r"large: -(104|125|32)\n", one.output()))


def test_who_goes_during_a_count(one):
    with one.connect() as client:
        client.send("GET /count?n=1000000&ms=5 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.more()
    wait_until("the handler is told", lambda: re.search(r"count: -(104|125|32)\n", one.output()))


def test_who_never_reads_is_let_go(start):
    server = start("tests/apps/waiting", "--write-timeout", "300ms", "--shards", "1")
    with server.connect(receive_buffer=4096) as client:
        client.send("GET /large?n=1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until("the handler is told", told(server, "large: -104\n"))


def test_half_a_close_is_still_answered(server):
    with server.connect() as client:
        client.send(post("/receive", "Content-Length: 5") + "hello", "GET /count?n=10 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.response().content == b"5\n"
        assert client.response().content == b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
        assert client.ends()


# ── Not enough ──

def test_all_stacks_in_use_is_503(start):
    server = start("tests/apps/waiting", "--shards", "1", "--tasks", "6")
    sleepers = [server.connect() for _ in range(8)]
    for client in sleepers:
        client.send("GET /forever HTTP/1.1\r\nHost: a\r\n\r\n")

    def is_refused():
        with server.connect() as client:
            response = client.get("/")
            return response.status == 503 and response["Retry-After"] == "1"

    wait_until("nothing is left", is_refused)
    for client in sleepers:
        client.socket.close()
    wait_until("all are back", lambda: not is_refused())


# ── The end ──

def test_the_drain_waits_for_a_sleeper(one):
    with one.connect() as client:
        client.send("GET /nap?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until("it naps", told(one, "a long nap\n"))
        one.signal(signal.SIGTERM)
        wait_until("nobody is accepted any more", lambda: is_refusing(one.addresses[0]))
        response = client.response()
        assert (response.content, response["Connection"]) == (b"0\n", "close")
    assert one.wait() == 0
    assert "closed the state\n" in one.output() and "closed the group's\n" in one.output()


def test_a_second_signal_cancels_it(start):
    server = start("tests/apps/waiting", "--drain-timeout", "24h")
    with server.connect() as client:
        client.send("GET /forever HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until("it waits", told(server, "it waits for ever\n"))
        server.signal(signal.SIGTERM)
        wait_until("nobody is accepted any more", lambda: is_refusing(server.addresses[0]))
        server.signal(signal.SIGTERM)
        server.wait()
        assert client.ends()
    assert "wait_for_ever: -125\n" in server.output(), server.output()[-600:]


def test_the_record_of_a_stream(start, tmp_path):
    log = tmp_path / "access.log"
    server = start("tests/apps/waiting", "--shards", "1", "--access-log", str(log))
    with server.connect() as client:
        client.get("/count?n=10")
        client.get("/sized")
        client.ask("HEAD", "/sized")
        client.send("GET /sized?less=24 HTTP/1.1\r\nHost: a\r\n\r\n")
        while client.more():
            pass
    server.stop()
    sizes = re.findall(r'" 200 (\d+|-)', log.read_text())
    assert [size.replace("-", "0") for size in sizes] == ["20", "1048576", "0", "1048552"]
