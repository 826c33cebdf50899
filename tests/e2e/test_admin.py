"""The admin listener: where it listens, whom it lets see, that it answers whatever the server proper does, and that every answered
request is told once."""
import base64
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from conftest import BUILD, Client, PATIENCE_S, program, wait_until
from test_activation import hand_over

TOKEN = "0123456789abcdef-._~+/="


def admin_address(server):
    """Where its line says, as for Client."""
    text = re.search(r"^\S+: live page on (?:http://(\S+)/leat/|(unix:\S+), path /leat/)$", server.output(), re.MULTILINE)
    assert text, server.output()
    if text[2]:
        return text[2].removeprefix("unix:")
    host, port = text[1].rsplit(":", 1)
    return host.strip("[]"), int(port)


def ask(server, target, **fields):
    fields = {"Host": "localhost", **fields}
    with Client(admin_address(server)) as client:
        client.send(f"GET {target} HTTP/1.1\r\n" + "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in fields.items()) + "\r\n")
        return client.response()


def figures(server, **fields):
    """{'leat_x{label="value"}': number} of /metrics."""
    response = ask(server, "/metrics", **fields)
    assert response.status == 200, response.content
    lines = response.content.decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"}


def fresh(server):
    """Figures that were taken behind this call: a look is believed for a moment, and so is what was made of it."""
    then = figures(server)["leat_uptime_seconds"]
    while True:
        now = figures(server)
        if now["leat_uptime_seconds"] > then:
            return now


def total(now, name):
    return sum(value for key, value in now.items() if key.split("{")[0] == name)


def reset(client):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.socket.close()


# ── Where ──

def test_it_listens_on_localhost_unless_it_is_told_otherwise(start):
    server = start("examples/hello", "--shards", "1")
    host, port = admin_address(server)
    assert host == "127.0.0.1"
    assert ask(server, "/leat/").status == 200
    if port != 9464:    # somebody else has it: so it must be in use
        with socket.socket() as one, pytest.raises(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", 9464))
            one.listen()


def test_a_port_in_use_makes_it_take_another_and_say_so(start):
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 9464))
            holder.listen()
        except OSError:
            pass        # it is in use, by whomever
        servers = [start("examples/hello", "--shards", "1") for _ in range(2)]
        ports = {admin_address(server)[1] for server in servers}
        assert len(ports) == 2 and 9464 not in ports
        for server in servers:
            with server.connect() as client:
                assert client.get("/").status == 200
            assert fresh(server)["leat_http_requests_answered_total"] == 1


def test_a_port_in_use_that_was_asked_for_refuses_to_start(run):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ended = run("examples/hello", "--listen", "127.0.0.1:0", "--shards", "2", "--quiet", "--admin", f"127.0.0.1:{port}")
    assert ended.returncode == 69, ended
    assert str(port) in ended.stderr and "in use" in ended.stderr and ended.stderr.count("\n") == 1


def test_off_means_that_there_is_none(start, run):
    servers = [start("examples/hello", "--shards", "1", *more) for more in ((), ("--admin", "off"))]
    assert ["live page" in server.output() for server in servers] == [True, False]
    threads = [len(os.listdir(f"/proc/{server.process.pid}/task")) for server in servers]
    assert threads[0] == threads[1] + 1
    plans = [run("examples/hello", "--plan", "--shards", "1", *more).stdout for more in ((), ("--admin", "off"))]
    assert ["admin listener" in plan for plan in plans] == [True, False]


def test_it_can_be_a_unix_socket(start, tmp_path):
    path = str(tmp_path / "admin")
    server = start("examples/hello", "--shards", "1", "--admin", f"unix:{path}")
    assert admin_address(server) == path
    assert ask(server, "/healthz").content == b"ok\n"
    assert figures(server)["leat_shards"] == 1


def test_ipv6_is_an_address_too(start):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")
    server = start("examples/hello", "--shards", "1", "--admin", "[::1]:0")
    assert ask(server, "/metrics", Host="[::1]:80").status == 200


