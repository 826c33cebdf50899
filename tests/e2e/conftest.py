"""Real programs, real clients: each test starts a server, talks to it over sockets, curl or wrk, and stops it.

LEAT_BUILD is the build directory to test (build/release when not set). A server that a test leaves running is drained
by SIGTERM and must then exit with 0, with nothing from a sanitizer in its output: so every test also tests the stop.
No test waits for a while and hopes: each waits for what must happen, for at most PATIENCE_S seconds, which only bounds
how long a failure takes.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("LEAT_BUILD", "build/release"))
PATIENCE_S = 30
LOOPS = ("uring", "epoll")


def program(name):
    return os.path.join(BUILD, name)


def wait_until(what, is_so):
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


class Response:
    def __init__(self, status, reason, fields, content, interim, trailers=None):
        self.status, self.reason, self.fields, self.content, self.interim = status, reason, fields, content, interim
        self.trailers = trailers    # a list, when the content came in chunks

    def __getitem__(self, name):
        """The value of a field, or None; several of a name are joined as RFC 9110 5.3 says."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return ", ".join(values) if values else None


class Client:
    """A connection on which a test says exactly which octets go out. Reads responses by their framing, strictly."""

    def __init__(self, address, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(address)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        self.socket.sendall(b"".join(p.encode("latin-1") if isinstance(p, str) else p for p in parts))

    def more(self):
        piece = self.socket.recv(1 << 16)
        self.pending += piece
        return len(piece) > 0

    def take(self, size):
        while len(self.pending) < size:
            assert self.more(), f"the connection ended {size - len(self.pending)} octets early"
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken

    def line(self):
        while b"\r\n" not in self.pending:
            assert self.more(), f"the connection ended within a line: {self.pending!r}"
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode("latin-1")

    def chunks(self):
        """The content, and the trailer fields behind it."""
        content = []
        while True:
            size = self.line()
            assert re.fullmatch(r"[0-9a-f]+", size), size
            if int(size, 16) == 0:
                break
            content.append(self.take(int(size, 16)))
            assert self.take(2) == b"\r\n"
        trailers = []
        while line := self.line():
            trailers.append(tuple(part.strip() for part in line.split(":", 1)))
        return b"".join(content), trailers

    def response(self, to="GET"):
        interim = []
        while True:
            while b"\r\n\r\n" not in self.pending:
                assert self.more(), f"no complete head: {self.pending!r}"
            head, self.pending = self.pending.split(b"\r\n\r\n", 1)
            first, *lines = head.decode("latin-1").split("\r\n")
            match = re.fullmatch(r"HTTP/1\.1 (\d{3}) (.*)", first)
            assert match, first
            status = int(match[1])
            if status >= 200:
                break
            interim.append(status)
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        lengths = [value for name, value in fields if name.lower() == "content-length"]
        codings = [value for name, value in fields if name.lower() == "transfer-encoding"]
        assert len(lengths) + len(codings) <= 1 and codings in ([], ["chunked"])
        has_content = to != "HEAD" and status not in (204, 304)
        if codings and has_content:
            content, trailers = self.chunks()
            return Response(status, match[2], fields, content, interim, trailers)
        assert lengths or not has_content, "no length: " + head.decode("latin-1")
        content = self.take(int(lengths[0])) if has_content else b""
        return Response(status, match[2], fields, content, interim)

    def ask(self, method, target, content=b"", **fields):
        lines = [f"{method} {target} HTTP/1.1", "Host: leat.example"]
        if content:
            lines.append(f"Content-Length: {len(content)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.send("\r\n".join(lines) + "\r\n\r\n", content)
        return self.response(method)

    def get(self, target, **fields):
        return self.ask("GET", target, **fields)

    def ends(self):
        """True when the server closes without another octet; False when there is one."""
        try:
            return not self.pending and not self.more()
        except ConnectionResetError:
            return True


class Server:
    def __init__(self, log, name, *arguments, listen=("127.0.0.1:0",), **popen):
        self.log = log
        command = [program(name), *arguments]
        for text in listen:
            command += ["--listen", text]
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **popen)
        try:
            wait_until(f"{' '.join(command)} listens", self.is_up)
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as out:
            return out.read()

    def is_up(self):
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output()}"
        line = re.search(r"^\w+: listening on (.*), loop .*\n", self.output(), re.MULTILINE)
        self.urls = line[1].split() if line else []
        return self.urls

    @property
    def url(self):
        return self.urls[0]

    @property
    def addresses(self):
        found = []
        for url in self.urls:
            if url.startswith("unix:"):
                found.append(url[len("unix:"):])
            else:
                host, port = url[len("http://"):].rsplit(":", 1)
                found.append((host.strip("[]"), int(port)))
        return found

    def connect(self, **options):
        return Client(self.addresses[0], **options)

    def curl(self, *arguments, target="/", **run):
        return subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE_S), *arguments, self.url + target],
                              stdout=subprocess.PIPE, check=True, **run).stdout

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(PATIENCE_S)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not stop:\n{self.output()}") from None
        assert not re.search(r"Sanitizer|runtime error:", self.output()), self.output()
        assert status == 0, f"stopped with {status}:\n{self.output()}"


@pytest.fixture(params=LOOPS)
def loop(request):
    return request.param


@pytest.fixture
def start(loop, tmp_path):
    """start("examples/hello", "--shards", "2"): a server on the loop under test. All are stopped when the test ends."""
    servers = []

    def begin(name, *arguments, **options):
        log = tmp_path / f"server-{len(servers)}.log"
        servers.append(Server(log, name, *arguments, "--loop", loop, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture
def run():
    """Runs a program that should end by itself."""
    def run_it(name, *arguments, **options):
        return subprocess.run([program(name), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, **options)
    return run_it
