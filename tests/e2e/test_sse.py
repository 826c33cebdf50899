"""Server-Sent Events, read by a small parser that does what WHATWG's "Interpreting an event stream" says."""
import http.client

import pytest
from conftest import wait_until


class EventStream:
    """WHATWG HTML 9.2.6: feed() octets; events are (type, data, last event id)."""

    def __init__(self):
        self.events, self.last_id, self.retry, self.comments = [], "", None, []
        self.data, self.kind, self.id = "", "", ""
        self.text, self.pending = "", b""

    def feed(self, octets):
        self.pending += octets
        lines = self.pending.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self.pending = lines.pop()
        for line in lines:
            self.take(line.decode("utf-8"))

    def take(self, line):
        if line == "":
            self.dispatch()
        elif line.startswith(":"):
            self.comments.append(line[1:])
        else:
            name, _, value = line.partition(":")
            self.field(name, value.removeprefix(" "))

    def field(self, name, value):
        if name == "event":
            self.kind = value
        elif name == "data":
            self.data += value + "\n"
        elif name == "id" and "\0" not in value:
            self.id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def dispatch(self):
        self.last_id = self.id
        if self.data != "":
            self.events.append((self.kind or "message", self.data.removesuffix("\n"), self.last_id))
        self.data = self.kind = ""


@pytest.fixture
def server(start):
    return start("tests/apps/events")


def ask(server, target, **fields):
    connection = http.client.HTTPConnection(*server.addresses[0], timeout=30)
    connection.request("GET", target, headers={k.replace("_", "-"): v for k, v in fields.items()})
    return connection, connection.getresponse()


def read_all(server, target):
    connection, response = ask(server, target)
    stream = EventStream()
    stream.feed(response.read())
    connection.close()
    assert stream.pending == b""
    return stream


def test_the_head_says_that_it_is_a_stream(server):
    connection, response = ask(server, "/shapes")
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/event-stream"
    assert response.getheader("Cache-Control") == "no-store"
    assert response.getheader("X-Accel-Buffering") == "no"
    assert response.getheader("Content-Length") is None
    connection.close()


def test_what_a_browser_understands_is_what_was_said(server):
    stream = read_all(server, "/shapes")
    assert stream.events == [
        ("message", "plain", ""),
        ("kind", "two\nlines", "1"),
        ("message", "CRLF\nCR\nLF\nend", "1"),
        ("message", "", "1"),
        ("message", "ends with a line end\n", "1"),
        ("message", " keeps its blank", " 2"),
        ("message", ": no comment", " 2"),
        ("message", "id is gone", ""),
        ("ä", "grüß dich", ""),
    ]
    assert stream.retry == 250
    assert stream.comments == [" nobody", " data: reads this", ""]


def test_line_ends_in_id_and_type_are_refused(server):
    stream = read_all(server, "/refused")
    assert stream.events == [("message", "good", "")]
    assert "taken" not in server.output() and "sent before" not in server.output()


def test_each_event_comes_at_once_and_a_client_that_goes_is_noticed(server):
    connection, response = ask(server, "/count")
    stream = EventStream()
    while len(stream.events) < 3:
        stream.feed(response.read1(4096))
    assert stream.events[:3] == [("message", str(i), str(i)) for i in (1, 2, 3)]
    connection.sock.close() if connection.sock else None
    response.close()
    connection.close()
    wait_until("the handler has ended", lambda: "count ended: -" in server.output())


def test_a_client_goes_on_where_it_left_off(server):
    connection, response = ask(server, "/count", Last_Event_ID="41")
    stream = EventStream()
    while not stream.events:
        stream.feed(response.read1(4096))
    assert stream.events[0] == ("message", "42", "42")
    response.close()
    connection.close()


def test_head_ends(server):
    with server.connect() as client:
        client.send("HEAD /count HTTP/1.1\r\nHost: a\r\n\r\nGET /no-such HTTP/1.1\r\nHost: a\r\n\r\n")
        while b"404" not in client.pending:
            assert client.more()
    wait_until("the handler has ended", lambda: "count ended: -104" in server.output())


def test_a_slow_client_slows_its_own_handler_and_nobody_else(start):
    server = start("tests/apps/events", "--shards", "1", "--write-timeout", "60s")
    with server.connect(receive_buffer=4096) as slow:
        slow.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
        assert slow.more()
        for _ in range(20):
            connection, response = ask(server, "/shapes")
            assert response.status == 200
            response.read()
            connection.close()
        assert "flood ended" not in server.output()
    wait_until("the handler has ended", lambda: "flood ended: -" in server.output())
