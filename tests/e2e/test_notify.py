"""The service manager's side of a server: what it is told, over a socket like systemd's."""
import os
import signal
import socket
import time

import pytest

from conftest import PATIENCE_S


class Manager:
    """Reads what a server says of itself: each datagram as a dictionary."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind(address)
        name = address if isinstance(address, str) else "@" + address[1:].decode()
        self.environment = {**os.environ, "NOTIFY_SOCKET": name}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def hears(self):
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def hears_of(self, name):
        """The next datagram that has it; what else comes before is not of interest."""
        while True:
            said = self.hears()
            if name in said:
                return said


@pytest.fixture(params=("path", "abstract"))
def manager(request, tmp_path):
    address = str(tmp_path / "notify") if request.param == "path" else f"\0leat-test-{os.getpid()}".encode()
    with Manager(address) as listening:
        yield listening


def test_ready_is_said_when_it_serves(start, manager):
    server = start("leat", "serve", "--quiet", env=manager.environment)
    said = manager.hears()
    assert said["READY"] == "1" and "Serving" in said["STATUS"]
    assert server.connect().get("/").status == 200
    server.signal(signal.SIGTERM)
    assert manager.hears()["STOPPING"] == "1"
    assert server.wait() == 0


def test_programs_say_it_too(start, manager):
    start("examples/hello", "--quiet", env=manager.environment)
    assert manager.hears()["READY"] == "1"


def test_reloading_is_said_with_the_time_and_ends_with_ready(start, manager):
    server = start("leat", "serve", "--quiet", env=manager.environment)
    manager.hears_of("READY")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    server.signal(signal.SIGHUP)
    said = manager.hears_of("RELOADING")
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert before <= int(said["MONOTONIC_USEC"]) <= after
    assert manager.hears()["READY"] == "1"
    assert server.connect().get("/").status == 200


def test_a_sign_of_life_is_given_as_often_as_wanted(start, manager):
    server = start("leat", "serve", "--quiet", env={**manager.environment, "WATCHDOG_USEC": "100000"})
    manager.hears_of("READY")
    for _ in range(5):
        assert manager.hears() == {"WATCHDOG": "1"}
    assert server.connect().get("/").status == 200
    assert manager.hears() == {"WATCHDOG": "1"}


def test_no_sign_of_life_for_somebody_elses_watchdog(start, manager):
    server = start("leat", "serve", "--quiet", env={**manager.environment, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    manager.hears_of("READY")
    server.stop()
    assert "STOPPING" in manager.hears()


def test_a_manager_that_is_gone_keeps_nobody_from_serving(start, tmp_path):
    server = start("leat", "serve", "--quiet", env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert server.connect().get("/").status == 200
