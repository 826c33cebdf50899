"""Settings of listeners, read from the kernel: the server's own sockets are borrowed (pidfd_getfd) and asked."""
import ctypes
import os
import re
import socket
import struct

import pytest

from conftest import Client, wait_until

TCP, SOL = socket.IPPROTO_TCP, socket.SOL_SOCKET
QUICKACK, CORK, USER_TIMEOUT, NOTSENT_LOWAT, DEFER_ACCEPT = 12, 3, 18, 25, 9
CONGESTION, INCOMING_CPU, MAX_PACING_RATE = 13, 49, 47
PIDFD_GETFD = 438

libc = ctypes.CDLL(None, use_errno=True)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another process's sockets are borrowed by root alone")

# (what is said, level, option, what the kernel says of an accepted socket)
INHERITED = [
    ("nodelay=off", TCP, socket.TCP_NODELAY, 0),
    ("nodelay=on", TCP, socket.TCP_NODELAY, 1),
    ("cork=on, nodelay=off", TCP, CORK, 1),
    ("notsent-lowat=100k", TCP, NOTSENT_LOWAT, 102400),
    ("user-timeout=7s", TCP, USER_TIMEOUT, 7000),
    ("keepalive=on", SOL, socket.SO_KEEPALIVE, 1),
    ("keepalive-idle=77s", TCP, socket.TCP_KEEPIDLE, 77),
    ("keepalive-interval=11s", TCP, socket.TCP_KEEPINTVL, 11),
    ("keepalive-count=5", TCP, socket.TCP_KEEPCNT, 5),
    ("receive-buffer=100k", SOL, socket.SO_RCVBUF, 204800),
    ("send-buffer=100k", SOL, socket.SO_SNDBUF, 204800),
    ("congestion=reno", TCP, CONGESTION, b"reno"),
    ("pacing-rate=3m", SOL, MAX_PACING_RATE, 3 << 20),
]

# what each profile says of an accepted socket: notsent-lowat, user-timeout, keep-alive and its idle time
PROFILES = {
    "api": (0, 0, 0, None),
    "streaming": (131072, 30000, 1, 30),
    "games": (16384, 10000, 1, 10),
    "trading": (16384, 5000, 1, 5),
    "many-idle": (16384, 60000, 1, 300),
}


def borrow(process, fd):
    """Our own descriptor of the other process's socket."""
    pidfd = os.pidfd_open(process.pid)
    try:
        ours = libc.syscall(PIDFD_GETFD, pidfd, fd, 0)
    finally:
        os.close(pidfd)
    return socket.socket(fileno=ours) if ours >= 0 else None


def sockets(process):
    """(descriptor, our own of it) of all sockets of the server."""
    found = []
    for name in os.listdir(f"/proc/{process.pid}/fd"):
        try:
            is_socket = os.readlink(f"/proc/{process.pid}/fd/{name}").startswith("socket:")
        except FileNotFoundError:
            continue
        borrowed = borrow(process, int(name)) if is_socket else None
        if borrowed:
            found.append((int(name), borrowed))
    return found


def pick(process, wanted):
    """The sockets for which wanted is true; the others are given back."""
    kept = []
    for fd, one in sockets(process):
        try:
            keep = wanted(one)
        except OSError:
            keep = False
        if keep:
            kept.append((fd, one))
        else:
            one.close()
    return kept


def accepted(server, client):
    """The server's end of a connection, once it has been accepted."""
    name, found = client.socket.getsockname(), []

    def look():
        found[:] = pick(server.process, lambda s: s.family == socket.AF_INET and s.getpeername() == name)
        return found

    wait_until("the connection is accepted", look)
    return found[0]


def listeners(server, address):
    return [one for _, one in pick(server.process, lambda s: s.getsockopt(SOL, socket.SO_ACCEPTCONN) == 1 and
                                   s.getsockname() == address)]


def served(server, address):
    """A connection through a listener that has had an answer; both ends."""
    client = Client(address)
    assert client.get("/").status == 200
    return client, accepted(server, client)[1]


@needs_root
def test_what_is_said_is_what_an_accepted_socket_has(start):
    server = start("examples/hello", "--shards", "2", listen=[f"127.0.0.1:0, {said}" for said, *_ in INHERITED])
    for (said, level, option, expected), address in zip(INHERITED, server.addresses):
        client, end = served(server, address)
        with client, end:
            if isinstance(expected, bytes):
                assert end.getsockopt(level, option, 16).rstrip(b"\0") == expected, said
            else:
                assert end.getsockopt(level, option) == expected, said


@needs_root
def test_quickack_is_set_on_each_connection(start):
    server = start("examples/hello", listen=("127.0.0.1:0, quickack=off", "127.0.0.1:0"))
    for address, expected in zip(server.addresses, (0, 1)):
        with Client(address) as client:
            end = accepted(server, client)[1]
            wait_until("quickack is as said", lambda: end.getsockopt(TCP, QUICKACK) == expected)
            end.close()


@needs_root
def test_what_a_listener_alone_has(start):
    server = start("examples/hello", "--shards", "2",
                   listen=("127.0.0.1:0, defer-accept=3s, incoming-cpu=on, backlog=77", "127.0.0.1:0"))
    both = listeners(server, server.addresses[0])
    processors = os.sysconf("SC_NPROCESSORS_CONF")
    assert len(both) == 2
    assert sorted(s.getsockopt(SOL, INCOMING_CPU) for s in both) == sorted(i % processors for i in range(2))
    for one in both:
        assert one.getsockopt(TCP, DEFER_ACCEPT) == 3
        assert struct.unpack_from("I", one.getsockopt(TCP, socket.TCP_INFO, 104), 28)[0] == 77
        one.close()
    for one in listeners(server, server.addresses[1]):
        assert one.getsockopt(TCP, DEFER_ACCEPT) == 0
        assert one.getsockopt(SOL, INCOMING_CPU) == -1
        one.close()


