"""leat load against servers with planted faults: what it counts is what they did, on both loops.

Before a load one request of each kind is made (it is what other answers are compared with), so the server sees one
more than were counted; where that one is not answered rightly, a few more."""
import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from conftest import PATIENCE_S, program
from cookbook import cache

CONTENT = b"Hello, World!"


def answer(content=CONTENT, status="200 OK", *fields):
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


class Planted(asyncio.Protocol):
    """A connection of a server that answers the nth request as it is told to."""

    def __init__(self, server):
        self.server, self.asked, self.pending = server, 0, b""

    def connection_made(self, transport):
        self.transport = transport
        self.number = self.server.connections
        self.server.connections += 1
        self.server.opened_at.append(time.monotonic())
        self.server.open.add(self)

    def connection_lost(self, _):
        self.server.open.discard(self)

    def data_received(self, octets):
        *requests, self.pending = (self.pending + octets).split(b"\r\n\r\n")
        self.server.deepest = max(self.server.deepest, len(requests))
        for _ in requests:
            if self.transport.is_closing():
                return
            nth = self.server.requests
            self.server.requests += 1
            self.asked += 1
            self.server.most_asked = max(self.server.most_asked, self.asked)
            octets = self.server.answers(self, nth)
            if octets:
                self.transport.write(octets)


class Server:
    """answers(connection, nth) → octets, or None for silence; it may close connection.transport, or sleep."""

    def __init__(self, answers):
        self.answers = answers
        self.requests = self.connections = self.deepest = self.most_asked = 0
        self.open, self.opened_at = set(), []
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.thread.start()
        assert self.ready.wait(PATIENCE_S)

    async def serve(self):
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        listener = await self.loop.create_server(lambda: Planted(self), "127.0.0.1", 0, backlog=1024)
        self.port = listener.sockets[0].getsockname()[1]
        self.ready.set()
        await self.over.wait()
        listener.close()
        for connection in list(self.open):
            connection.transport.abort()
        await asyncio.sleep(0)

    def stop(self):
        with contextlib.suppress(RuntimeError):     # it may have stopped before
            self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(PATIENCE_S)


@pytest.fixture
def plant():
    servers = []

    def begin(answers):
        servers.append(Server(answers))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture
def load(loop):
    """load(server, "--count", 10): what leat load --json says; its exit status must be the one expected."""
    def run(server, *options, status=0):
        url = f"http://127.0.0.1:{server.port}/" if isinstance(server, Server) else server
        command = [program("leat"), "load", url, "--loop", loop, "--json", "--quiet"]
        done = subprocess.run([*command, *map(str, options)], capture_output=True, text=True, timeout=4 * PATIENCE_S)
        assert done.returncode == status, done.stderr + done.stdout[:2000]
        assert not re.search(r"Sanitizer|runtime error:", done.stderr), done.stderr
        return json.loads(done.stdout)
    return run


COUNTED = ("--warm-up", "0s", "--count")


def check_sum(group):
    assert group["requests"] == group["answers"] + group["errors"]["all"]


def only_error(group, kind, count):
    assert group["errors"][kind] == count, group["errors"]
    assert group["errors"]["all"] == count, group["errors"]
    check_sum(group)


def longer_than(histogram, seconds):
    return sum(count for value, count in histogram["buckets"] if value >= seconds)


@pytest.mark.parametrize("options", [("-c", 1), ("-c", 7, "-t", 3), ("-c", 4, "--pipeline", 16),
                                     ("-c", 5, "--rate", 2000), ("-c", 5, "--rate", 2000, "--arrivals", "poisson"),
                                     ("-c", 3, "--pipeline", 4, "--rate", 3000, "-t", 2)])
def test_counts_are_what_the_server_saw(plant, load, options):
    server = plant(lambda connection, nth: answer())
    told = load(server, *COUNTED, 1000, *options)
    group = told["active"]
    assert server.requests == 1000 + 1
    assert group["answers"] == group["requests"] == 1000
    assert group["latency"]["count"] == 1000
    assert group["opened"] == server.connections - 1
    assert group["received_bytes"] == 1000 * len(answer())
    assert group["errors"]["all"] == 0 and told["own"]["missed"] == 0
    if "--pipeline" in options and "--rate" not in options:
        assert server.deepest > 1


def test_wrong_statuses(plant, load):
    server = plant(lambda c, nth: answer(b"no!", "503 Busy") if nth % 10 == 5 else answer())
    only_error(load(server, *COUNTED, 500, status=1)["active"], "status", 50)