def test_descriptors_that_were_handed_over_are_not_for_it(start):
    with socket.socket() as web:
        web.bind(("127.0.0.1", 0))
        web.listen(16)
        server = start(sys.executable, *hand_over([web]), program("leat"), "serve", "--quiet", "--shards", "2", listen=(),
                       pass_fds=[web.fileno()])
        assert admin_address(server)[1] != web.getsockname()[1]
        with server.connect() as client:
            assert client.get("/").status in (200, 404)
        now = figures(server)
        assert now["leat_http_requests_answered_total"] == 1 and now["leat_shards_silent"] == 0


@pytest.mark.parametrize("flags", [("--commit",), ("--private-descriptors", "--admin", "localhost:0")], ids=lambda f: f[0])
def test_it_serves_beside_the_modes_of_memory_and_descriptors(start, flags):
    if "--private-descriptors" in flags and "tsan" in BUILD:
        pytest.skip("ThreadSanitizer takes equal numbers in two tables of descriptors for one descriptor")
    server = start("examples/hello", "--shards", "2", "--connections", "64", "--exchanges", "16", "--content-total", "1m",
                   "--content-max", "64k", *flags)
    with server.connect() as client:
        assert client.get("/").status == 200
        now = figures(server)
    assert now["leat_shards_silent"] == 0 and now["leat_http_requests_answered_total"] == 1
    if not re.search("asan|tsan", BUILD):       # these need memory of their own
        assert now["process_resident_memory_bytes"] <= now["leat_plan_bytes"]


def test_a_reload_leaves_it_in_peace(start, tmp_path):
    config = tmp_path / "leat.conf"
    config.write_text("idle-timeout = 10s\n")
    server = start("examples/hello", "--shards", "2", "--config", str(config))
    before = figures(server)["leat_uptime_seconds"]
    config.write_text("idle-timeout = 20s\n")
    server.signal(signal.SIGHUP)
    wait_until("the reload is told", lambda: "idle-timeout" in server.output())
    now = figures(server)
    assert now["leat_uptime_seconds"] >= before and now["leat_shards_silent"] == 0


# ── Who ──

WRONG = {
    "others reach it": (["--admin", "0.0.0.0:0"], "--admin-token-file"),
    "others reach it by IPv6": (["--admin", "[::]:0"], "--admin-token-file"),
    "no address": (["--admin", "no address"], "--admin no address"),
    "no such file": (["--admin-token-file", "/nowhere/token"], "/nowhere/token"),
    "an empty file": (["--admin-token-file", "/dev/null"], "token"),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_is_wrong_with_it_is_one_line_and_status_78(run, why):
    arguments, said = WRONG[why]
    ended = run("examples/hello", "--listen", "127.0.0.1:0", "--quiet", *arguments)
    assert ended.returncode == 78
    assert said in ended.stderr and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["\n", "with a blank\n", "x" * 256 + "\n", "colon:\n", "gr\u00fcn\n"])
def test_a_first_line_that_is_no_token_is_refused(run, tmp_path, text):
    path = tmp_path / "token"
    path.write_text(text)
    ended = run("examples/hello", "--listen", "127.0.0.1:0", "--quiet", "--admin-token-file", str(path))
    assert ended.returncode == 78 and "no token" in ended.stderr


