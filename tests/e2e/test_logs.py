"""The event log: what the server and its program say while they run; and the access log in JSON. Neither keeps a request
waiting, whatever becomes of its lines."""
import json
import os
import re
import signal
import threading
import urllib.parse

import pytest

from conftest import wait_until

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LINE = re.compile(rf"({TIME}) (error|warning|notice|info|debug) (.*)")
HOSTILE = 'a\nb\rc "quoted" \\ \x1b[2J \x00 \xff ü {"x":1}'


@pytest.fixture
def app(start, tmp_path):
    """app(…): the program of tests/apps/logs.c, and the path of its log."""
    def begin(*arguments, log=None, **options):
        log = log or tmp_path / "leat.log"
        return start("tests/apps/logs", "--shards", "1", "--log", str(log), *arguments, **options), log
    return begin


def texts(log):
    """Level and text of every line, all of them whole."""
    content = log.read_bytes().decode()
    assert content == "" or content.endswith("\n")
    found = []
    for line in content.split("\n")[:-1]:
        match = LINE.fullmatch(line)
        assert match, line
        found.append((match[2], match[3]))
    return found


def objects(log):
    content = log.read_bytes().decode()
    assert content == "" or content.endswith("\n")
    found = [json.loads(line) for line in content.split("\n")[:-1]]
    assert all(re.fullmatch(TIME, entry["time"]) for entry in found)
    return found


def wait_for(log, what):
    wait_until(f"{what} in {log}", lambda: what in log.read_text())


def test_a_life_is_told(app):
    server, log = app("--admin", "off")
    server.signal(signal.SIGHUP)
    wait_until("the reload", lambda: "SIGHUP" in server.output())
    server.stop()
    told = texts(log)
    assert [level for level, _ in told] == 4 * ["notice"]
    patterns = (r"server: started: listening on http://127\.0\.0\.1:\d+, loop (io_uring|epoll), shards 1",
                "server: SIGHUP: the logs were opened again; .*", "server: draining", r"server: stopped.*")
    for (_, text), pattern in zip(told, patterns):
        assert re.fullmatch(pattern, text), text
    assert re.match(rf"{TIME} notice before the start\n", server.output())
    assert re.search(rf"\n{TIME} notice after the stop\n$", server.output())


def test_a_log_nobody_asked_for_repeats_nothing(start):
    server = start("tests/apps/logs", "--shards", "1")
    with server.connect() as client:
        assert client.get("/fail/7").status == 500
    server.stop()
    output = server.output()
    assert "notice server:" not in output
    assert re.search(rf"^{TIME} error handler: answered 500: Input/output error request_id=\w+ method=GET route=/fail/:id$",
                     output, re.MULTILINE)


def test_what_a_program_says_has_its_request(app):
    server, log = app()
    with server.connect() as client:
        identity = client.get("/say?text=hello")["X-Request-Id"]
        client.get("/blocking")
    server.stop()
    told = texts(log)
    behind = f"request_id={identity} method=GET route=/say"
    assert ("warning", f"hello {behind}") in told
    assert ("info", f"fields {behind} text=hello number=-5") in told
    assert ("notice", "from a thread") in told


@pytest.mark.parametrize("form", ("text", "json"))
def test_nothing_makes_a_second_line(app, form):
    server, log = app("--log-format", form)
    with server.connect() as client:
        target = "/say?text=" + urllib.parse.quote(HOSTILE.replace("\x00", ""), encoding="latin-1")
        assert client.get(target).status == 200
    server.stop()
    if form == "text":
        assert len([text for level, text in texts(log) if level == "warning"]) == 1
        return
    entries = [entry for entry in objects(log) if entry["area"] == "program"]
    assert len(entries) == 2
    sent = HOSTILE.replace("\x00", "").replace("\xff", "\ufffd").replace("ü", "\ufffd")
    assert entries[0]["message"] == sent and entries[1]["text"] == sent and entries[1]["number"] == -5
    assert entries[0]["route"] == "/say" and entries[0]["level"] == "warning"


