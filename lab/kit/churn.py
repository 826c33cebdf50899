"""churn.py PORT COUNT RATE LIMIT_S ROUTES: requests of mixed sizes to 127.0.0.1:PORT, as a service has them in an
hour, at a constant rate and quicker; says what came of them as one JSON object.

Half of them are uploads of 1 KiB to 1 MiB (each doubling as likely as any other); the rest fetch text, JSON and files:
of ROUTES (plaintext,json,files,upload) what there is. Connections come and go: up to 32 at once, each for 1 to 20
requests. All of it is drawn from one seed, so every server gets the same. Contents are verified by their length, and
uploads by what the server says it read. A server that can't keep up gets the same requests later; after LIMIT_S no
more are sent.
"""
import errno
import json
import random
import re
import select
import socket
import struct
import sys
import time

CONNECTIONS = 32
LIFE = 20               # requests on a connection, at most
UPLOAD_LEAST, UPLOAD_DOUBLINGS = 1024, 10
PATIENCE_S = 20
LENGTHS = {"/plaintext": 13, "/json": 27, "/files/small.html": 4096, "/files/large.bin": 1 << 20}
CONTENT = memoryview(bytes(range(256)) * ((UPLOAD_LEAST << UPLOAD_DOUBLINGS) // 256))
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.I)
RESET = struct.pack("ii", 1, 0)


class Wrong(Exception):
    """An answer that is not the right one."""


def draw(routes, seed=6):
    """Requests without end: (target, octets of content or None)."""
    chance = random.Random(seed)
    while True:
        part = chance.random()
        if part < 0.5 and "upload" in routes:
            yield "/upload", int(UPLOAD_LEAST * 2 ** (chance.random() * UPLOAD_DOUBLINGS))
        elif part < 0.53 and "files" in routes:
            yield "/files/large.bin", None
        elif part < 0.65 and "files" in routes:
            yield "/files/small.html", None
        elif part < 0.8 and "json" in routes:
            yield "/json", None
        else:
            yield "/plaintext", None


class Connection:
    """One request at a time: what is left to send, and what has come of the answer."""

    def __init__(self, port, life):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.setsockopt(socket.SOL_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.life = life
        self.busy = self.answered = False

    def ask(self, port, target, size):
        head = f"Host: 127.0.0.1:{port}\r\n"
        if size is None:
            head = f"GET {target} HTTP/1.1\r\n{head}\r\n"
        else:
            head += f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n"
            head = f"POST {target} HTTP/1.1\r\n{head}\r\n"
        self.parts = [memoryview(head.encode())] + ([CONTENT[:size]] if size else [])
        self.target, self.size = target, size
        self.since = time.monotonic()
        self.head, self.content, self.left, self.chunked, self.closes = b"", b"", None, False, False
        self.busy = True
        self.life -= 1

    def send(self):
        """Octets sent; what the kernel has no room for is left."""
        sent = 0
        while self.parts:
            try:
                n = self.socket.send(self.parts[0])
            except BlockingIOError:
                break
            sent += n
            self.parts[0] = self.parts[0][n:]
            if not self.parts[0]:
                self.parts.pop(0)
        return sent

    def receive(self):
        """Octets received; the answer is over when busy is false."""
        try:
            piece = self.socket.recv(262144)
        except BlockingIOError:
            return 0
        if not piece:
            if self.busy:
                raise Wrong("the server closed the connection with an answer owing")
            raise EOFError
        if not self.busy:
            raise Wrong("octets that nobody asked for")
        self.take(piece)
        return len(piece)

    def take(self, piece):
        if self.left is None and not self.chunked:
            self.head += piece
            if b"\r\n\r\n" not in self.head:
                return
            self.head, _, piece = self.head.partition(b"\r\n\r\n")
            self.begin()
        if self.chunked:
            self.content += piece
            self.busy = not self.content.endswith(b"0\r\n\r\n")
        else:
            self.left -= len(piece)
            self.content += piece if self.target == "/upload" else b""
            self.busy = self.left > 0
        if not self.busy:
            self.end()
            self.answered = True

    def begin(self):
        if not self.head.startswith(b"HTTP/1.1 200"):
            raise Wrong(f"{self.target}: {self.head[:60].split(bytes([13]))[0].decode(errors='replace')}")
        low = self.head.lower()
        self.chunked = b"transfer-encoding: chunked" in low
        self.closes = b"\r\nconnection: close" in low
        length = LENGTH.search(self.head)
        if not self.chunked and not length:
            raise Wrong(f"{self.target}: neither Content-Length nor chunks")
        if not self.chunked:
            self.left = int(length[1])
            expected = LENGTHS.get(self.target, self.left)
            if self.left not in (expected, expected + 1):       # JSON may end in a newline
                raise Wrong(f"{self.target}: {self.left} octets, not {expected}")

    def end(self):
        if self.target == "/upload" and not self.chunked and self.content.strip() != str(self.size).encode():
            raise Wrong(f"/upload of {self.size} octets: answered {self.content[:40]!r}")
        if self.parts:
            raise Wrong(f"{self.target}: answered before all was sent")


class Churn:
    def __init__(self, port, count, rate, limit_s, routes):
        self.port, self.count, self.rate, self.limit_s = port, count, rate, limit_s
        self.requests, self.chance = draw(routes), random.Random(7)
        self.all, self.free = {}, []
        self.epoll = select.epoll()
        self.told = {"requests": 0, "answers": 0, "errors": 0, "first_error": "", "connections": 0, "octets_in": 0,
                     "octets_out": 0, "late_s": 0.0}

    def fail(self, connection, error):
        self.told["errors"] += 1
        self.told["first_error"] = self.told["first_error"] or str(error)
        self.drop(connection)

    def drop(self, connection):
        self.all.pop(connection.socket.fileno(), None)
        connection.socket.close()

    def next_connection(self):
        """A free one, or a new one; None when all are at work."""
        while self.free:
            connection = self.free.pop(self.chance.randrange(len(self.free)))
            if connection.socket.fileno() in self.all and not connection.busy:
                return connection
        if len(self.all) >= CONNECTIONS:
            return None
        connection = Connection(self.port, self.chance.randint(1, LIFE))
        self.told["connections"] += 1
        self.all[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        return connection

    def ask(self, due):
        """Whether one could be asked."""
        connection = self.next_connection()
        if connection is None:
            return False
        self.told["requests"] += 1
        self.told["late_s"] = max(self.told["late_s"], time.monotonic() - due)
        connection.ask(self.port, *next(self.requests))
        self.advance(connection)
        return True

    def advance(self, connection):
        """Sends and receives all that goes now."""
        try:
            self.told["octets_out"] += connection.send() if connection.busy else 0
            while n := connection.receive():
                self.told["octets_in"] += n
        except OSError as error:
            if connection.busy:
                self.fail(connection, errno.errorcode.get(error.errno, error))
            else:
                self.count_answer(connection)
                self.drop(connection)
        except Wrong as wrong:
            self.fail(connection, wrong)
        except EOFError:        # it closed a connection that nothing was owing on
            self.count_answer(connection)
            self.drop(connection)
        else:
            if self.count_answer(connection):
                if connection.life <= 0 or connection.closes:
                    self.drop(connection)
                else:
                    self.free.append(connection)

    def count_answer(self, connection):
        """Whether one has come since this was last asked."""
        answered, connection.answered = connection.answered, False
        self.told["answers"] += answered
        return answered

    def give_up(self, now):
        for connection in [c for c in self.all.values() if c.busy and now - c.since > PATIENCE_S]:
            self.fail(connection, f"{connection.target}: no answer for {PATIENCE_S} s")

    def run(self):
        start = checked = time.monotonic()
        while True:
            now = time.monotonic()
            if now - checked > 1:
                checked = now
                self.give_up(now)
            asking = self.told["requests"] < self.count and now - start < self.limit_s
            due = start + self.told["requests"] / self.rate
            if asking and due <= now and self.ask(due):
                continue
            if not asking and not any(c.busy for c in self.all.values()):
                break
            wait = min(0.1, max(0, due - now)) if asking and due > now else 0.1
            for fd, _ in self.epoll.poll(wait):
                if fd in self.all:
                    self.advance(self.all[fd])
        for connection in list(self.all.values()):
            self.drop(connection)
        return {**self.told, "seconds": time.monotonic() - start}


def main():
    port, count, rate, limit_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    try:
        print(json.dumps(Churn(port, count, rate, limit_s, sys.argv[5].split(",")).run()), flush=True)
    except OSError as error:
        sys.exit(f"churn: {error}")


if __name__ == "__main__":
    main()
