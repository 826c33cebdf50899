"""Start and stop: signals, drain, exit statuses, and what is said to whoever made a mistake."""
import json
import re
import signal
import socket

import pytest

from conftest import Client, wait_until

LOOK_ONLY = ("--plan", "--help", "--version")


def begin_request(client):
    """Half of a request. The interim response shows that the server has read its head."""
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
    assert client.take(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send("half")


def is_refusing(address):
    try:
        Client(address).socket.close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
@pytest.mark.parametrize("shards", ("1", "2"))
def test_a_signal_drains(start, number, shards):
    server = start("examples/echo", "--shards", shards)
    busy, idle = server.connect(), server.connect()
    assert idle.get("/").status == 200
    begin_request(busy)
    server.signal(number)
    wait_until("nobody is accepted any more", lambda: is_refusing(server.addresses[0]))
    assert idle.ends()
    assert server.process.poll() is None        # there is one under way
    busy.send("+later")
    response = busy.response()
    assert (response.status, response.content, response["Connection"]) == (200, b"half+later", "close")
    assert busy.ends()
    busy.socket.close()
    assert server.wait() == 0


def test_a_second_signal_stops_at_once(start):
    server = start("examples/echo", "--drain-timeout", "24h", "--content-timeout", "24h")
    with server.connect() as busy:
        begin_request(busy)
        server.signal(signal.SIGTERM)
        wait_until("nobody is accepted any more", lambda: is_refusing(server.addresses[0]))
        server.signal(signal.SIGTERM)
        server.wait()
        assert busy.ends()


def test_the_drain_has_a_deadline(start):
    server = start("examples/echo", "--drain-timeout", "200ms", "--content-timeout", "24h")
    with server.connect() as busy:
        begin_request(busy)
        server.signal(signal.SIGTERM)
        server.wait()


def test_a_unix_socket_is_gone_after_the_stop(start, tmp_path):
    path = tmp_path / "leat.sock"
    server = start("examples/hello", listen=[f"unix:{path}"])
    server.stop()
    with pytest.raises(OSError):
        Client(str(path))


@pytest.mark.parametrize("arguments", (
    ("--nonsense",), ("--shards", "0"), ("--shards", "many"), ("--loop", "kqueue"), ("--idle-timeout", "soon"),
    ("--listen", "nowhere"), ("--listen", "127.0.0.1:99999"), ("--memory", "12q"), ("--connections", "-1"), ("--shards",)))
def test_a_wrong_flag_is_one_line_and_64(run, arguments):
    done = run("examples/hello", *arguments)
    assert done.returncode == 64, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert arguments[0].lstrip("-") in done.stderr


@pytest.mark.parametrize("arguments", (("plum",), ("serve", "--nonsense"), ("serve", "one", "two")))
def test_the_command_too(run, arguments):
    done = run("leat", *arguments)
    assert done.returncode == 64, done.stderr
    assert done.stderr.count("\n") >= 1


def test_a_folder_that_is_not_there(run, tmp_path):
    done = run("leat", "serve", str(tmp_path / "nowhere"), "--listen", "127.0.0.1:0")
    assert done.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT)
    assert "nowhere" in done.stderr


def test_an_address_in_use_is_69(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("examples/hello", "--listen", address, "--quiet")
    assert done.returncode == 69, done.stderr
    assert address in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_does_not_fit_is_78_and_says_what_to_shrink(run):
    done = run("examples/hello", "--memory", "8m", "--connections", "1000000", "--exchanges", "100000",
               "--listen", "127.0.0.1:0")
    assert done.returncode == 78, done.stderr
    assert re.search(r"--?[a-z]+|memory", done.stderr)


@pytest.mark.parametrize("flag", LOOK_ONLY)
@pytest.mark.parametrize("name", ("examples/hello", "examples/echo", "examples/tour"))
def test_looking_does_not_serve(run, name, flag):
    done = run(name, flag)
    assert done.returncode == 0, done.stderr
    assert done.stdout and not done.stderr


def test_help_has_every_flag(run):
    text = run("examples/hello", "--help").stdout
    for flag in ("listen", "shards", "loop", "connections", "memory", "head-timeout", "content-timeout",
                 "write-timeout", "idle-timeout"):
        assert f"--{flag}" in text


def test_the_plan_adds_up(run):
    plan = json.loads(run("leat", "plan", "--connections", "10000", "--exchanges", "100", "--json").stdout)
    assert plan
    text = run("leat", "plan", "--connections", "10000", "--exchanges", "100").stdout
    assert "connection slot" in text and "exchange" in text


def test_the_plan_is_printed_before_the_first_request(start):
    server = start("leat", "serve", "--connections", "1000")
    assert "connection slot" in server.output()


def test_quiet_prints_only_where_we_listen(start):
    server = start("leat", "serve", "--quiet")
    assert "connection slot" not in server.output()
    assert server.url in server.output()
