"""The first program: answers, keeps connections, takes bursts, on every kind of address."""
import socket
import subprocess
import threading

import pytest

from conftest import Client, PATIENCE_S


@pytest.fixture(params=("1", "2"))
def hello(start, request):
    return start("examples/hello", "--shards", request.param)


def test_curl_gets_the_13_bytes(hello):
    assert hello.curl("-i").startswith(b"HTTP/1.1 200 OK\r\n")
    assert hello.curl() == b"Hello, World!"
    assert hello.curl(target="/hello/J%C3%BCrgen%20A.") == "Hello, Jürgen A.\n".encode()


def test_a_connection_serves_many_requests(hello):
    with hello.connect() as client:
        for i in range(200):
            assert client.get(f"/hello/{i}").content == f"Hello, {i}\n".encode()


def test_a_response_says_what_it_is(hello):
    with hello.connect() as client:
        response = client.get("/")
        assert response.content == b"Hello, World!"
        assert response["Content-Type"].startswith("text/plain")
        assert response["Content-Length"] == "13"
        assert response["Date"].endswith(" GMT")


def test_a_burst_is_answered_in_order(hello):
    with hello.connect() as client:
        client.send(*[f"GET /hello/{i} HTTP/1.1\r\nHost: a\r\n\r\n" for i in range(1000)])
        for i in range(1000):
            assert client.response().content == f"Hello, {i}\n".encode()


def test_a_request_may_come_octet_by_octet(hello):
    with hello.connect() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in b"GET /hello/slow HTTP/1.1\r\nHost: a\r\n\r\n":
            client.send(bytes([octet]))
        assert client.response().content == b"Hello, slow\n"


def test_head_is_answered_from_get_without_content(hello):
    with hello.connect() as client:
        response = client.ask("HEAD", "/")
        assert (response.status, response["Content-Length"]) == (200, "13")
        assert client.get("/").content == b"Hello, World!"      # and not an octet lay between


def test_what_is_not_there(hello):
    with hello.connect() as client:
        assert client.get("/nothing/here").status == 404
        response = client.ask("DELETE", "/")
        assert response.status == 405
        assert {"GET", "HEAD"} <= set(response["Allow"].split(", "))
        response = client.ask("OPTIONS", "/")
        assert response.status in (200, 204)
        assert {"GET", "HEAD"} <= set(response["Allow"].split(", "))
        assert client.get("/").status == 200


def test_connection_close_closes(hello):
    with hello.connect() as client:
        response = client.get("/", Connection="close")
        assert (response.status, response["Connection"]) == (200, "close")
        assert client.ends()


def test_http_1_0_closes_unless_asked_not_to(hello):
    with hello.connect() as client:
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        response = client.response()
        assert (response.status, response["Connection"].lower()) == (200, "keep-alive")
        client.send("GET / HTTP/1.0\r\n\r\n")
        assert client.response().content == b"Hello, World!"
        assert client.ends()


def test_a_bad_request_is_told_and_ends_the_connection(hello):
    with hello.connect() as client:
        client.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        response = client.response()
        assert (response.status, response["Connection"]) == (400, "close")
        assert client.ends()


def test_wrk_sees_no_error(hello):
    out = subprocess.run(["wrk", "-t2", "-c64", "-d1s", hello.url + "/"], stdout=subprocess.PIPE, text=True,
                         check=True, timeout=PATIENCE_S).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    assert "Requests/sec" in out and not out.startswith("0 requests"), out


def test_many_clients_at_once(hello):
    failures = []

    def talk(number):
        try:
            for _ in range(10):
                with hello.connect() as client:
                    for i in range(10):
                        assert client.get(f"/hello/{number}-{i}").content == f"Hello, {number}-{i}\n".encode()
        except (AssertionError, OSError) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_client_that_leaves_in_the_middle_is_forgotten(hello):
    for cut in range(1, 30):
        client = hello.connect()
        client.send("GET /hello/gone HTTP/1.1\r\nHost: a\r\n\r\n"[:cut])
        if cut % 2:     # by RST rather than FIN
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.socket.close()
    with hello.connect() as client:
        assert client.get("/").status == 200


def test_ipv6(start):
    server = start("examples/hello", listen=["[::1]:0"])
    assert server.curl() == b"Hello, World!"


def test_unix_socket(start, tmp_path):
    path = str(tmp_path / "leat.sock")
    server = start("examples/hello", "--shards", "2", listen=[f"unix:{path}"])
    for _ in range(20):
        with Client(path) as client:
            assert client.get("/").content == b"Hello, World!"
    out = subprocess.run(["curl", "-sS", "--unix-socket", path, "http://localhost/"], stdout=subprocess.PIPE, check=True)
    assert out.stdout == b"Hello, World!"
    assert server.process.poll() is None


def test_a_stale_unix_socket_is_replaced(start, tmp_path):
    path = str(tmp_path / "leat.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    start("examples/hello", listen=[f"unix:{path}"])
    with Client(path) as client:
        assert client.get("/").status == 200


def test_several_addresses(start, tmp_path):
    path = str(tmp_path / "leat.sock")
    server = start("examples/hello", "--shards", "2", listen=["127.0.0.1:0", "[::1]:0", f"unix:{path}"])
    assert len(server.addresses) == 3
    for address in server.addresses:
        with Client(address) as client:
            assert client.get("/").status == 200


def test_localhost_is_both_families(start):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start("examples/hello", listen=[f"localhost:{port}"])
    for host in ("127.0.0.1", "::1"):
        with Client((host, port)) as client:
            assert client.get("/").status == 200
