#!/usr/bin/env python3
"""Conditional and range requests (RFC 9110 12.5.3, 13, 14) against `leat serve` of a folder made here: files_cases.json.

    tests/wire/run_files.py BUILD [--loop uring|epoll] [--case NAME …]

A case is a request or several (`requests`): `target`, `fields` as they go over the wire, `method` (GET), `version` (1.1),
and what must come: `status` (or a list of them), `expect` by field name, `content`. In `fields` and `expect` stands
{etag:FILE} for what a first GET said, {etag:FILE;br} with that Accept-Encoding; {opaque:…} is the tag without W/;
{date:…} is Last-Modified, {before:…} and {after:…} a second from it, {rfc850:…} and {asctime:…} its other forms. In
`expect` null means that the field is not there, "+" that it is, "^x" that it begins so, "~x" that its list holds x, "!x"
that it is anything but x. `content` is "FILE" or a slice of it, "FILE[first:end]", and a list of these for
multipart/byteranges. `close` says that the connection ends behind the response, `sources` where the case makes sense: what
a bundle holds never changes, so it has strong tags only.

Each case runs in two ways: all its requests in one write with one of ours behind them, whose answer shows that nothing
was left over; and each on its own, answered before the next, over one connection. Besides what a case says every
response must be right in itself: 200, 206 and 304 carry what a GET without conditions would (15.3.7, 15.4.5), 304 and
HEAD no content, 206 one range or several parts, Last-Modified is not later than Date.

The last line is `N passed, M failed`: cases, once for each loop and source (SOURCES). Exit status 0 or 1."""
import argparse
import calendar
import concurrent.futures
import email.utils
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

import run_cases

HERE = run_cases.HERE
CASES = os.path.join(HERE, "files_cases.json")
SOURCES = ("folder", "disk", "bundle")          # a folder with the cache of small files, one without, a packed one
RULE = "*.css public, max-age=60"               # what 200, 206 and 304 of these files say in Cache-Control
PATIENCE_S = 30.0
MTIME_S = 1_700_000_000                         # of most files, and three quarters of a second
YEAR_S = 365 * 86400
# name: (octets, seconds between its time and MTIME_S)
FILES = {"empty.txt": (0, 0), "tiny.txt": (1, 0), "small.txt": (1000, 0), "page.html": (20 << 10, 60),
         "middle.bin": (100 << 10, 0), "large.bin": (3 << 20, 0), "index.html": (300, 0), "sub/index.html": (300, 0),
         "coded.css": (20 << 10, 0), "coded.css.br": (5000, 0), "coded.css.gz": (7000, 0),
         "gzip.js": (30 << 10, 0), "gzip.js.gz": (9000, 0), "brotli.js": (30 << 10, 0), "brotli.js.br": (8000, 0),
         "drawing.svg": (200_000, 0), "drawing.svg.br": (150_000, 0)}
FROM_1970, FROM_THE_FUTURE = ("old.txt", 500), ("future.txt", 600)
# What 206 and 304 say as 200 does; and HEAD says all of it.
KEPT = ("etag", "vary", "cache-control", "expires", "content-location")
DESCRIBED = KEPT + ("content-type", "content-encoding", "content-length", "last-modified", "accept-ranges")
PROBE = b"GET /tiny.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"


def make_folder(root):
    """The files, and their octets by name."""
    draw, octets = random.Random(1), {}
    now_s = int(time.time())
    rows = [(name, size, MTIME_S + ago_s) for name, (size, ago_s) in FILES.items()]
    rows += [(*FROM_1970, 0), (*FROM_THE_FUTURE, now_s + YEAR_S)]
    for name, size, mtime_s in rows:
        octets[name] = draw.randbytes(size)
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(octets[name])
        fraction_ns = 750_000_000 if mtime_s else 0
        os.utime(path, ns=(mtime_s * 1_000_000_000 + fraction_ns,) * 2)
    return octets


class Wrong(Exception):
    """What a response is not."""


def field(response, name):
    """The value of a field, its lines joined; None: not there."""
    lines = [value for key, value in response.fields if key == name.lower()]
    return ", ".join(lines) if lines else None