@pytest.mark.parametrize("path, route", (("/slow", "/slow"), ("/later/3", "/later/:id")))
def test_who_keeps_the_loop_is_named(app, path, route):
    server, log = app()
    with server.connect() as client:
        client.get("/waits")        # which only waits, and keeps nobody
        assert client.get(path).status == 200
        wait_for(log, "a turn of the loop")
    server.stop()
    turns = [text for _, text in texts(log) if "a turn of the loop" in text]
    assert any(re.search(rf"took \d+ ms, of which a handler kept it for \d+ method=GET route={route}$", turn) for turn in turns)
    assert not any("/waits" in turn for turn in turns)


def test_refusals_are_told_once_and_summed_up(app):
    server, log = app("--connections", "4", "--exchanges", "2", "--tasks", "2", "--admin", "off")
    clients = [server.connect() for _ in range(30)]
    for client in clients:
        client.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n")
    statuses = [client.response().status for client in clients]
    refused = statuses.count(503)
    assert refused > 5
    for client in clients:
        client.socket.close()
    server.stop()
    told = [text for level, text in texts(log) if level == "warning" and "503" in text]
    assert 1 < len(told) <= 8       # one for each pool, and its sum
    more = sum(int(re.search(r": (\d+) more in", text)[1]) for text in told if " more in" in text)
    assert more + sum(" more in" not in text for text in told) == refused


def test_levels(app):
    server, log = app("--log-level", "error")
    with server.connect() as client:
        client.get("/say?text=quiet")
        client.get("/fail/1")
    server.stop()
    assert [level for level, _ in texts(log)] == ["error"]


def test_a_level_changes_by_reload(start, tmp_path):
    settings, log = tmp_path / "leat.conf", tmp_path / "leat.log"
    settings.write_text("log-level = error\n")
    server = start("tests/apps/logs", "--shards", "1", "--log", str(log), "--config", str(settings))
    with server.connect() as client:
        client.get("/say?text=first")
        settings.write_text("log-level = info\n")
        server.signal(signal.SIGHUP)
        wait_until("the reload", lambda: "SIGHUP: log-level is info" in server.output())
        client.get("/say?text=second")
        wait_for(log, "second")
    assert "first" not in log.read_text()


def test_a_rotation_loses_no_line(app, tmp_path):
    server, log = app()
    kept = []
    with server.connect() as client:
        for rotation in range(3):
            for number in range(20):
                client.get(f"/say?text={rotation}-{number}.")
            old = tmp_path / f"leat.log.{rotation}"
            log.rename(old)
            kept.append(old)
            server.signal(signal.SIGHUP)
            wait_until("the log is opened anew", log.exists)
    server.stop()
    found = [text.split()[0] for path in kept + [log] for level, text in texts(path) if level == "warning"]
    assert sorted(found) == sorted(f"{rotation}-{number}." for rotation in range(3) for number in range(20))


def rss(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])


def test_a_reader_that_stands_still_keeps_nobody(app, tmp_path):
    fifos = [tmp_path / "events", tmp_path / "access"]
    held = []
    for fifo in fifos:
        os.mkfifo(fifo)
        held.append(os.open(fifo, os.O_RDWR))       # never read
    server, _ = app("--access-log", str(fifos[1]), "--access-log-format", "json", "--access-log-buffer", "16k", log=fifos[0])
    with server.connect() as client:
        for _ in range(300):
            assert client.get("/many?count=20").status == 200
        before = rss(server)
        for _ in range(600):
            assert client.get("/many?count=20").status == 200
        assert rss(server) < before + 1024
    server.stop()
    for fd in held:
        os.close(fd)
    for fifo in fifos:
        assert re.search(rf"log {re.escape(str(fifo))}: lines that were dropped: [1-9]", server.output()), server.output()


