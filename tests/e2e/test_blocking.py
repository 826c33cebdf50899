"""Calls that block, on a pool of threads: what the others get meanwhile, what a full pool answers, and what becomes of a
call whose client goes, before a thread has taken it and behind. The pool of /hold has two threads and a queue of two."""
import signal
import subprocess

import conftest


def state(client):
    return tuple(int(n) for n in client.get("/state").content.split())


def hold(server, client, count, entered):
    """So many more requests for /hold, all submitted; entered of all there are have been taken by a thread."""
    asked = state(client)[0]
    waiting = [server.connect() for _ in range(count)]
    for one in waiting:
        one.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
    conftest.wait_until("calls are submitted", lambda: state(client)[0] == asked + count)
    conftest.wait_until("threads have taken them", lambda: state(client)[1] == entered)
    return waiting


def release(client, count):
    for _ in range(count):
        assert client.get("/release").status == 200


def test_others_are_served_while_calls_block(start):
    server = start("tests/apps/blocking", "--shards", "1")
    with server.connect() as client:
        held = hold(server, client, 2, 2)
        release(client, 2)
        assert [one.response().content for one in held] == [b"7\n", b"7\n"]


def test_a_full_pool_is_answered_503_and_the_queue_goes_on(start):
    server = start("tests/apps/blocking", "--shards", "1")
    with server.connect() as client, server.connect() as fifth:
        held = hold(server, client, 4, 2)
        assert fifth.get("/hold").status == 503
        release(client, 4)
        assert [one.response().status for one in held] == [200] * 4
        assert state(client)[1] == 4


def test_a_client_that_goes_takes_its_queued_call_with_it(start):
    server = start("tests/apps/blocking", "--shards", "1")
    with server.connect() as client:
        held = hold(server, client, 2, 2)
        queued = hold(server, client, 1, 2)[0]
        queued.socket.close()
        conftest.wait_until("the call is canceled", lambda: "hold: -125 0" in server.output())
        release(client, 2)
        assert [one.response().status for one in held] == [200, 200]
        assert state(client) == (3, 2, 3)


def test_a_running_call_outlives_its_client(start):
    server = start("tests/apps/blocking", "--shards", "1")
    with server.connect() as client:
        held = hold(server, client, 1, 1)[0]
        held.socket.close()
        assert client.get("/slow?ms=20").content == b"done\n"
        assert state(client)[2] == 0
        release(client, 1)
        conftest.wait_until("the call has ended", lambda: "hold: 0 7" in server.output())
        assert state(client) == (1, 1, 1)


def test_a_cancellation_comes_behind_a_running_call(start):
    server = start("tests/apps/blocking", "--shards", "1")
    with server.connect() as client, server.connect() as canceled:
        release(client, 1)
        first = canceled.get("/canceled").content
        assert first in (b"0 7\n", b"-125 0\n")     # a thread was faster, or the cancellation was


def test_many_calls_of_all_shards_share_a_pool(start):
    server = start("tests/apps/blocking", "--shards", "2")
    clients = [server.connect() for _ in range(30)]
    for client in clients:
        client.send("GET /slow?ms=1 HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
    for client in clients:
        assert [client.response().content for _ in range(10)] == [b"done\n"] * 10


def test_a_drain_waits_for_calls(start):
    server = start("tests/apps/blocking", "--shards", "1")
    with server.connect() as client, server.connect() as slow:
        held = hold(server, client, 1, 1)[0]
        slow.send("GET /slow?ms=300 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.send("GET /state HTTP/1.1\r\nHost: a\r\n\r\nGET /release HTTP/1.1\r\nHost: a\r\n\r\n")
        client.response()
        server.signal(signal.SIGTERM)
        assert slow.response().content == b"done\n"
        assert held.response().content == b"7\n"
        assert server.wait() == 0


def test_its_threads_are_rows_of_the_plan_and_have_its_name(start):
    server = start("tests/apps/blocking", "--shards", "1")
    plan = subprocess.run([conftest.program("tests/apps/blocking"), "--plan"], stdout=subprocess.PIPE, check=True, text=True)
    row = [line.split() for line in plan.stdout.splitlines() if line.startswith("slow work stack")]
    assert row and row[0][3:6] == ["256.0", "KiB", "2"]
    names = subprocess.run(["ps", "-T", "-o", "comm=", "-p", str(server.process.pid)], stdout=subprocess.PIPE, text=True)
    assert names.stdout.split("\n").count("slow work") == 2