@pytest.fixture
def guarded(start, tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\r\nanything else\n")
    return start("examples/hello", "--shards", "1", "--admin", "0.0.0.0:0", "--admin-token-file", str(path))


GUARDED = ("/metrics", "/leat/")


def test_a_token_opens_what_it_guards(guarded):
    for target in GUARDED:
        refused = ask(guarded, target)
        assert refused.status == 401 and refused["WWW-Authenticate"].startswith("Bearer")
        assert ask(guarded, target, Authorization=f"Bearer {TOKEN}").status == 200
        assert ask(guarded, target, Authorization=f"bearer {TOKEN}").status == 200
        assert ask(guarded, target, Cookie=f"a=b; leat-admin={TOKEN}").status == 200


def test_what_is_nearly_the_token_opens_nothing(guarded):
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "=", TOKEN.upper(), "x" + TOKEN[1:], TOKEN + "\x01", TOKEN + "0" * 500):
        for fields in ({"Authorization": f"Bearer {wrong}"}, {"Cookie": f"leat-admin={wrong}"}):
            assert ask(guarded, "/metrics", **fields).status in (400, 401), (wrong, fields)
    basic = base64.b64encode(f"leat:{TOKEN}".encode()).decode()
    assert ask(guarded, "/metrics", Authorization=f"Basic {basic}").status == 401
    assert ask(guarded, f"/leat/?token={TOKEN[:-1]}").status == 401


