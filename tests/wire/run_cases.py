#!/usr/bin/env python3
"""Raw HTTP/1.1 in, and what must come out: every case of http1_cases.json and http1_more.json against examples/echo.

    tests/wire/run_cases.py BUILD [--short] [--brief] [--loop uring|epoll] [--case ID …] [--seed N]

Each case runs in one write, an octet a write, split at random (the seed is fixed, so a failure comes back), and, when it
has at most 300 octets, split in two at each position with a pause between: the answers must be the same. The cases that
wait for a deadline (wait_ms) run whole, beside all the others; --short leaves them out. The loops are tested side by side.

How a case is graded: the first final status must be one of `prefer` ("close": the connection ends without an octet). A
connection that must be kept is shown to be by a request of ours behind the case's own, whose answer carries a word that
no other answer does; what came before it is counted. One that must be closed has to end by itself. Besides, each
response must be well formed: one status line, one length or none, a Date, and `Connection: close` where a close follows.

The last line is `N passed, M failed`: cases, once for each loop. Exit status 0 or 1."""
import argparse
import collections
import concurrent.futures
import errno
import heapq
import json
import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ("http1_cases.json", "http1_more.json")
LOOPS = ("uring", "epoll")
SPLIT_EACH_MAX = 300        # octets; longer cases are not split at every position
RANDOM_SPLITS = 3
AT_ONCE = 48                # connections, those of the slow cases apart; each may have 1 MiB of content reserved
HURRY = 4096                # pieces, from which on
HURRY_PIECES = 16           # so many go out in one turn: the longest cases would hold up the end
PAUSE_S = 0.002             # between two pieces, so that they are received apart
RAW2_S = 1.0                # raw2 is sent after so long when no 100 comes
PATIENCE_S = 30.0           # without an octet, before a case has failed
SHOWN = 3                   # failures of one case, after which the rest of it is not run
# The server of the quick cases: an octet a write may take long on a busy machine, and deadlines are not what they test.
UNHURRIED = ("--head-timeout", "1h", "--content-timeout", "1h", "--write-timeout", "1h", "--idle-timeout", "1h")
NONCE = "9f86d081"
PROBE = (f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(NONCE)}\r\n\r\n{NONCE}").encode()


def octets(text):
    """`raw` and `body` of a case: a string, or a list of strings and {"repeat": s, "count": n}."""
    if isinstance(text, str):
        return text.encode("latin-1")
    parts = []
    for part in text:
        if isinstance(part, str):
            parts.append(part)
        else:
            parts += [part["repeat"].replace("{i}", str(i)) for i in range(part["count"])]
    return "".join(parts).encode("latin-1")


class Malformed(Exception):
    """A response that no client could be asked to understand."""


class Response:
    def __init__(self, status, fields):
        self.status, self.fields, self.body = status, fields, b""

    def has(self, name, token):
        return any(token in [t.strip().lower() for t in value.split(",")] for key, value in self.fields if key == name)


class Reader:
    """Takes octets as they come and makes responses of them, strictly."""

    LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [\t\x20-\x7e]*$")
    FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$")

    def __init__(self, methods):
        self.methods, self.finals, self.interim = methods, [], []
        self.buffer, self.at, self.current, self.left = bytearray(), 0, None, 0

    def feed(self, data):
        self.buffer += data
        while self.step():
            pass

    def step(self):
        if self.current is None:
            end = self.buffer.find(b"\r\n\r\n", self.at)
            if end < 0:
                return False
            self.begin(bytes(self.buffer[self.at:end]))
            self.at = end + 4
            return True
        if len(self.buffer) - self.at < self.left:
            return False
        self.current.body = bytes(self.buffer[self.at:self.at + self.left])
        self.at += self.left
        self.finals.append(self.current)
        self.current = None
        return True

    def begin(self, head):
        first, *lines = head.split(b"\r\n")
        match = self.LINE.match(first)
        if not match:
            raise Malformed(f"status line {first!r}")
        fields = []
        for line in lines:
            field = self.FIELD.match(line)
            if not field:
                raise Malformed(f"field {line!r}")
            fields.append((field[1].decode().lower(), field[2].decode("latin-1")))
        response = Response(int(match[1]), fields)
        if response.status < 200:
            self.interim.append(response.status)
            return
        self.left = self.length_of(response)
        self.current = response

    def length_of(self, response):
        lengths = [value for name, value in response.fields if name == "content-length"]
        if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
            raise Malformed(f"lengths {lengths}")
        if any(name == "transfer-encoding" for name, _ in response.fields):
            raise Malformed("a transfer coding, which echo has no use for")
        if [name for name, _ in response.fields].count("date") != 1:
            raise Malformed("no Date, or two")
        if response.status == 405 and not any(name == "allow" for name, _ in response.fields):
            raise Malformed("405 without Allow")
        n = len(self.finals)
        method = self.methods[n] if n < len(self.methods) else "POST"
        if method == "HEAD" or response.status in (204, 304):
            return 0
        if not lengths:
            raise Malformed("no length")
        return int(lengths[0])