class Server:
    """`leat serve` of root on a free port of 127.0.0.1, and what it says about its files without being asked for more.
    source: which of SOURCES it takes them from."""

    def __init__(self, build, loop, source, root, octets):
        self.octets, self.references = octets, {}
        self.log = tempfile.TemporaryFile()
        leat = os.path.join(build, "leat")
        if source == "bundle":
            subprocess.run([leat, "bundle", root, root + ".bundle", "--quiet"], check=True, stdin=subprocess.DEVNULL)
        command = [leat, "serve", *(("--bundle", root + ".bundle") if source == "bundle" else (root,)),
                   *(("--file-cache", "0") if source == "disk" else ()), "--cache-control", RULE,
                   "--listen", "127.0.0.1:0", "--loop", loop, "--shards", "1", "--connections", "256",
                   *run_cases.UNHURRIED]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", self.output())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"{' '.join(command)} does not serve:\n{self.output()}")
            time.sleep(0.01)
        self.address = ("127.0.0.1", int(found[1]))

    output, stop = run_cases.Server.output, run_cases.Server.stop

    def connect(self):
        connection = socket.create_connection(self.address, timeout=PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def reference(self, target, codings=()):
        """The response to a GET of target with these Accept-Encoding lines and nothing else."""
        key = (target, tuple(codings))
        if key not in self.references:
            lines = "".join(f"{line}\r\n" for line in codings)
            with self.connect() as connection:
                connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
                self.references[key] = receive(connection, run_cases.Reader(["GET"]), 1)[0]
        return self.references[key]

    def fill(self, text):
        """text with what stands for its placeholders."""
        return re.sub(r"\{(\w+):([^};]+)(?:;(\w+))?\}", self.value_of, text)

    def value_of(self, match):
        what, name, coding = match.groups()
        response = self.reference("/" + name, [f"Accept-Encoding: {coding}"] if coding else [])
        if what in ("etag", "opaque"):
            tag = field(response, "ETag") or '"there is no tag"'
            return tag.removeprefix("W/") if what == "opaque" else tag
        date = field(response, "Last-Modified")
        if date is None:
            raise Wrong(f"{name} has no Last-Modified")
        seconds = calendar.timegm(email.utils.parsedate(date)) + {"before": -1, "after": 1}.get(what, 0)
        forms = {"rfc850": "%A, %d-%b-%y %H:%M:%S GMT", "asctime": "%a %b %e %H:%M:%S %Y"}
        return time.strftime(forms.get(what, "%a, %d %b %Y %H:%M:%S GMT"), time.gmtime(seconds))

    def slice_of(self, text):
        """The octets that "FILE" or "FILE[first:end]" names, first, and the file's size."""
        name, first, end = re.fullmatch(r"([^\[]+)(?:\[(\d+):(\d+)\])?", text).groups()
        whole = self.octets[name]
        return whole[int(first or 0):int(end) if end else len(whole)], int(first or 0), len(whole)


def receive(connection, reader, count):
    """Reads until there are count final responses. Fewer: the connection has ended."""
    while len(reader.finals) < count:
        data = connection.recv(1 << 16)
        if not data:
            break
        reader.feed(data)
    return reader.finals


class Request:
    """One request of a case, and what its response must be."""

    def __init__(self, row):
        self.row, self.method, self.version = row, row.get("method", "GET"), row.get("version", "1.1")
        self.statuses = row["status"] if isinstance(row["status"], list) else [row["status"]]
        self.fields = row.get("fields", [])
        self.codings = [line for line in self.fields if line.lower().startswith("accept-encoding:")]

    def octets(self, server):
        lines = "".join(f"{server.fill(line)}\r\n" for line in self.fields)
        length = "Content-Length: 0\r\n" if self.method in ("PUT", "POST", "PATCH") else ""
        return f"{self.method} {self.row['target']} HTTP/{self.version}\r\nHost: localhost\r\n{length}{lines}\r\n".encode()

    def grade(self, server, response):
        """Raises Wrong."""
        if response.status not in self.statuses:
            raise Wrong(f"{response.status}, wanted {' or '.join(map(str, self.statuses))}")
        for name, wanted in self.row.get("expect", {}).items():
            self.grade_field(name, field(response, name), wanted and server.fill(wanted))
        if response.status in (200, 206, 304) and self.method in ("GET", "HEAD"):
            self.grade_against(response, server.reference(self.row["target"], self.codings))
        if response.status != 206 and response.status != 416 and field(response, "Content-Range"):
            raise Wrong(f"{response.status} with Content-Range")
        self.grade_dates(response)
        content = self.row.get("content")
        if self.method == "HEAD":
            content = None                      # the reader has seen that there is none
        if isinstance(content, list):
            self.grade_parts(server, response, content)
        elif content is not None:
            self.grade_content(server, response, content)

    @staticmethod
    def grade_field(name, value, wanted):
        if wanted is None:
            good = value is None
        elif value is None or wanted == "+":
            good = value is not None
        elif wanted[0] == "^":
            good = value.startswith(wanted[1:])
        elif wanted[0] == "~":
            good = wanted[1:].lower() in [token.strip().lower() for token in value.split(",")]
        elif wanted[0] == "!":
            good = value != wanted[1:]
        else:
            good = value == wanted
        if not good:
            raise Wrong(f"{name}: {value}, wanted {wanted}")

    def grade_against(self, response, whole):
        """What the same request without conditions and ranges says, this one says too."""
        several = response.status == 206 and not field(response, "Content-Range")
        if self.method == "HEAD" and response.status == 200:
            names = DESCRIBED
        elif response.status == 200:
            names = DESCRIBED
            if field(response, "Accept-Ranges") != "bytes":
                raise Wrong("200 without Accept-Ranges: bytes")
        elif response.status == 206:
            names = KEPT
            if not any(line.lower().startswith("if-range:") for line in self.fields):
                names += ("content-encoding", "last-modified") + (() if several else ("content-type",))
        else:
            names = KEPT
            for name in ("Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding"):
                if field(response, name) is not None:
                    raise Wrong(f"304 with {name}")
        for name in names:
            got, wanted = field(response, name), field(whole, name)
            if name == "last-modified" and self.row["target"] == "/" + FROM_THE_FUTURE[0]:
                continue                        # it is the response's own time
            if got != wanted:
                raise Wrong(f"{response.status} says {name}: {got}, and without conditions {wanted}")

    @staticmethod
    def grade_dates(response):
        date, modified = (email.utils.parsedate(field(response, name) or "") for name in ("Date", "Last-Modified"))
        if modified and calendar.timegm(modified) > calendar.timegm(date):
            raise Wrong("Last-Modified is later than Date")

    @staticmethod
    def grade_content(server, response, text):
        wanted, first, whole = server.slice_of(text) if text else (b"", 0, 0)
        if response.body != wanted:
            raise Wrong(f"{len(response.body)} octets of content, wanted {len(wanted)}"
                        + (", which are others" if len(wanted) == len(response.body) else ""))
        if response.status == 206:
            Request.grade_field("Content-Range", field(response, "Content-Range"),
                                f"bytes {first}-{first + len(wanted) - 1}/{whole}")

    def grade_parts(self, server, response, texts):
        kind = re.fullmatch(r'multipart/byteranges; ?boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?',
                            field(response, "Content-Type") or "")
        if not kind:
            raise Wrong(f"several ranges as {field(response, 'Content-Type')}")
        if field(response, "Content-Range"):
            raise Wrong("several ranges with a Content-Range of all")
        whole = server.reference(self.row["target"], self.codings)
        delimiter, left = b"--" + kind[1].encode(), b"\r\n" + response.body.removeprefix(b"\r\n")
        for number, text in enumerate(texts):
            wanted, first, size = server.slice_of(text)
            if not left.startswith(b"\r\n" + delimiter + b"\r\n"):
                raise Wrong(f"no part {number} where it should be: {left[:80]!r}")
            head, _, left = left[len(delimiter) + 4:].partition(b"\r\n\r\n")
            fields = {}
            for line in head.split(b"\r\n"):
                name, _, value = line.decode("latin-1").partition(":")
                fields[name.lower()] = value.strip()
            self.grade_field("Content-Range", fields.get("content-range"),
                             f"bytes {first}-{first + len(wanted) - 1}/{size}")
            self.grade_field("Content-Type", fields.get("content-type"), field(whole, "Content-Type"))
            if left[:len(wanted)] != wanted:
                raise Wrong(f"part {number} is not {text}")
            if delimiter in wanted:
                raise Wrong(f"part {number} contains its own delimiter")
            left = left[len(wanted):]
        if left.removesuffix(b"\r\n") != b"\r\n" + delimiter + b"--":
            raise Wrong(f"behind the last part: {left[:80]!r}")


class Case:
    def __init__(self, row):
        self.name, self.section, self.close = row["name"], row["section"], row.get("close", False)
        self.sources = row.get("sources", SOURCES)
        self.requests = [Request(one) for one in row.get("requests", [row])]

    def run(self, server):
        """A line for each way in which it failed."""
        for way, exchange in (("together", self.together), ("one by one", self.one_by_one)):
            try:
                responses = exchange(server)
                for request, response in zip(self.requests, responses):
                    request.grade(server, response)
            except (Wrong, run_cases.Malformed, OSError) as wrong:
                yield f"{self.name} (RFC 9110 {self.section}), {way}: {wrong or type(wrong).__name__}"

    def reader(self):
        return run_cases.Reader([request.method for request in self.requests] + ["GET"])

    def together(self, server):
        reader, count = self.reader(), len(self.requests)
        octets = b"".join(request.octets(server) for request in self.requests)
        with server.connect() as connection:
            connection.sendall(octets if self.close else octets + PROBE)
            responses = receive(connection, reader, count + (0 if self.close else 1))
            self.check_end(connection, reader, server)
        return responses

    def one_by_one(self, server):
        reader = self.reader()
        with server.connect() as connection:
            for number, request in enumerate(self.requests, 1):
                connection.sendall(request.octets(server))
                receive(connection, reader, number)
            if not self.close:
                connection.sendall(PROBE)
                receive(connection, reader, len(self.requests) + 1)
            self.check_end(connection, reader, server)
        return reader.finals

    def check_end(self, connection, reader, server):
        """Either the connection ends, or our own request was answered behind all others."""
        responses = reader.finals
        if self.close:
            if connection.recv(1):
                raise Wrong("octets, or no end, behind the last response")
        elif len(responses) <= len(self.requests) or responses[-1].body != server.octets["tiny.txt"]:
            raise Wrong(f"the connection did not go on: {[response.status for response in responses]}")
        if len(responses) < len(self.requests) or reader.at < len(reader.buffer):
            raise Wrong(f"not one response each: {[response.status for response in responses]}")


def load_cases(only=None):
    with open(CASES, encoding="utf-8") as source:
        return [Case(row) for row in json.load(source) if not only or row["name"] in only]


def run_loop(build, loop, only=None):
    """Lists of lines by case and source, a line for each way in which it failed; and how many cases passed."""
    cases, failures, passed = load_cases(only), {}, 0
    with tempfile.TemporaryDirectory() as base:
        root = os.path.join(base, "root")
        octets = make_folder(root)
        for source in SOURCES:
            server = Server(build, loop, source, root, octets)
            try:
                for case in (one for one in cases if source in one.sources):
                    lines = [f"[{loop}, {source}] {line}" for line in case.run(server)]
                    passed += not lines
                    if lines:
                        failures[case.name, source] = lines
                    if server.process.poll() is not None:
                        break  # it says itself why, at the end
            finally:
                wrong = server.stop()
            if wrong:
                failures["stop", source] = [f"[{loop}, {source}] {wrong}"]
    return failures, passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", help="build directory that holds leat")
    parser.add_argument("--loop", choices=run_cases.LOOPS, help="only this one")
    parser.add_argument("--case", nargs="*", help="only these names")
    options = parser.parse_args()
    loops = [options.loop] if options.loop else run_cases.LOOPS
    passed = failed = 0
    with concurrent.futures.ProcessPoolExecutor(len(loops)) as side_by_side:
        for run in [side_by_side.submit(run_loop, options.build, loop, options.case) for loop in loops]:
            failures, count = run.result()
            for lines in failures.values():
                print("\n".join(lines))
            failed += len(failures)
            passed += count
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
