"""A stack that overflows ends the process by the signal, and behind a line that names the route. What is not that is left
to the default action, or to the sanitizer. Near its end what is Leat's refuses, and how deep handlers went is told."""
import re
import signal

import pytest

import conftest

SANITIZED = re.search(r"/(asan|tsan)$", conftest.BUILD)


@pytest.fixture
def begin(loop, tmp_path):
    """A server that may die: what it says then, and how it ends."""
    servers = []

    def start(*arguments):
        servers.append(conftest.Server(tmp_path / f"{len(servers)}.log", "tests/apps/overflow", "--shards", "1", "--loop", loop,
                                       "--quiet", *arguments))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def dies_of(server, target):
    with server.connect() as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.ends()
    status = server.wait()
    lines = [line for line in server.output().splitlines() if "stack overflow" in line]
    return status, lines


@pytest.mark.parametrize("target, named", [("/deep/1000", "GET /deep/:kib"), ("/group/late/1000", "GET /group/late/:kib"),
                                           ("/own", "a task of the program's own")])
def test_an_overflow_names_its_route_and_ends_the_process(begin, target, named):
    status, lines = dies_of(begin(), target)
    assert lines == [f"overflow: stack overflow in {named}: it needs more than 60 KiB: raise --stack, or put large arrays "
                     "into the arena (leat_alloc)"]
    assert status == -signal.SIGSEGV


def test_a_larger_stack_is_the_remedy(begin):
    server = begin("--stack", "2m")
    with server.connect() as client:
        assert client.get("/deep/1000").status == 200


def test_another_fault_is_nobodys_overflow(begin):
    status, lines = dies_of(begin(), "/wild")
    assert lines == [] and status != 0
    assert SANITIZED or status == -signal.SIGSEGV


def test_a_signal_that_was_sent_ends_the_process(begin):
    server = begin()
    server.signal(signal.SIGSEGV)
    assert server.wait() != 0
    assert "stack overflow" not in server.output()


def test_what_is_leats_refuses_near_the_end_of_the_stack(begin):
    server = begin()
    with server.connect() as client:
        kib, status = 1, 200
        while status == 200:
            kib, status = kib + 1, client.get(f"/answer/{kib}").status
        assert status == 500 and kib > 25
        assert client.get("/answer/1").status == 200


@pytest.mark.parametrize("target, route", [("/deep/20", "GET /deep/:kib"), ("/group/late/20", "GET /group/late/:kib")])
def test_the_deepest_handler_is_told_at_the_end(begin, target, route):
    if SANITIZED and "late" not in target:
        pytest.skip("a sanitizer watches stacks, so that they can't be painted")
    server = begin()
    with server.connect() as client:
        for at in ("/answer/1", target, "/answer/2"):
            assert client.get(at).status == 200
    server.stop()
    told = re.search(r"^overflow: the deepest handler, (.*), used ([0-9.]+) (?:KiB|B) of its stack's 60.0 KiB$", server.output(),
                     re.MULTILINE)
    assert told
    if not SANITIZED:
        assert told[1] == route and 20 < float(told[2]) < 40