def test_wrong_contents(plant, load):
    server = plant(lambda c, nth: answer(b"Hello, Wurld!") if nth % 10 == 5 else answer())
    told = load(server, *COUNTED, 500, status=1)
    only_error(told["active"], "content", 50)
    assert "octet 8" in json.dumps(told), told
    server = plant(lambda c, nth: answer(CONTENT + b"!") if nth % 10 == 5 else answer())
    only_error(load(server, *COUNTED, 500, "--verify", "length", status=1)["active"], "content", 50)
    server = plant(lambda c, nth: answer(CONTENT + b"!") if nth % 10 == 5 else answer())
    only_error(load(server, *COUNTED, 500, "--verify", "status")["active"], "content", 0)


@pytest.mark.parametrize("garbage", [b"SSH-2.0-no\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                                     b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", answer() + b"more"])
def test_garbage(plant, load, garbage):
    server = plant(lambda c, nth: garbage if nth % 10 == 5 else answer())
    group = load(server, *COUNTED, 200, "-c", 4, status=1)["active"]
    assert group["errors"]["syntax"] == group["errors"]["all"] > 0
    assert group["opened"] - 4 <= group["errors"]["syntax"]


def cut(connection, nth):
    if nth % 10 == 5:
        connection.transport.write(answer()[:-5])
        connection.transport.close()
        return None
    return answer()


def test_connections_that_end_within_an_answer(plant, load):
    only_error(load(plant(cut), *COUNTED, 200, "-c", 4, status=1)["active"], "closed", 20)


def test_pipelined_requests_behind_an_end_are_errors(plant, load):
    def leave(connection, nth):
        connection.transport.write(answer(CONTENT, "200 OK", "Connection: close"))
        connection.transport.close()

    group = load(plant(leave), *COUNTED, 64, "-c", 2, "--pipeline", 8, status=1)["active"]
    assert group["answers"] == 8 and group["errors"]["closed"] == 56
    check_sum(group)


def test_no_answer_in_time(plant, load):
    server = plant(lambda c, nth: None if nth % 20 == 5 else answer())
    told = load(server, *COUNTED, 100, "-c", 4, "--timeout", "1s", status=1)
    only_error(told["active"], "timeout", 5)
    server = plant(lambda c, nth: None)
    told = load(server, *COUNTED, 8, "-c", 4, "--timeout", "200ms", status=1)
    only_error(told["active"], "timeout", 8)
    assert server.requests == 8 + 1


@pytest.mark.parametrize("framed", [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n8\r\n, World!\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + answer(),
    b"HTTP/1.1 204 No\r\n\r\n"])
def test_framings(plant, load, framed):
    server = plant(lambda c, nth: framed)
    group = load(server, *COUNTED, 300, "-c", 3, "--pipeline", 4)["active"]
    assert group["answers"] == 300 and group["opened"] == 3


def test_answers_in_pieces(plant, load):
    octets = answer(bytes(range(256)) * 1000)

    def dribble(connection, nth):
        for nth, (begin, end) in enumerate(((0, 1), (1, 17), (17, 39), (39, 50), (50, 90000), (90000, len(octets)))):
            connection.server.loop.call_later(nth / 1000, connection.transport.write, octets[begin:end])

    group = load(plant(dribble), *COUNTED, 60, "-c", 4)["active"]
    assert group["answers"] == 60 and group["received_bytes"] == 60 * len(octets)


def test_contents_that_end_with_the_connection(plant, load):
    def end(connection, nth):
        connection.transport.write(b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT)
        connection.transport.close()

    server = plant(end)
    group = load(server, *COUNTED, 40, "-c", 4)["active"]
    assert group["answers"] == 40 and group["opened"] == 40
    assert server.requests == server.connections == 41


@pytest.mark.parametrize("bound", [1, 3])
@pytest.mark.parametrize("rate", [(), ("--rate", 1000)])
def test_short_lived_connections(plant, load, bound, rate):
    server = plant(lambda c, nth: answer())
    told = load(server, *COUNTED, 60, "-c", 2, "--requests-per-connection", bound, *rate)
    group = told["active"]
    assert group["answers"] == 60 and server.most_asked == bound
    assert server.requests == 61 and server.connections == group["opened"] + 1 >= 60 // bound
    assert group["connect"]["count"] >= 60 // bound - 2