def test_a_token_in_the_address_goes_into_a_cookie_and_out_of_the_address(guarded):
    response = ask(guarded, "/leat/?token=" + TOKEN.replace("+", "%2B"))
    assert response.status == 303 and response["Location"].endswith("/leat/") and TOKEN not in response["Location"]
    cookie = response["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and response["Cache-Control"] == "no-store"
    assert ask(guarded, "/leat/", Cookie=cookie.split(";")[0]).status == 200


def test_the_probes_want_no_token(guarded):
    assert ask(guarded, "/healthz").status == 200
    assert ask(guarded, "/readyz").status == 200


def test_a_page_that_has_its_own_name_pointed_here_sees_nothing(start):
    server = start("examples/hello", "--shards", "1")
    for name in ("localhost", "LocalHost", "localhost:9464", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:9464"):
        assert ask(server, "/metrics", Host=name).status == 200, name
    for name in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1.nip.io:9464", "localhost.", "0x7f.1",
                 "a" * 300, "leat"):
        assert ask(server, "/metrics", Host=name).status == 421, name
        assert ask(server, "/leat/", Host=name).status == 421, name
    for name in ("[evil.example]", "[::1].evil.example", "[::1]evil"):
        assert ask(server, "/metrics", Host=name).status in (400, 421), name


# ── Whatever the server does ──

def test_its_own_requests_count_nowhere(start):
    server = start("examples/hello", "--shards", "1")
    with server.connect() as client:
        assert client.get("/").status == 200
    for target in ("/metrics", "/healthz", "/readyz", "/leat/", "/nothing"):
        ask(server, target)
    now = fresh(server)
    assert now["leat_http_requests_answered_total"] == total(now, "leat_http_requests_total") == 1
    assert now["leat_connections_accepted_total"] == 1


def test_it_answers_while_every_seat_is_taken(start):
    server = start("examples/hello", "--shards", "1", "--connections", "64", "--exchanges", "16")
    limit = int(fresh(server)["leat_connections_limit"])
    holding = [server.connect() for _ in range(limit)]
    for client in holding:
        client.send("GET / HT")
    wait_until("all seats are taken", lambda: fresh(server)["leat_connections_open"] == limit)
    with server.connect() as client:
        assert client.get("/").status == 503
    now = fresh(server)
    assert now['leat_refused_total{pool="slot"}'] >= 1
    assert sum(now[f'leat_connections{{state="{s}"}}'] for s in ("idle", "head", "lingering", "closed")) == limit
    for client in holding:
        client.socket.close()
    wait_until("all seats are free", lambda: fresh(server)["leat_connections_open"] == 0)


def test_scrapers_that_never_read_keep_nobody_else_out(start):
    server = start("examples/hello", "--shards", "1")
    figures(server)
    resident = fresh(server)["process_resident_memory_bytes"]
    lazy = [Client(admin_address(server), receive_buffer=2048) for _ in range(24)]
    for client in lazy:
        client.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
    for _ in range(20):
        now = fresh(server)
    assert now["leat_shards_silent"] == 0
    assert now["process_resident_memory_bytes"] - resident < 8 << 20     # what 24 answers take, and it ends there
    for client in lazy:
        reset(client)


@pytest.fixture
def stuck(start, tmp_path):
    """A server of two shards, one of which a handler holds up; and how to free it."""
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    server = start("tests/apps/stuck", "--shards", "2", env={**os.environ, "STUCK": path})
    clients = [server.connect()]
    clients[0].send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
    freed = []

    def free():
        if not freed:
            freed.append(os.open(path, os.O_WRONLY))
            assert clients[0].response().content == b"free again\n"
            os.close(freed[0])
    wait_until("its loop is held up", lambda: fresh(server)["leat_shards_silent"] == 1)
    yield server, free
    free()
    clients[0].socket.close()


def test_a_handler_that_holds_its_loop_up_is_told(stuck):
    server, free = stuck
    first = fresh(server)["leat_shard_silence_seconds"]
    wait_until("the silence goes on", lambda: fresh(server)["leat_shard_silence_seconds"] > first)
    assert ask(server, "/healthz").status == 200
    free()
    wait_until("it answers again", lambda: fresh(server)["leat_shards_silent"] == 0)
    now = fresh(server)
    assert now["leat_shard_silence_seconds"] < first + 1
    assert now["leat_http_requests_answered_total"] == 1


def test_who_leaves_while_shards_are_asked_harms_nobody(stuck):
    """With a silent shard a look takes its whole patience: time to leave."""
    server, free = stuck
    address = admin_address(server)
    for _ in range(20):
        crowd = [Client(address) for _ in range(4)]
        for client in crowd:
            client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for client in crowd:
            reset(client)
    wait_until("they have gone", lambda: ask(server, "/metrics").status == 200)     # all at once they may need too much
    assert fresh(server)["leat_shards_silent"] == 1
    free()
    wait_until("it answers again", lambda: fresh(server)["leat_shards_silent"] == 0)
    for _ in range(20):     # whoever leaves now makes no shard silent
        with Client(address) as client:
            client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert fresh(server)["leat_shards_silent"] == 0


def test_the_very_first_look_may_be_broken_off(start, tmp_path):
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    server = start("tests/apps/stuck", "--shards", "1", env={**os.environ, "STUCK": path})
    with server.connect() as client:
        client.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
        crowd = [Client(admin_address(server)) for _ in range(8)]
        for one in crowd:
            one.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for one in crowd:
            reset(one)
        assert ask(server, "/healthz").status == 200
        os.close(os.open(path, os.O_WRONLY))
        assert client.response().status == 200
    wait_until("they have gone", lambda: ask(server, "/metrics").status == 200)
    assert fresh(server)["leat_shards_silent"] == 0


def test_viewers_hold_no_stop_up(start):
    server = start("examples/hello", "--shards", "2")
    viewers = [Client(admin_address(server)) for _ in range(3)]
    for viewer, target in zip(viewers, ("/leat/events", "/leat/events", "/metrics")):
        viewer.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert viewer.more()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    for viewer in viewers:
        viewer.socket.close()


def test_it_is_there_while_the_server_drains_and_says_so(start):
    server = start("tests/apps/waiting", "--shards", "2")
    with server.connect() as client:
        client.send("GET /nap?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until("it naps", lambda: "a long nap" in server.output())
        assert ask(server, "/readyz").status == 200
        server.signal(signal.SIGTERM)
        wait_until("it is not ready any more", lambda: ask(server, "/readyz").status == 503)
        assert ask(server, "/healthz").status == 200
        assert fresh(server)["leat_draining"] == 1
    assert server.wait() == 0       # its last client has gone


def test_it_stops_in_the_midst_of_scrapes(start):
    server = start("examples/hello", "--shards", "2")
    address, host = admin_address(server), "localhost"
    with subprocess.Popen(["sh", "-c", f"while curl -s -m 5 http://{address[0]}:{address[1]}/metrics -o /dev/null; do :; done"],
                          start_new_session=True) as scraper:
        try:
            wait_until("it is scraped", lambda: figures(server)["leat_uptime_seconds"] > 0.2)
            server.signal(signal.SIGTERM)
            assert server.wait() == 0
            assert scraper.wait(PATIENCE_S) == 0
        finally:
            if scraper.poll() is None:
                os.killpg(scraper.pid, signal.SIGKILL)


# ── Every answered request once ──

def is_quiet(server):
    now = fresh(server)
    return now["leat_connections_open"] == now['leat_connections{state="idle"}'] == 0


def check_sums(server):
    now = fresh(server)
    answered = now["leat_http_requests_answered_total"]
    assert total(now, "leat_http_requests_total") == answered
    assert now["leat_http_request_duration_seconds_count"] == answered
    assert total(now, "leat_route_duration_seconds_count") == answered
    assert now['leat_http_request_duration_seconds_bucket{le="+Inf"}'] == answered
    return now


def classes(now):
    return {c: sum(v for k, v in now.items() if k.startswith("leat_http_requests_total{") and f'class="{c}"' in k)
            for c in ("1xx", "2xx", "3xx", "4xx", "5xx")}


GET = "GET {} HTTP/1.1\r\nHost: a\r\n\r\n"


def test_every_way_of_answering_counts_once(start):
    server = start("tests/apps/waiting", "--shards", "2", "--content-max", "200k")
    with server.connect() as client:
        for target in ("/", "/nap?ms=1", "/count?n=20", "/sized", "/large?n=1", "/join", "/trail?n=10", "/yield"):
            assert client.get(target).status == 200
        assert client.ask("HEAD", "/").status == 200
        assert client.ask("HEAD", "/count").status == 200
        assert client.get("/nothing").status == 404
        assert client.ask("PUT", "/").status == 405
        assert client.ask("OPTIONS", "/").status == 204
        assert client.ask("POST", "/echo", b"x" * 100000).status == 200
        assert client.ask("POST", "/receive", b"x" * 100000).status == 200
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        wait_until("it says go on", lambda: client.more() or True)
        client.send("ab")
        response = client.response()
        assert response.status == 200 and response.interim == [100]
        client.send(GET.format("/") * 15, GET.format("/nothing"))       # a burst
        assert [client.response().status for _ in range(16)] == [200] * 15 + [404]
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert client.response().status == 200 and client.ends()
    ended_by = {"GET / HTTP/1.1\r\n\r\n": 400, "G@T\r\n": 400, "GET / HTTP/3.0\r\nHost: a\r\n\r\n": 505,
                f"GET /{'x' * 100000} HTTP/1.1\r\nHost: a\r\n\r\n": 414,
                f"GET / HTTP/1.1\r\nHost: a\r\nX: {'x' * 100000}\r\n\r\n": 431,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n": 413,
                "POST /tagged/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n": 400,
                "POST /closed/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab": 401,
                "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n": 400}
    for text, status in ended_by.items():
        with server.connect() as client:
            client.send(text)
            assert client.response().status == status, text[:40]
    wait_until("all is quiet", lambda: is_quiet(server))
    now = check_sums(server)
    refused = list(ended_by.values())
    assert classes(now) == {"1xx": 0, "2xx": 8 + 2 + 1 + 2 + 1 + 15 + 1, "3xx": 0, "4xx": 2 + 1 + sum(s < 500 for s in refused),
                            "5xx": sum(s >= 500 for s in refused)}


def test_who_is_too_slow_counts_once(start):
    server = start("tests/apps/waiting", "--shards", "1", "--head-timeout", "100ms", "--content-timeout", "100ms")
    for text in ("GET / HT", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab",
                 "POST /tagged/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab"):
        with server.connect() as client:
            client.send(text)
            assert client.response().status == 408
    wait_until("all is quiet", lambda: is_quiet(server))
    now = check_sums(server)
    assert now["leat_http_requests_answered_total"] == classes(now)["4xx"] == 3
    assert now["leat_first_byte_seconds_count"] == now["leat_connections_accepted_total"] == 3


def test_a_head_that_comes_in_pieces_is_told_as_one(start):
    server = start("examples/hello", "--shards", "1")
    with server.connect() as client:
        client.send("GET / HT")
        wait_until("its beginning has come", lambda: fresh(server)['leat_connections{state="head"}'] == 1)
        client.send("TP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().status == 200
        assert client.get("/").status == 200
    now = fresh(server)
    assert now["leat_head_seconds_count"] == 2 and now["leat_head_seconds_sum"] > 0


def test_what_breaks_counts_once_if_it_had_been_answered(start):
    server = start("tests/apps/waiting", "--shards", "2")
    begun = 0
    for target in ("/count?n=1000000&ms=1", "/large?n=1000", "/sized?less=10"):     # streams that have begun
        for _ in range(3):
            client = server.connect(receive_buffer=4096)
            client.send(GET.format(target))
            assert client.more()
            reset(client)
            begun += 1
    for _ in range(3):      # those of handlers that wait, and have said nothing: no answer
        client = server.connect()
        client.send(GET.format("/nap?ms=600000"))
        wait_until("it naps", lambda: fresh(server)['leat_connections{state="waiting"}'] == 1)
        reset(client)
        wait_until("it is woken", lambda: is_quiet(server))
    client = server.connect()   # who says that it will send no more is answered still
    client.send(GET.format("/nap?ms=600000"))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.response().status == 200
    client.socket.close()
    client = server.connect()   # part of a burst has been answered when the client goes
    client.send(GET.format("/") * 3 + GET.format("/nap?ms=600000"))
    assert [client.response().status for _ in range(3)] == [200] * 3
    reset(client)
    wait_until("all is quiet", lambda: is_quiet(server))
    now = check_sums(server)
    assert now["leat_http_requests_answered_total"] == begun + 1 + 3
    assert now['leat_pool_in_use{pool="exchange"}'] == 0


def test_event_streams_are_open_until_they_end(start):
    server = start("tests/apps/events", "--shards", "2")
    with server.connect() as client:
        assert client.get("/shapes").status == 200
        assert client.ask("HEAD", "/shapes").status == 200
    viewers = [server.connect() for _ in range(4)]
    for viewer in viewers:
        viewer.send(GET.format("/count"))
        assert viewer.more()
    assert fresh(server)["leat_sse_streams_open"] == 4
    viewers.pop().socket.close()
    reset(viewers.pop())
    wait_until("two have gone", lambda: fresh(server)["leat_sse_streams_open"] == 2)
    for viewer in viewers:
        viewer.socket.close()
    wait_until("all is quiet", lambda: is_quiet(server))
    now = check_sums(server)
    assert now["leat_sse_streams_open"] == 0 and now["leat_http_requests_answered_total"] == 6


def test_503_at_the_door_is_told_as_a_refusal(start):
    server = start("examples/echo", "--shards", "1", "--exchanges", "8")
    holding = [server.connect() for _ in range(8)]
    for client in holding:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n")
    wait_until("all exchanges are lent", lambda: fresh(server)['leat_connections{state="head"}'] == 8)
    with server.connect() as client:
        assert client.get("/").status == 503
    for client in holding:
        client.send("\r\nlate")
        assert client.response().status == 200
        client.socket.close()
    wait_until("all is quiet", lambda: is_quiet(server))
    now = check_sums(server)
    assert now["leat_http_requests_answered_total"] == 8
    assert now['leat_refused_total{pool="exchange"}'] == 1


def test_octets_are_counted_both_ways(start):
    server = start("examples/echo", "--shards", "1")
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
    with server.connect() as client:
        before = fresh(server)
        client.send(request)
        response = client.response()
        now = fresh(server)
    assert now["leat_received_bytes_total"] - before["leat_received_bytes_total"] == len(request)
    sent = now["leat_sent_bytes_total"] - before["leat_sent_bytes_total"]
    assert len(response.content) < sent < len(response.content) + 500
