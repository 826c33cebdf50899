"""Who asks whether this server should be sent requests: on the admin listener, and on the server's own addresses."""
import json
import re
import signal

import pytest

from conftest import Client, wait_until
from test_life import is_refusing

ADMIN = ("--admin", "127.0.0.1:0")
PARTIAL = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"


def admin_of(server):
    """The address of the live page: said before the server listens."""
    found = re.search(r"live page on http://([\d.]+):(\d+)/", server.output())
    return found[1], int(found[2])


def ask(address, target="/readyz", **fields):
    with Client(address) as client:
        return client.get(target, **fields)


def says(address, status, text=""):
    """Whether /readyz says that; where a probe itself is refused, not."""
    response = ask(address)
    return response.status == status and text in response.content.decode()


@pytest.mark.parametrize("shards", ("1", "2"))
def test_both_probes_answer(start, shards):
    server = start("tests/apps/health", "--shards", shards, *ADMIN)
    for address in (server.addresses[0], admin_of(server)):
        for target, word in (("/healthz", "ok"), ("/readyz", "ready")):
            response = ask(address, target)
            assert (response.status, response.content) == (200, word.encode() + b"\n")
            assert response["Cache-Control"] == "no-store"
            assert response["Content-Type"].startswith("text/plain")
            response = ask(address, target, Accept="application/json")
            assert response["Content-Type"] == "application/json"
            assert json.loads(response.content) == {"status": word}
            assert "accept" in response["Vary"].lower()
            with Client(address) as client:
                head = client.ask("HEAD", target)
                assert (head.status, head.content) == (200, b"")


@pytest.mark.parametrize("shards", ("1", "2"))
def test_ready_then_draining_while_accepting_then_closed(start, shards):
    server = start("tests/apps/health", "--shards", shards, "--drain-delay", "24h", *ADMIN)
    own, admin = server.addresses[0], admin_of(server)
    assert says(own, 200) and says(admin, 200)
    server.signal(signal.SIGTERM)
    wait_until("it is not ready any more", lambda: says(admin, 503, "draining: "))
    for _ in range(5):
        assert says(own, 503, "draining: ")         # over a new connection each: it still accepts
        assert ask(own, "/healthz").status == 200
    assert json.loads(ask(own, Accept="application/json").content)["status"] == "draining"
    server.signal(signal.SIGHUP)                    # changes nothing, and ends nothing
    assert says(own, 503)
    server.signal(signal.SIGTERM)
    wait_until("nobody is accepted any more", lambda: is_refusing(own))
    assert server.wait() == 0
    assert re.search(r"SIGTERM: not ready any more.*\n.*second signal.*\n.*SIGTERM: draining", server.output())


def test_the_delay_ends_by_itself(start):
    server = start("examples/hello", "--drain-delay", "50ms")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "not ready any more" in server.output() and "second signal" not in server.output()


def test_without_a_delay_the_drain_begins_at_once(start):
    server = start("examples/hello")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "not ready any more" not in server.output()


def test_an_admin_listener_tells_of_the_drain(start):
    server = start("examples/echo", *ADMIN)
    admin = admin_of(server)
    with server.connect() as busy:
        busy.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert busy.take(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        server.signal(signal.SIGTERM)
        wait_until("it drains", lambda: is_refusing(server.addresses[0]))
        assert says(admin, 503, "draining: ")
        assert ask(admin, "/healthz").status == 200
        busy.send("last")
        assert busy.response().content == b"last"
    assert server.wait() == 0


def test_refusing_for_want_of_an_exchange_is_overload_for_a_while(start):
    server = start("tests/apps/health", "--shards", "1", "--exchanges", "8", *ADMIN)
    own, admin = server.addresses[0], admin_of(server)
    holding = [server.connect() for _ in range(8)]
    for client in holding:
        client.send(PARTIAL)
    wait_until("the server has read all the partial heads", lambda: ask(own).status == 503)
    assert says(admin, 503, "overloaded: a request was refused for want of an exchange (--exchanges) ")
    told = json.loads(ask(admin, Accept="application/json").content)
    assert told["status"] == "overloaded" and "--exchanges" in told["reason"]
    for client in holding:
        client.socket.close()
    wait_until("it tells of the overload itself", lambda: says(own, 503, "overloaded: a request was refused"))
    wait_until("it is ready again", lambda: says(admin, 200) and says(own, 200))


def test_refusing_for_want_of_a_seat_is_overload(start):
    server = start("examples/hello", "--shards", "1", "--connections", "20", *ADMIN)
    admin = admin_of(server)
    assert says(admin, 200)
    crowd = [server.connect() for _ in range(200)]
    for client in crowd:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.response()
    assert says(admin, 503, "overloaded: a connection was refused for want of a seat (--connections) ")
    for client in crowd:
        client.socket.close()
    wait_until("it is ready again", lambda: says(admin, 200))


def test_a_shard_that_is_held_up_is_overload(start, tmp_path):
    server = start("tests/apps/health", "--shards", "1", *ADMIN)
    admin, end = admin_of(server), tmp_path / "end"
    with server.connect() as client:
        client.send(f"GET /hold?until={end} HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until("the silence is noticed", lambda: says(admin, 503, "overloaded: a shard has not answered for "))
        assert ask(admin, "/healthz").status == 200
        end.touch()
        assert client.response().status == 200
    wait_until("it is ready again", lambda: says(admin, 200))


def test_serve_has_probes_when_asked(start, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("here")
    server = start("leat", "serve", str(tmp_path / "www"), "--admin", "off", "--health", "--drain-delay", "24h",
                   "--field", "X-Site: 1")
    with server.connect() as client:
        assert client.get("/").content == b"here"
        assert client.get("/healthz").content == b"ok\n"
        ready = client.get("/readyz")
        assert ready.content == b"ready\n" and ready["X-Site"] is None
    server.signal(signal.SIGTERM)
    wait_until("it says so on its own address", lambda: says(server.addresses[0], 503, "draining: "))
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_serve_has_none_unless_asked(start, tmp_path):
    server = start("leat", "serve", str(tmp_path), "--admin", "off")
    assert ask(server.addresses[0], "/readyz").status == 404


def test_probes_of_sites_know_no_host(start, tmp_path):
    (tmp_path / "a").mkdir()
    config = tmp_path / "leat.conf"
    config.write_text(f"health = yes\n[site a.example]\nroot = {tmp_path / 'a'}\nredirect = /* https://a.example/\n"
                      "error-page = 404 /404.html\n")
    (tmp_path / "a" / "404.html").write_text("gone")
    server = start("leat", "serve", "--config", str(config), "--admin", "off")
    with server.connect() as client:
        for target in ("/healthz", "/readyz"):
            assert client.get(target).status == 200         # of leat.example, which is none of the sites
        assert client.get("/").status == 421
        client.send("GET /readyz HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert client.response().content == b"ready\n"