@needs_root
@pytest.mark.parametrize("by", ("listener", "option"))
def test_profiles(start, by):
    for name, expected in PROFILES.items():
        if by == "option":
            server = start("examples/hello", "--tcp-profile", name)
        else:
            server = start("examples/hello", "--tcp-profile", "games", listen=(f"127.0.0.1:0, profile={name}",))
        client, end = served(server, server.addresses[0])
        with client, end:
            assert end.getsockopt(TCP, socket.TCP_NODELAY) == 1
            lowat, timeout, keepalive, idle = expected
            assert end.getsockopt(TCP, NOTSENT_LOWAT) == lowat, name
            assert end.getsockopt(TCP, USER_TIMEOUT) == timeout, name
            assert end.getsockopt(SOL, socket.SO_KEEPALIVE) == keepalive, name
            assert idle is None or end.getsockopt(TCP, socket.TCP_KEEPIDLE) == idle, name


@needs_root
def test_a_listener_overrides_its_profile(start):
    server = start("examples/hello", listen=("127.0.0.1:0, user-timeout=3s, profile=games, nodelay=off",))
    client, end = served(server, server.addresses[0])
    with client, end:
        assert end.getsockopt(TCP, USER_TIMEOUT) == 3000
        assert end.getsockopt(TCP, socket.TCP_NODELAY) == 0
        assert end.getsockopt(TCP, NOTSENT_LOWAT) == 16384


@needs_root
@pytest.mark.parametrize("by", ("file", "environment"))
def test_the_same_text_in_a_file_and_in_the_environment(start, tmp_path, by):
    texts = ("127.0.0.1:0, profile=games, user-timeout=3s", "127.0.0.1:0, nodelay=off")
    if by == "file":
        (tmp_path / "leat.conf").write_text("".join(f"listen = {text}\n" for text in texts))
        server = start("leat", "serve", "--quiet", "--config", str(tmp_path / "leat.conf"), listen=())
    else:
        server = start("leat", "serve", "--quiet", listen=(), env={**os.environ, "LEAT_LISTEN": "\n".join(texts)})
    for address, timeout, lowat, nodelay in zip(server.addresses, (3000, 0), (16384, 0), (1, 0)):
        client, end = served(server, address)
        with client, end:
            assert end.getsockopt(TCP, USER_TIMEOUT) == timeout
            assert end.getsockopt(TCP, NOTSENT_LOWAT) == lowat
            assert end.getsockopt(TCP, socket.TCP_NODELAY) == nodelay


def shard_of(server, fd):
    """epoll: which of the server's epoll instances has the descriptor."""
    for name in os.listdir(f"/proc/{server.process.pid}/fd"):
        try:
            if "eventpoll" not in os.readlink(f"/proc/{server.process.pid}/fd/{name}"):
                continue
            with open(f"/proc/{server.process.pid}/fdinfo/{name}", encoding="ascii") as info:
                if re.search(rf"^tfd:\s+{fd}\s", info.read(), re.MULTILINE):
                    return name
        except FileNotFoundError:
            continue
    return None


@needs_root
def test_steering_gives_each_processor_its_shard(start, loop):
    all_of_them = os.sched_getaffinity(0)
    if len(all_of_them) < 2:
        pytest.skip("one processor alone")
    server = start("examples/hello", "--shards", "2", listen=("127.0.0.1:0, steer=cpu",))
    shards = {}
    try:
        for cpu in sorted(all_of_them)[:2]:
            os.sched_setaffinity(0, {cpu})
            for _ in range(12):
                with server.connect() as client:
                    assert client.get("/").status == 200
                    if loop == "epoll":
                        fd, end = accepted(server, client)
                        end.close()
                        shards.setdefault(cpu % 2, set()).add(shard_of(server, fd))
    finally:
        os.sched_setaffinity(0, all_of_them)
    if loop == "epoll" and len(shards) == 2:
        assert all(len(seen) == 1 and None not in seen for seen in shards.values()), shards
        assert shards[0] != shards[1]


def test_without_steering_many_connections_are_spread_and_served(start):
    server = start("examples/hello", "--shards", "2", listen=("127.0.0.1:0, profile=trading, steer=none",))
    clients = [server.connect() for _ in range(40)]
    for client in clients:
        assert client.get("/").status == 200
        client.socket.close()


@pytest.mark.parametrize("settings, status, expected", (
    ("congestion=nosuch", 69, r"--listen 127\.0\.0\.1:0, congestion=nosuch: the kernel offers .*; choose one of these"),
    ("backlog=1048576", 69, r"backlog=1048576: the kernel gives \d+ at most; raise the sysctl"),
    ("user-timout=3s", 64, "there is no setting \"user-timout\"; did you mean user-timeout"),
    ("profile=game", 64, "profile=game: not one of .*; did you mean games"),
    ("nodelay=yes", 64, "nodelay=yes: neither on nor off"),
    ("keepalive-idle=500ms", 64, "not a time in whole seconds"),
    ("nodelay=on, nodelay=off", 64, "nodelay is said twice"),
))
def test_what_can_not_be_had_is_told_in_a_line(run, settings, status, expected):
    ended = run("leat", "serve", "--quiet", "--listen", f"127.0.0.1:0, {settings}")
    assert ended.returncode in (status, 71 if status == 69 else status), ended.stderr
    assert re.search(expected, ended.stderr), ended.stderr
    assert ended.stderr.count("\n") == 1
