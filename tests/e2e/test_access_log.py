"""The access log: a line for every request that was answered, in a format that programs read, through rotations, broken
connections and the stop."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import PATIENCE_S, wait_until

ESCAPED = r'(?:[ !#-\[\]-~]|\\["\\]|\\x[0-9a-f]{2})*'
COMMON = (r'(?P<host>127\.0\.0\.1) - - \[(?P<time>\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] '
          rf'"(?P<request>-|[!-~]+ {ESCAPED} HTTP/1\.[01])" (?P<status>[2-5]\d{{2}}) (?P<octets>\d+)')
FORMATS = {"common": re.compile(COMMON),
           "combined": re.compile(COMMON + rf' "(?P<referer>{ESCAPED})" "(?P<agent>{ESCAPED})"')}
HUGE = 24 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("logged")
    (root / "index.html").write_text("<p>index")
    (root / "large.bin").write_bytes(os.urandom(1 << 20))
    with open(root / "huge.bin", "wb") as huge:
        for _ in range(HUGE >> 20):
            huge.write(os.urandom(1 << 20))
    return root


@pytest.fixture
def serve(start, folder, tmp_path):
    """serve(format, …): a server, and the path of its log."""
    def begin(form="combined", *arguments, **options):
        log = tmp_path / "access.log"
        server = start("leat", "serve", str(folder), "--access-log", str(log), "--access-log-format", form,
                       *arguments, **options)
        return server, log
    return begin


def lines_of(log, form="combined"):
    """Every line, taken apart; a line that the format does not allow, or that is torn, fails."""
    text = log.read_bytes().decode("ascii")
    assert text == "" or text.endswith("\n"), text[-200:]
    found = []
    for line in text.split("\n")[:-1]:
        match = FORMATS[form].fullmatch(line)
        assert match, line
        found.append(match.groupdict())
    return found


def told(line):
    return line["request"], int(line["status"]), int(line["octets"])


def wait_for_lines(log, count, form="combined"):
    wait_until(f"{count} lines in {log}", lambda: log.read_bytes().count(b"\n") >= count)
    found = lines_of(log, form)
    assert len(found) == count
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_a_line_for_every_request(serve, form):
    server, log = serve(form)
    before = int(time.time())
    with server.connect() as client:
        assert client.get("/", User_Agent='say "hi" \\ bye', Referer="http://a.example/x?y").status == 200
        missing = len(client.get("/nowhere?a=b").content)
        assert client.ask("HEAD", "/large.bin").status == 200
        assert len(client.get("/large.bin").content) == 1 << 20
        refused = len(client.ask("DELETE", "/index.html").content)
        lines = wait_for_lines(log, 5, form)        # they come while the connection is there
    assert [told(line) for line in lines] == [
        ("GET / HTTP/1.1", 200, 8), ("GET /nowhere?a=b HTTP/1.1", 404, missing),
        ("HEAD /large.bin HTTP/1.1", 200, 0), ("GET /large.bin HTTP/1.1", 200, 1 << 20),
        ("DELETE /index.html HTTP/1.1", 405, refused)]
    if form == "combined":
        assert [(line["referer"], line["agent"]) for line in lines] == \
            [("http://a.example/x?y", 'say \\"hi\\" \\\\ bye')] + 4 * [("-", "-")]
    for line in lines:
        moment = time.mktime(time.strptime(line["time"][:20], "%d/%b/%Y:%H:%M:%S"))
        assert before - 1 <= moment <= time.time() + 1


def test_the_zone_is_the_machines(serve):
    server, log = serve("common", env={**os.environ, "TZ": "XYZ-5:45"})
    with server.connect() as client:
        client.get("/")
        line = wait_for_lines(log, 1, "common")[0]
    assert line["time"].endswith(" +0545")


def test_what_is_no_request_is_a_dash(serve):
    server, log = serve("combined", "--shards", "1")
    for octets, status in ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400), (b"GET\r\n\r\n", 400),
                           (b"GET /\" HTTP/1.1\r\nHost: a\r\n\r\n", 400)):
        with server.connect() as client:
            client.send(octets)
            assert client.response().status == status
    with server.connect() as client:        # understood, and then refused
        client.send("GET /two HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.response().status == 400
    lines = wait_for_lines(log, 4)
    assert [int(line["status"]) for line in lines] == 4 * [400]
    assert lines[0]["request"] == lines[1]["request"] == "-"


def test_fields_can_not_forge_a_line(serve):
    server, log = serve()
    with server.connect() as client:
        client.send(b'GET / HTTP/1.0\r\nHost: a\r\nReferer: " 200 1 "-"\r\nUser-Agent: \xff\xc3\xa9\t\\" x\r\n\r\n')
        assert client.response().status == 200
    line = wait_for_lines(log, 1)[0]
    assert told(line) == ("GET / HTTP/1.0", 200, 8)
    assert line["referer"] == '\\" 200 1 \\"-\\"'
    assert line["agent"] == '\\xff\\xc3\\xa9\\x09\\\\\\" x'


def test_pipelined_requests_have_their_lines_in_order(serve):
    server, log = serve("combined", "--shards", "1")
    count = 500
    with server.connect() as client:
        client.send("".join(f"GET /?{n} HTTP/1.1\r\nHost: a\r\nUser-Agent: {n}\r\n\r\n" for n in range(count)))
        for _ in range(count):
            assert client.response().status == 200
    lines = wait_for_lines(log, count)
    assert [line["agent"] for line in lines] == [str(n) for n in range(count)]
    assert [line["request"] for line in lines] == [f"GET /?{n} HTTP/1.1" for n in range(count)]


def test_a_connection_that_breaks_has_its_line_too(serve):
    server, log = serve()
    with server.connect(receive_buffer=16384) as client:
        client.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        client.take(100000)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    line = wait_for_lines(log, 1)[0]
    assert line["request"] == "GET /huge.bin HTTP/1.1" and line["status"] == "200"
    assert 0 < int(line["octets"]) < HUGE       # what was sent, not what should have been


def test_a_whole_large_file_is_counted_whole(serve):
    server, log = serve()
    with server.connect() as client:
        assert len(client.get("/huge.bin").content) == HUGE
    assert told(wait_for_lines(log, 1)[0]) == ("GET /huge.bin HTTP/1.1", 200, HUGE)


def test_a_long_target_is_cut(serve):
    server, log = serve()
    with server.connect() as client:
        client.get("/" + 3000 * "a", User_Agent=2500 * "b")
    line = wait_for_lines(log, 1)[0]
    assert line["request"].startswith("GET /" + 2047 * "a" + " HTTP")
    assert line["agent"] == 2048 * "b"


@pytest.mark.parametrize("shards", ("1", "2"))
def test_a_rotation_loses_no_line(serve, tmp_path, shards):
    server, log = serve("combined", "--shards", shards)
    sent, kept = 0, []
    clients = [server.connect() for _ in range(4)]
    for rotation in range(3):
        for client in clients:
            client.send("".join(f"GET /?{sent + n} HTTP/1.1\r\nHost: a\r\n\r\n" for n in range(50)))
            sent += 50
        old = tmp_path / f"access.log.{rotation}"
        wait_until("the log is there", log.exists)
        log.rename(old)
        kept.append(old)
        server.signal(signal.SIGHUP)
        for client in clients:
            for _ in range(50):
                assert client.response().status == 200
        wait_until("the log is opened anew", log.exists)
    for client in clients:
        client.socket.close()
    server.stop()
    requests = [line["request"] for path in kept + [log] for line in lines_of(path)]
    assert sorted(requests) == sorted(f"GET /?{n} HTTP/1.1" for n in range(sent))


def test_a_rotation_that_fails_keeps_the_old_file(serve, tmp_path):
    place, hidden = tmp_path / "logs", tmp_path / "hidden"
    place.mkdir()
    log = place / "access.log"
    server, _ = serve("combined", "--access-log", str(log))
    place.rename(hidden)
    server.signal(signal.SIGHUP)
    wait_until("it is told", lambda: "the old one goes on" in server.output())
    with server.connect() as client:
        client.get("/")
    wait_for_lines(hidden / "access.log", 1)


def test_a_stop_writes_what_is_left(serve):
    server, log = serve()
    with server.connect() as client:
        client.send("".join(f"GET /?{n} HTTP/1.1\r\nHost: a\r\n\r\n" for n in range(200)))
        for _ in range(200):
            client.response()
        server.stop()
    assert len(lines_of(log)) == 200


def test_standard_output_takes_lines_too(start, folder):
    server = start("leat", "serve", str(folder), "--access-log", "-")
    with server.connect() as client:
        client.get("/?seen")
    wait_until("the line", lambda: '"GET /?seen HTTP/1.1" 200 8' in server.output())


def test_a_full_disk_costs_lines_and_never_requests(start, folder):
    server = start("leat", "serve", str(folder), "--access-log", "/dev/full", "--access-log-buffer", "16k")
    with server.connect() as client:
        for _ in range(2000):
            assert client.get("/", User_Agent=200 * "a").status == 200
    server.stop()
    told_lines = [line for line in server.output().split("\n") if "/dev/full" in line and line.startswith("leat: access")]
    assert len(told_lines) == 2, server.output()
    assert "No space left on device" in told_lines[0]
    assert int(re.search(r"dropped: (\d+)$", told_lines[1])[1]) == 2000


def test_many_clients_tear_no_line(serve):
    server, log = serve("combined", "--shards", "2", "--access-log-buffer", "1m")
    done = subprocess.run(["wrk", "-t1", "-c16", "-d1", server.url + "/"], stdout=subprocess.PIPE, text=True, check=True,
                          timeout=PATIENCE_S)
    server.stop()
    answered = int(re.search(r"(\d+) requests in", done.stdout)[1])
    lines = lines_of(log)
    dropped = re.search(r"lines that were dropped: (\d+)", server.output())
    # wrk counts what it has read; what it leaves in flight, at most one per connection, may have its line as well.
    assert answered <= len(lines) + int(dropped[1] if dropped else 0) <= answered + 16
    assert {told(line) for line in lines} == {("GET / HTTP/1.1", 200, 8)}


@pytest.mark.parametrize("arguments, said", (
    (("--access-log", "/nowhere/access.log"), r"/nowhere/access\.log: No such file or directory; make its folder"),
    (("--access-log", "/tmp"), r"/tmp: Is a directory; name a file in it"),
    (("--access-log", "-", "--access-log-format", "xml"), r"xml: not one of common\|combined\|json"),
))
def test_a_log_that_can_not_be_is_an_error_at_start(run, folder, arguments, said):
    done = run("leat", "serve", str(folder), "--listen", "127.0.0.1:0", *arguments)
    assert done.returncode in (64, 71, 78), done.stderr
    assert re.search(said, done.stderr), done.stderr
