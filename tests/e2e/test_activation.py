"""Sockets that a parent opened and hands over: descriptors from 3 on, told by LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES."""
import os
import signal
import socket
import subprocess
import sys

import pytest

from conftest import BUILD, Client, PATIENCE_S, program

TCP, USER_TIMEOUT = socket.IPPROTO_TCP, 18

# argv: descriptors with commas, LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID ("own": its own), then the command
HAND_OVER = """
import os, sys
given, count, names, pid = sys.argv[1:5]
high = [os.dup2(int(fd), 60 + i) for i, fd in enumerate(given.split(",")) if fd]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
os.closerange(3 + len(high), 100)
os.environ.update(LISTEN_FDS=count, LISTEN_PID=str(os.getpid()) if pid == "own" else pid)
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execv(sys.argv[5], sys.argv[5:])
"""


def hand_over(given, count=None, names="", pid="own"):
    fds = [str(one.fileno()) for one in given]
    return ["-c", HAND_OVER, ",".join(fds), str(len(fds)) if count is None else str(count), names, pid]


def tcp_listener():
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    one.listen(16)
    return one


@pytest.fixture
def web():
    with tcp_listener() as one:
        yield one


@pytest.fixture
def side(tmp_path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        one.listen(16)
        yield one


@pytest.fixture
def start_with(start):
    """start_with([web, side], "--shards", "2", names="web:side")"""
    def begin(given, *arguments, **how):
        return start(sys.executable, *hand_over(given, **how), program("leat"), "serve", "--quiet", *arguments,
                     listen=(), pass_fds=[one.fileno() for one in given])
    return begin


def test_all_that_was_handed_over_is_served(start_with, web, side):
    server = start_with([web, side], "--shards", "2", names="web:side")
    assert server.addresses == [web.getsockname(), side.getsockname()]
    for address in server.addresses * 8:
        with Client(address) as client:
            assert client.get("/").status == 200


# ThreadSanitizer follows descriptors by their numbers, as though a process had one table of them: it takes two shards'
# descriptors of one number for one, and writes to its symbolizer where a shard has a client.
@pytest.mark.skipif(os.path.basename(BUILD) == "tsan", reason="ThreadSanitizer knows one table of descriptors")
def test_shards_with_descriptors_of_their_own_have_them_too(start_with, web):
    start_with([web], "--shards", "2", "--private-descriptors")
    for _ in range(16):
        with Client(web.getsockname()) as client:
            assert client.get("/").status == 200


def test_the_sockets_outlive_the_server_with_what_waits_in_them(start_with, web, side):
    first = start_with([web, side], "--shards", "2")
    with Client(web.getsockname()) as client:
        assert client.get("/").status == 200
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    assert os.path.exists(side.getsockname())
    waiting = [Client(web.getsockname()), Client(side.getsockname())]
    for client in waiting:
        client.send("GET / HTTP/1.1\r\nHost: leat.example\r\n\r\n")
    start_with([web, side], "--shards", "2")
    for client in waiting:
        assert client.response().status == 200
        client.socket.close()


def test_one_is_taken_by_name_with_its_settings(start_with, web, side):
    start_with([side, web], "--listen", "fd:web, user-timeout=7s", names="side:web")
    assert web.getsockopt(TCP, USER_TIMEOUT) == 7000      # it is the same socket
    assert web.getsockopt(TCP, socket.TCP_NODELAY) == 1
    with Client(web.getsockname()) as client:
        assert client.get("/").status == 200


def test_one_by_number_beside_an_address_of_our_own(start_with, web):
    server = start_with([web], "--listen", "fd:3", "--listen", "127.0.0.1:0")
    assert server.addresses[0] == web.getsockname() and server.addresses[1] != web.getsockname()
    for address in server.addresses:
        with Client(address) as client:
            assert client.get("/").status == 200


def test_a_profile_reaches_them_too(start_with, web):
    start_with([web], "--tcp-profile", "games")
    assert web.getsockopt(TCP, USER_TIMEOUT) == 10000


def test_a_drain_ends_requests_and_takes_no_new_ones(start_with, web):
    server = start_with([web])
    with Client(web.getsockname()) as under_way:
        under_way.send("GET / HTTP/1.1\r\nHost: leat.")
        with Client(web.getsockname()) as other:
            assert other.get("/").status == 200           # so the first has been accepted
        server.signal(signal.SIGTERM)
        under_way.send("example\r\n\r\n")
        assert under_way.response().status == 200
        assert server.wait() == 0
    with Client(web.getsockname()):                       # our copy still listens: it was not shut down
        pass


@pytest.mark.parametrize("count, names, pid, arguments, expected", (
    (2, "", "own", (), "LISTEN_FDS: descriptor 4 is not open"),
    ("x", "", "own", (), "LISTEN_FDS=x: not a number of descriptors"),
    (17, "", "own", (), "LISTEN_FDS=17: 16 sockets are the most"),
    (1, "a:b", "own", (), "LISTEN_FDNAMES: 2 names for 1 descriptors (LISTEN_FDS); it must be as many"),
    (1, "", "me", (), "LISTEN_PID=me: not a process"),
    (1, "web", "own", ("--listen", "fd:db"), "--listen fd:db: no such socket was handed to us; there is fd:3 (web)"),
    (1, "", "own", ("--listen", "fd:4"), "--listen fd:4: no such socket was handed to us; there is fd:3"),
    (1, "", "1", ("--listen", "fd:3"), "--listen fd:3: no socket was handed to us (LISTEN_FDS); start it by its socket "
                                       "unit, or write an address"),
    (1, "", "own", ("--listen", "fd:3", "--listen", "fd:3"), "--listen fd:3: the same socket as --listen fd:3; leave "
                                                             "one out"),
    (1, "", "own", ("--listen", "fd:3, steer=cpu"), "chooses between several; leave it out"),
))
def test_what_is_wrong_is_told_in_a_line(web, count, names, pid, arguments, expected):
    ended = subprocess.run([sys.executable, *hand_over([web], count, names, pid), program("leat"), "serve", "--quiet",
                            *arguments], pass_fds=[web.fileno()], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=PATIENCE_S)
    assert expected in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.returncode in (64, 78)


def test_a_socket_that_does_not_listen_is_told(web):
    for given, expected in ((socket.socket(), "descriptor 3 does not listen; write Accept=no"),
                            (socket.socket(type=socket.SOCK_DGRAM), "descriptor 3 is not a stream socket")):
        with given:
            ended = subprocess.run([sys.executable, *hand_over([given]), program("leat"), "serve", "--quiet"],
                                   pass_fds=[given.fileno()], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                   timeout=PATIENCE_S)
            assert expected in ended.stderr and ended.returncode in (64, 78), ended.stderr