def test_a_full_disk_keeps_nobody(app):
    server, _ = app(log="/dev/full")
    with server.connect() as client:
        for _ in range(100):
            assert client.get("/many?count=10").status == 200
    server.stop()
    assert "log /dev/full: No space left on device" in server.output()
    assert re.search(r"log /dev/full: lines that were dropped: 1\d\d\d\n", server.output()), server.output()


def test_drops_are_told_in_the_log_itself(app):
    server, log = app("--access-log", "/dev/full", "--access-log-buffer", "16k")
    with server.connect() as client:
        client.get("/many?count=200000")
        wait_for(log, "lines were dropped: they came faster")
        wait_for(log, "access log: /dev/full: No space left on device")
    server.stop()
    texts(log)


def test_a_journal_gets_priorities(tmp_path, start):
    output = tmp_path / "server-0.log"      # where the fixture puts it
    output.touch()
    status = os.stat(output)
    server = start("tests/apps/logs", "--shards", "1",
                   env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
    with server.connect() as client:
        client.get("/say?text=hello")
        client.get("/fail/1")
    server.stop()
    assert re.search(r"^<4>hello request_id=\w+ method=GET route=/say$", server.output(), re.MULTILINE)
    assert re.search(r"^<3>handler: answered 500", server.output(), re.MULTILINE)
    assert not re.search(TIME, server.output())


@pytest.mark.parametrize("arguments, said", (
    (("--log", "/nowhere/leat.log"), r"log /nowhere/leat\.log: No such file or directory; make its folder"),
    (("--log", "/tmp"), r"log /tmp: Is a directory; name a file in it"),
    (("--log-level", "loud"), "loud: not one of info"),
))
def test_a_log_that_can_not_be_is_an_error_at_start(run, arguments, said):
    done = run("tests/apps/logs", "--listen", "127.0.0.1:0", *arguments)
    assert done.returncode in (64, 78) and re.search(said, done.stderr), done.stderr


# ── The access log in JSON ──

def test_json_lines_tell_all_that_is_known(app, tmp_path):
    access = tmp_path / "access.log"
    server, _ = app("--access-log", str(access), "--access-log-format", "json")
    with server.connect() as client:
        identity = client.get("/say?text=x", User_Agent='say "hi" \\ bye', Referer="http://a.example/")["X-Request-Id"]
        client.get("/waits")
        client.get("/nowhere")
        client.send(b'GET /fail/1 HTTP/1.0\r\nHost: a\r\nUser-Agent: \xff\xc3\xa9\t\r\n\r\n')
        assert client.response().status == 500
    with server.connect() as client:
        client.send(b"GET\r\n\r\n")
        assert client.response().status == 400
    server.stop()
    first, waited, missing, failed, broken = objects(access)
    assert {name: value for name, value in first.items() if name not in ("time", "duration_s")} == {
        "peer": "127.0.0.1", "method": "GET", "target": "/say?text=x", "protocol": "HTTP/1.1", "status": 200, "octets": 5,
        "route": "/say", "request_id": identity, "principal": "ann", "referer": "http://a.example/",
        "user_agent": 'say "hi" \\ bye'}
    assert 0 < first["duration_s"] and waited["duration_s"] >= 0.25
    assert missing["status"] == 404 and "route" not in missing
    assert failed["protocol"] == "HTTP/1.0" and failed["route"] == "/fail/:id" and failed["user_agent"] == "\ufffd\xe9"
    assert broken["status"] == 400 and "method" not in broken and "target" not in broken


def test_json_lines_of_many_at_once_are_whole(app, tmp_path):
    access = tmp_path / "access.log"
    server, log = app("--access-log", str(access), "--access-log-format", "json", "--log-format", "json")

    def talk(name):
        with server.connect() as client:
            for number in range(100):
                assert client.get(f"/say?text={name}-{number}").status == 200

    clients = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    server.stop()
    assert len(objects(access)) == 400
    assert len([entry for entry in objects(log) if entry["level"] == "warning"]) == 400