class Case:
    def __init__(self, row):
        self.row, self.id, self.name = row, row["id"], row["name"]
        self.raw, self.raw2 = octets(row["raw"]), row.get("raw2", "").encode("latin-1")
        self.prefer, self.connection = row["prefer"], row["connection"]
        responses = row.get("responses", 1)
        self.least, self.most = (responses, responses) if isinstance(responses, int) else responses
        if self.most < self.least or (self.connection == "keep" and self.least != self.most):
            raise ValueError(f"{self.id}: responses")
        self.eof, self.wait_s = row.get("eof", False), row.get("wait_ms", 0) / 1000
        self.methods = row.get("methods") or (["HEAD"] if self.raw.startswith(b"HEAD ") else [])

    def splits(self, seed, brief):
        """(name, pieces, pause between them) of each way to send this case; brief: fewer of them."""
        raw = self.raw
        yield "whole", [raw], 0
        if self.wait_s or len(raw) < 2:
            return
        yield "octet by octet", [raw[i:i + 1] for i in range(len(raw))], 0
        draw = random.Random(f"{seed} {self.id}")
        for i in range(1 if brief else RANDOM_SPLITS):
            cuts = sorted(draw.sample(range(1, len(raw)), min(len(raw) - 1, draw.randint(1, 12))))
            yield f"random {i}", [raw[a:b] for a, b in zip([0] + cuts, cuts + [len(raw)])], PAUSE_S
        if len(raw) <= SPLIT_EACH_MAX and not brief:
            for at in range(1, len(raw)):
                yield f"split at {at}", [raw[:at], raw[at:]], PAUSE_S

    def grade(self, reader, probed, ended):
        """None, or what is wrong."""
        finals, row = reader.finals[:-1] if probed else reader.finals, self.row
        statuses = [r.status for r in finals]
        first = statuses[0] if statuses else "close"
        if first not in self.prefer:
            return f"{first}, wanted {' or '.join(map(str, self.prefer))}"
        if not self.least <= len(finals) <= self.most:
            return f"{len(finals)} responses {statuses}, wanted {row['responses']}"
        if reader.current or reader.at < len(reader.buffer):
            return f"octets behind the last response: {bytes(reader.buffer[reader.at:][:60])!r}"
        if "statuses" in row and statuses != row["statuses"]:
            return f"statuses {statuses}, wanted {row['statuses']}"
        return self.grade_contents(finals) or self.grade_interim(reader, statuses) or self.grade_end(finals, probed, ended)

    def grade_contents(self, finals):
        row, bodies = self.row, [r.body for r in finals]
        wanted = [octets(body) for body in row["bodies"]] if "bodies" in row else None
        if wanted is not None and bodies != wanted:
            return f"contents {[b[:30] for b in bodies]}, wanted {[b[:30] for b in wanted]}"
        if "body" in row and finals and finals[0].status == 200 and bodies[0] != octets(row["body"]):
            return f"content of {len(bodies[0])} octets {bodies[0][:60]!r}, wanted {octets(row['body'])[:60]!r}"
        return None

    def grade_interim(self, reader, statuses):
        row, seen = self.row, reader.interim
        if "interim" in row and row["interim"] not in seen:
            return f"no {row['interim']} before the final response"
        if row.get("no_interim") and seen:
            return f"interim responses {seen}"
        forbidden = set(row.get("forbid_statuses", [])) & set(statuses + seen)
        if forbidden:
            return f"forbidden status {forbidden}"
        unwanted = row.get("must_not_contain")
        if unwanted and unwanted.encode("latin-1") in reader.buffer:
            return f"contains {unwanted!r}"
        return None

    def grade_end(self, finals, probed, ended):
        if self.connection == "keep" and not probed:
            return "connection closed, wanted it kept"
        if self.connection == "close" and not ended:
            return "connection kept, wanted it closed"
        if ended and finals and not self.eof and not self.wait_s and b"HTTP/1.0" not in self.raw:
            if not finals[-1].has("connection", "close"):
                return "closed without saying so"
        for early in finals[:-1]:
            if early.has("connection", "close"):
                return "a response said close and another followed"
        return None