def test_a_stall_is_seen_by_all_that_were_due(plant, load):
    """A second of standing still. With a rate every request that was due in its first half is late by half a second or
    more, whichever connection it was to go over; without one there is a late one on each connection."""
    def stall(connection, nth):
        if nth == 300:
            time.sleep(1)
        return answer()

    told = load(plant(stall), "--warm-up", "0s", "--duration", "3s", "-c", 8, "--rate", 500)
    assert longer_than(told["active"]["latency"], 0.5) >= 245
    assert told["active"]["requests"] + told["own"]["missed"] == 1500
    seen = longer_than(told["active"]["service"], 0.5)
    told = load(plant(stall), *COUNTED, 2000, "-c", 8)
    assert 8 <= longer_than(told["active"]["latency"], 0.5) < 245
    assert seen < 245


def test_what_can_not_be_sent_is_missed(start, load):
    told = load(start("examples/hello").url, "--warm-up", "100ms", "--duration", "500ms", "-c", 4, "--rate", 2000000)
    assert 0 < told["active"]["answers"] == told["active"]["requests"]
    assert told["active"]["answers"] + told["own"]["missed"] == 1000000


def test_a_server_that_dies_is_not_hammered(plant, load):
    server = plant(lambda c, nth: (c.server.over.set() if nth == 100 else None) or answer())
    told = load(server, "--warm-up", "0s", "--duration", "2s", "-c", 4, status=1)["active"]
    errors = told["errors"]
    assert errors["connect"] > 0
    assert errors["all"] <= 4 * (2000 / 100 + 2)     # each pauses for 100 ms
    check_sum(told)


def test_connections_are_opened_over_a_while(plant, load):
    server = plant(lambda c, nth: answer())
    told = load(server, *COUNTED, 100, "-c", 10, "--ramp", "500ms")
    assert told["active"]["answers"] == 100 and told["active"]["opened"] == 10
    assert server.opened_at[10] - server.opened_at[1] >= 0.4


def test_nobody_is_there(loop):
    with contextlib.closing(socket.socket()) as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        done = subprocess.run([program("leat"), "load", f"http://127.0.0.1:{port}/", "--loop", loop, "--quiet"],
                              capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 69
    assert len(done.stderr.splitlines()) == 1 and f"127.0.0.1:{port}" in done.stderr and "refused" in done.stderr


def test_quiet_connections(plant, load):
    server = plant(lambda c, nth: answer())
    told = load(server, "--warm-up", "0s", "--duration", "1s", "--rate", 100, "-c", 3, "--idle", 50,
                "--idle-rate", 200)
    quiet = told["idle"]
    assert quiet["connections"] == quiet["opened"] == 50 and quiet["connect"]["count"] == 50
    assert quiet["requests"] == quiet["answers"] == quiet["latency"]["count"]
    assert quiet["requests"] + told["active"]["requests"] + told["own"]["missed"] == 300
    assert server.connections == 54
    assert server.requests == 1 + 50 + quiet["requests"] + told["active"]["requests"]


def test_quiet_connections_that_break(plant, load):
    def leave(connection, nth):
        if 10 <= nth < 15:
            connection.server.loop.call_later(0.2, connection.transport.close)
        return answer()

    told = load(plant(leave), "--warm-up", "0s", "--duration", "1s", "--rate", 20, "-c", 1, "--idle", 40, status=1)
    assert told["idle"]["opened"] == 40 and told["idle"]["connections"] == 35
    assert told["idle"]["errors"]["closed"] == 5
    assert told["active"]["errors"]["all"] == 0


def test_a_unix_socket(start, load, tmp_path):
    path = os.path.join(tmp_path, "s")
    start("examples/hello", listen=(f"unix:{path}",))
    group = load(f"unix:{path}", *COUNTED, 500, "-c", 20, "--requests-per-connection", 10)["active"]
    assert group["answers"] == 500 and group["opened"] >= 50


def test_many_source_addresses(start, load):
    server = start("examples/hello")
    told = load(server.url, *COUNTED, 500, "-c", 20, "--idle", 100, "--sources", 3)
    assert told["ran"]["sources"] == 3 and told["idle"]["opened"] == 100 and told["active"]["answers"] == 500


@pytest.mark.skipif(bool(cache("LEAT_SANITIZE")), reason="a sanitizer has memory of its own")
def test_a_quiet_connection_takes_next_to_nothing(start, load):
    server = start("examples/hello", "--connections", "16000")

    def resident(idle):
        told = load(server.url, "--warm-up", "0s", "--duration", "200ms", "-c", 1, "--rate", 50, "--idle", idle)
        assert told["idle"]["connections"] == idle and told["ran"]["idle_threads"] == 1
        return told["own"]["resident_bytes"]

    resident(10)
    assert resident(15000) - resident(10) <= 32 * 15000
