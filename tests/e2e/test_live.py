"""What the live page is shown: /leat/live.json and the stream /leat/events of the admin listener."""
import json
import re
import socket

import pytest
from conftest import Client, wait_until
from test_sse import EventStream

SHAPE = {"time", "uptime_s", "name", "version", "loop", "shards", "silent_shards", "pid", "metrics", "states", "refused", "pools",
         "plan", "histograms", "events", "doctor", "routes"}
STREAMS = 24


class Admin:
    """The admin listener of a server that was started with --admin 127.0.0.1:0."""

    def __init__(self, server):
        host, port = re.search(r"live page on http://([^/]*)/leat/", server.output())[1].rsplit(":", 1)
        self.address = (host, int(port))

    def connect(self, **options):
        return Client(self.address, **options)

    def get(self, target, **fields):
        """As a browser of this machine would: by localhost, for whose pages this is."""
        lines = [f"GET {target} HTTP/1.1", f"Host: localhost:{self.address[1]}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        with self.connect() as client:
            client.send("\r\n".join(lines) + "\r\n\r\n")
            return client.response()

    def look(self):
        return json.loads(self.get("/leat/live.json").content)



@pytest.fixture
def admin(start):
    def begin(name="examples/tour", *arguments):
        server = start(name, "--admin", "127.0.0.1:0", "--shards", "2", *arguments)
        return server, Admin(server)
    return begin


def watch(admin, **options):
    client = admin.connect(**options)
    client.send(f"GET /leat/events HTTP/1.1\r\nHost: 127.0.0.1:{admin.address[1]}\r\n\r\n")
    return client


def head_of(client):
    while b"\r\n\r\n" not in client.pending:
        assert client.more()
    head, client.pending = client.pending.split(b"\r\n\r\n", 1)
    return head.decode()


def next_chunk(client):
    size = int(client.line(), 16)
    chunk = client.take(size)
    assert client.take(2) == b"\r\n"
    return chunk


def frames(client, count):
    head_of(client)
    stream = EventStream()
    while len(stream.events) < count:
        stream.feed(next_chunk(client))
    assert all(event[0] == "look" for event in stream.events)
    return [json.loads(event[1]) for event in stream.events]


def test_live_json_tells_what_was_sent(admin):
    server, page = admin()
    with server.connect() as client:
        for _ in range(20):
            assert client.get("/sum?a=1&b=2").status == 200
        assert client.get("/nothing/here").status == 404
    wait_until("all is counted", lambda: page.look()["metrics"]["http_requests_answered_total"] == 21)
    look = page.look()
    assert set(look) == SHAPE
    assert look["pid"] == server.process.pid and look["shards"] == 2 and look["silent_shards"] == 0 and look["name"] == "tour"
    routes = {route["route"]: route for route in look["routes"]}
    assert routes["/sum"]["requests"] == 20 and routes["/sum"]["classes"]["2xx"] == 20 and routes["/sum"]["method"] == "GET"
    assert routes[""]["requests"] == 1 and routes[""]["classes"]["4xx"] == 1
    assert 0 < routes["/sum"]["p50_s"] <= routes["/sum"]["p99_s"] <= routes["/sum"]["max_s"] < 30
    duration = look["histograms"]["duration"]
    assert duration["count"] == 21 == sum(count for _, count in duration["buckets"])
    bounds = [bound for bound, _ in duration["buckets"]]
    assert bounds == sorted(bounds) and bounds[-1] >= duration["max_s"] * 0.98
    assert set(look["histograms"]) == {"duration", "turn", "lateness", "first_byte", "head", "write"}
    assert {"name", "in_use", "high", "limit", "refused", "object_bytes", "resident_bytes"} == set(look["pools"][0])
    assert all(pool["in_use"] <= pool["high"] <= pool["limit"] for pool in look["pools"])
    assert look["plan"]["ours_bytes"] >= sum(row["bytes"] for row in look["plan"]["rows"]) > 0


def test_streams_send_a_frame_a_second_each_the_same(admin):
    _, page = admin()
    clients = [watch(page) for _ in range(3)]
    seen = [frames(client, 3) for client in clients]
    for times in ([frame["time"] for frame in one] for one in seen):
        assert times == sorted(set(times))
    # Who watches at once is shown the same: all but the first, which each got when it came.
    assert {frame["time"] for frame in seen[0][1:]} & {frame["time"] for frame in seen[1][1:]}
    for client in clients:
        client.socket.close()


def test_watchers_are_bounded_and_leave_room_for_scrapers(admin):
    _, page = admin()
    clients = [watch(page) for _ in range(STREAMS)]
    for client in clients:
        assert head_of(client).startswith("HTTP/1.1 200 ")
    refused = page.get("/leat/events")
    assert refused.status == 503 and refused["Retry-After"] and b"watch" in refused.content
    assert page.get("/metrics").status == 200 and page.get("/leat/live.json").status == 200
    clients.pop().socket.close()
    wait_until("one that has gone makes room", lambda: has_room(page))
    for client in clients:
        client.socket.close()


def has_room(page):
    with watch(page) as client:
        return head_of(client).startswith("HTTP/1.1 200 ")


def test_a_watcher_that_does_not_read_hinders_nobody(admin):
    """Its connection is full after some frames; the others' go on, and are whole."""
    _, page = admin()
    deaf = [watch(page, receive_buffer=4096) for _ in range(4)]
    with watch(page) as client:
        assert len(frames(client, 4)) == 4
    for client in deaf:
        client.socket.close()


def test_a_watcher_that_goes_is_forgotten(admin):
    server, page = admin()
    for _ in range(3 * STREAMS):
        watch(page).socket.close()
    wait_until("all have gone", lambda: has_room(page))
    assert server.process.poll() is None


def test_a_head_request_to_the_stream_ends(admin):
    _, page = admin()
    with page.connect() as client:
        client.send("HEAD /leat/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert head_of(client).startswith("HTTP/1.1 200 ")
        client.socket.shutdown(socket.SHUT_WR)


def test_a_stream_ends_when_the_server_stops(admin):
    server, page = admin()
    client = watch(page)
    head_of(client)
    next_chunk(client)
    server.stop()
    while client.more():
        pass


def test_what_has_no_room_is_left_out_in_whole_items(admin):
    _, page = admin("tests/apps/many")
    answer = page.get("/leat/live.json")
    look = json.loads(answer.content)
    assert len(answer.content) <= 256 << 10 and set(look) == SHAPE
    assert 200 < len(look["routes"]) < 400
    assert look["routes"][1]["route"].startswith('/000"\\é/a')
    assert all(route["max_s"] == 0 for route in look["routes"]), "each is whole"
    with watch(page) as client:
        assert len(frames(client, 2)[1]["routes"]) == len(look["routes"])