class Run:
    """One case, sent in one way, over one connection."""

    def __init__(self, address, case, name, pieces, pause_s):
        self.address = address
        self.case, self.name, self.pieces, self.pause_s = case, name, pieces, pause_s
        self.next, self.offset, self.sent, self.broken = 0, 0, False, False
        self.raw2_sent, self.raw2_due = not case.raw2, None
        self.probed, self.probe_answered, self.ended, self.done, self.failure = False, False, False, False, None
        self.reader = Reader(case.methods)
        self.socket, self.last = None, 0

    def connect(self):
        self.socket = socket.create_connection(self.address, timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.last = time.monotonic()

    def close(self):
        # A reset, so that no TIME_WAIT is left of tens of thousands of connections.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def push(self, data):
        """How many octets were taken; all of them when the other end no longer wants any."""
        if self.broken:
            return len(data)
        try:
            self.last = time.monotonic()
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise
            self.broken = True
            return len(data)

    def send(self):
        """Sends the next piece. Seconds until it wants to be called again, or None when all is sent."""
        for _ in range(HURRY_PIECES if len(self.pieces) > HURRY else 1):
            again_s = self.send_piece()
            if again_s != 0:
                break
        return again_s

    def send_piece(self):
        if self.next < len(self.pieces):
            piece = self.pieces[self.next]
            self.offset += self.push(piece[self.offset:]) if piece else 0
            if self.offset < len(piece):
                return PAUSE_S
            self.next, self.offset = self.next + 1, 0
            if self.next < len(self.pieces) and not self.broken:
                return self.pause_s
            self.next = len(self.pieces)
        self.sent = True
        return self.go_on()

    def go_on(self):
        """What comes behind the pieces: raw2, the half-close, the probe."""
        if not self.raw2_sent:
            now = time.monotonic()
            self.raw2_due = self.raw2_due or now + RAW2_S
            if 100 not in self.reader.interim and now < self.raw2_due:
                return self.raw2_due - now
            self.raw2_sent = True
            self.push(self.case.raw2)
        if self.case.eof and not self.broken:
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.broken = True
            return None
        self.probe()
        return None

    def probe(self):
        finals = self.reader.finals
        if self.probed or self.case.connection == "close" or self.case.eof or self.ended:
            return
        if len(finals) < max(self.case.least, 1) or finals[-1].has("connection", "close"):
            return
        self.probed = True
        self.push(PROBE)

    def receive(self):
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self.last = time.monotonic()
        if not data:
            self.ended = True
            return self.finish()
        try:
            self.reader.feed(data)
        except Malformed as malformed:
            return self.finish(f"malformed response: {malformed}")
        finals = self.reader.finals
        if self.probed and finals and finals[-1].body == NONCE.encode():
            self.probe_answered = True
            return self.finish()
        if self.sent:
            self.go_on()

    def finish(self, failure=None):
        self.done = True
        self.failure = failure or self.case.grade(self.reader, self.probe_answered, self.ended)

    def time_out(self):
        got = [r.status for r in self.reader.finals]
        self.finish(f"no answer and no end, after {got or 'nothing'}")


class Client:
    """Many runs at once over one epoll."""

    def __init__(self):
        self.epoll, self.active = select.epoll(), {}
        self.timers, self.turn, self.count = [], collections.deque(), 0

    def later(self, run, seconds):
        if seconds is None:
            return
        if seconds == 0:
            self.turn.append(run)
            return
        self.count += 1
        heapq.heappush(self.timers, (time.monotonic() + seconds, self.count, run))

    def start(self, run):
        run.connect()
        self.active[run.socket.fileno()] = run
        self.epoll.register(run.socket.fileno(), select.EPOLLIN)
        self.later(run, run.send())

    def end(self, run):
        fd = run.socket.fileno()
        if self.active.pop(fd, None):
            self.epoll.unregister(fd)
            run.close()

    def one_turn(self, timeout_s):
        """Each connection that is not waiting sends one piece; then what has come is read."""
        for _ in range(len(self.turn)):
            run = self.turn.popleft()
            if not run.done:
                self.later(run, run.send())
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            run = heapq.heappop(self.timers)[2]
            if not run.done:
                self.later(run, run.send())
        if self.turn:
            timeout_s = 0
        elif self.timers:
            timeout_s = min(timeout_s, max(0, self.timers[0][0] - now))
        for fd, _ in self.epoll.poll(timeout_s):
            run = self.active[fd]
            run.receive()
            if run.done:
                self.end(run)

    def time_out(self):
        now = time.monotonic()
        for run in list(self.active.values()):
            if now - run.last > max(PATIENCE_S, run.case.wait_s):
                run.time_out()
                self.end(run)

    def run_all(self, slow, quick, report, is_lost):
        """report(run) at the end of each; a run whose case is_lost already is not begun."""
        waiting = list(slow) + list(quick)
        waiting.reverse()
        allowed, looked = AT_ONCE + len(slow), time.monotonic()
        while waiting or self.active:
            while waiting and len(self.active) < allowed:
                run = waiting.pop()
                if not is_lost(run):
                    self.start(run)
            before = list(self.active.values())
            self.one_turn(0.05)
            if time.monotonic() - looked > 0.2:
                self.time_out()
                looked = time.monotonic()
            for run in before:
                if run.done:
                    report(run)


class Server:
    """BUILD/examples/echo on a free port of 127.0.0.1, its limits the ones it has by itself."""

    def __init__(self, build, loop, *flags):
        self.log = tempfile.TemporaryFile()
        command = [os.path.join(build, "examples", "echo"), "--listen", "127.0.0.1:0", "--loop", loop, "--shards", "1",
                   *flags]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", self.output())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"{' '.join(command)} does not serve:\n{self.output()}")
            time.sleep(0.01)
        self.address = ("127.0.0.1", int(found[1]))

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self):
        """None, or what went wrong."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "the server did not stop"
        if status != 0 or re.search(r"Sanitizer|runtime error:", self.output()):
            return f"the server ended with {status}:\n{self.output()}"
        return None


def load_cases(only=None):
    """The cases that can run, and (id, reason) of those that can't."""
    cases, skipped = [], []
    for file in FILES:
        with open(os.path.join(HERE, file), encoding="utf-8") as source:
            for row in json.load(source):
                if only and row["id"] not in only:
                    continue
                if "ws" in row["needs"]:
                    skipped.append((row["id"], "echo has no WebSocket yet"))
                else:
                    cases.append(Case(row))
    return cases, skipped


def run_loop(build, loop, cases, seed, brief):
    """Lists of lines by case id, a line for each way in which the case failed, and a line about the whole."""
    failures = collections.defaultdict(list)
    servers = [Server(build, loop, *UNHURRIED)]
    if any(case.wait_s for case in cases):
        servers.append(Server(build, loop))
    slow, quick = [], []
    for case in cases:
        for split in case.splits(seed, brief):
            if case.wait_s:
                slow.append(Run(servers[1].address, case, *split))
            else:
                quick.append(Run(servers[0].address, case, *split))
    # The longest first, so that they do not stand alone at the end.
    quick.sort(key=lambda run: -len(run.pieces))

    def report(run):
        if run.failure:
            failures[run.case.id].append(f"{run.case.id} {run.case.name} [{loop}, {run.name}]: {run.failure}")

    def is_lost(run):
        return len(failures.get(run.case.id, ())) >= SHOWN

    began = time.monotonic()
    try:
        Client().run_all(slow, quick, report, is_lost)
    finally:
        wrong = [server.stop() for server in servers]
    for line in filter(None, wrong):
        failures["stop"].append(f"[{loop}] {line}")
    told = f"{loop}: {len(cases)} cases over {len(slow) + len(quick)} connections in {time.monotonic() - began:.0f} s"
    return failures, told


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", help="build directory that holds examples/echo")
    parser.add_argument("--short", action="store_true", help="leave the slow cases out")
    parser.add_argument("--brief", action="store_true", help="fewer splits of each case")
    parser.add_argument("--loop", choices=LOOPS, help="only this one")
    parser.add_argument("--case", nargs="*", help="only these ids")
    parser.add_argument("--seed", type=int, default=1, help="of the random splits")
    options = parser.parse_args()
    cases, skipped = load_cases(options.case)
    if options.short:
        skipped += [(case.id, "waits for a deadline: not in the short form") for case in cases if case.wait_s]
        cases = [case for case in cases if not case.wait_s]
    for case_id, reason in skipped:
        print(f"skipped {case_id}: {reason}")
    loops = [options.loop] if options.loop else LOOPS
    failed = 0
    with concurrent.futures.ProcessPoolExecutor(len(loops)) as side_by_side:
        runs = [side_by_side.submit(run_loop, options.build, loop, cases, options.seed, options.brief) for loop in loops]
        for run in runs:
            failures, told = run.result()
            for lines in failures.values():
                print("\n".join(lines[:SHOWN]))
            print(told)
            failed += len(failures)
    print(f"{len(loops) * len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
