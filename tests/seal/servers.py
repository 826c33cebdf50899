"""servers.py: the programs that tests/seal and tests/soak load, and what each of them is asked: every feature's requests,
whole, as they go over the wire. Answers must be below 400, or below 500 where a request has X-May-Fail, or anything where that
says 5. Meanwhile somebody looks at each server by its admin listener, in every way (Watcher)."""
import gzip
import os
import re
import socket
import threading
import time

from process import Child, Failed, Progress, free_port, program

BROWSER = """Connection: keep-alive
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en;q=0.9,de-DE;q=0.8
Cookie: session=b1946ac92492d2347c6235b4d2611184; theme=dark"""

# What each server is asked: request line, further fields, content.
HELLO = [("GET / HTTP/1.1", "", ""), ("GET /hello/World HTTP/1.1", BROWSER, ""), ("HEAD / HTTP/1.1", "", ""),
         ("GET /hello/a%20b?c=d HTTP/1.1", "Accept: */*", "")]
ECHO = [("POST / HTTP/1.1", "", "x" * 300), ("GET / HTTP/1.1", BROWSER, ""), ("PUT / HTTP/1.1", "", "y" * 20000),
        ("OPTIONS * HTTP/1.1", "", ""),
        ("POST / HTTP/1.1", "Transfer-Encoding: chunked", "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nTrailer: 1\r\n\r\n")]


WAITING = [("GET /nap?ms=1 HTTP/1.1", "", ""), ("GET /join HTTP/1.1", "", ""), ("GET /fd HTTP/1.1", "", ""),
           ("GET /count?n=100 HTTP/1.1", BROWSER, ""), ("GET /count?n=3&ms=1 HTTP/1.1", "", ""), ("GET /state HTTP/1.1", "", ""),
           ("POST /receive HTTP/1.1", "", "z" * 50000), ("POST /pipe HTTP/1.1", "", "p" * 30000),
           ("POST /tagged/echo HTTP/1.1", "", "t" * 40000),
           ("POST /tagged/receive HTTP/1.1", "Transfer-Encoding: chunked", "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: 1\r\n\r\n")]

FILES = [("GET /small.txt HTTP/1.1", BROWSER, ""), ("GET /page.txt HTTP/1.1", "", ""), ("GET /large.bin HTTP/1.1", "", ""),
         ("GET /page.txt HTTP/1.1", "Range: bytes=10-19", ""), ("GET /page.txt HTTP/1.1", "Range: bytes=0-9,100-199", ""),
         ("GET /large.bin HTTP/1.1", "Range: bytes=-100", ""), ("HEAD /large.bin HTTP/1.1", "", ""),
         ("GET /folder/ HTTP/1.1", BROWSER, ""), ("GET /folder HTTP/1.1", "", ""), ("GET /missing HTTP/1.1", "X-May-Fail: 1", ""),
         ("GET /page.txt HTTP/1.1", "If-Match: \"other\"\nX-May-Fail: 1", "")]

LARGE = [("GET /large?n=1 HTTP/1.1", "", ""), ("GET /sized HTTP/1.1", "", ""), ("POST /pipe HTTP/1.1", "", "p" * 60000)]

ROUTES = [("GET / HTTP/1.1", "", ""), ("GET http://api.example/v1/items/5 HTTP/1.1", BROWSER, ""),
          ("GET http://a.b.example:81/ HTTP/1.1", "", ""), ("GET http://[2001:db8:0::1]/ HTTP/1.1", "", ""),
          ("GET /items/123 HTTP/1.1", "", ""), ("GET /blog/2026/11 HTTP/1.1", "", ""), ("GET /~me%2Fyou HTTP/1.1", "", ""),
          ("GET /assets/static HTTP/1.1", "", ""), ("GET /assets/static/small.txt HTTP/1.1", BROWSER, ""),
          ("GET /xxxxxxxxxxy HTTP/1.1", "", ""), ("GET /slow/aaaaaaaab HTTP/1.1", "", ""),
          ("PUT /items/1 HTTP/1.1", "X-May-Fail: 1", "")]

JSON = [("POST /echo HTTP/1.1", "Content-Type: application/json", '{"id":7,"name":"K\\u00e4se","tags":["a",1.5,true,null]}'),
        ("POST /echo HTTP/1.1", "Content-Type: application/json", "[" + ",".join(['{"a":1,"b":"text"}'] * 60) + "]"),
        ("POST /echo HTTP/1.1", "Content-Type: application/json\nX-May-Fail: 1", '{"a":1,'),
        ("POST /echo HTTP/1.1", "Content-Type: application/json\nX-May-Fail: 1", "[" * 1000),
        ("POST /echo HTTP/1.1", "X-May-Fail: 1", "1"),
        ("POST /stream HTTP/1.1", "Content-Type: application/json", '[{"a":0.1},{"b":[[]]}]'),
        ("GET /lines?n=50 HTTP/1.1", BROWSER, ""), ("GET /fill?n=12000 HTTP/1.1", "", "")]

LOGS = [("GET /say?text=a%0a%1b%ff HTTP/1.1", BROWSER, ""), ("GET /many?count=30 HTTP/1.1", "", ""),
        ("GET /fail/7 HTTP/1.1", "X-May-Fail: 5", ""), ("GET /blocking HTTP/1.1", "", "")]
EVENTS = [("GET /shapes HTTP/1.1", "", ""), ("GET /refused HTTP/1.1", BROWSER, ""), ("HEAD /shapes HTTP/1.1", "", "")]

TRAILERS = [("POST /whole HTTP/1.1", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n"),
            ("POST /pieces HTTP/1.1", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
            ("POST /pieces HTTP/1.1", "", "x" * 100), ("GET /hints HTTP/1.1", BROWSER, ""),
            ("GET /respond?size=20000 HTTP/1.1", "TE: trailers", ""), ("GET /respond HTTP/1.1", "", ""),
            ("POST /whole HTTP/1.1", "Transfer-Encoding: chunked", "0\r\n" + "X: 0123456789\r\n" * 200 + "\r\n")]

SENDING = [("GET /named/small.txt HTTP/1.1", BROWSER, ""), ("GET /named/page.txt HTTP/1.1", "Range: bytes=10-19", ""),
           ("GET /named/large.bin HTTP/1.1", "Range: bytes=-100", ""), ("GET /named/missing HTTP/1.1", "X-May-Fail: 1", ""),
           ("GET /part HTTP/1.1", "Range: bytes=2-3", ""), ("GET /borrowed HTTP/1.1", "", ""),
           ("GET /second?first=page.txt&second=small.txt HTTP/1.1", "", "")]

SESSIONS = [("GET /memory/count HTTP/1.1", BROWSER, ""), ("GET /memory/login?who=a HTTP/1.1", "", ""),
            ("GET /memory/peek HTTP/1.1", "Cookie: __Host-session=" + "0" * 32, ""), ("GET /tiny/count HTTP/1.1", "", ""),
            ("GET /brief/count HTTP/1.1", "", ""), ("GET /memory/logout HTTP/1.1", "", "")]

FORM_TYPE, PARTS_TYPE = "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=X"
PART = "--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n"
FORM = [("POST /form HTTP/1.1", FORM_TYPE, "n=5&name=K%C3%A4se&tag=a&tag=b+c"), ("POST /pairs?a=1&b=%26 HTTP/1.1", FORM_TYPE, "c=d"),
        ("POST /form HTTP/1.1", FORM_TYPE + "\nX-May-Fail: 1", "n=%zz"),
        ("POST /count HTTP/1.1", PARTS_TYPE, PART + "x" * 40000 + "\r\n" + PART + "\r\n--X--\r\n"),
        ("POST /whole HTTP/1.1", PARTS_TYPE, (PART + "y\r\n") * 50 + "--X--\r\n"),
        ("GET /cookies HTTP/1.1", BROWSER, ""), ("POST /enter/ann HTTP/1.1", "", ""), ("POST /leave HTTP/1.1", "", ""),
        ("GET /cookies HTTP/1.1", "Cookie: user=ann.0.AAAAAAAAAAAAAAAAAAAAAA; plain=1", ""),
        ("GET /negotiate HTTP/1.1", BROWSER, "")]

MIDDLEWARE = [("GET /hello HTTP/1.1", BROWSER, ""), ("GET /id HTTP/1.1", "X-Request-Id: abc-1", ""),
              ("GET /strict/page HTTP/1.1", "", ""), ("GET /strict/id HTTP/1.1", "", ""),
              ("GET /basic/hello HTTP/1.1", "Authorization: Basic YWRhOmxvdmVsYWNl", ""),
              ("GET /basic/hello HTTP/1.1", "Authorization: Basic ZXZlOmFwcGxl", ""),
              ("GET /basic/hello HTTP/1.1", "Authorization: Basic eDp5\nX-May-Fail: 1", ""),
              ("GET /bearer/hello HTTP/1.1", "Authorization: Bearer good", ""),
              ("GET /bearer/hello HTTP/1.1", "Authorization: Bearer bad\nX-May-Fail: 1", ""),
              ("GET /limited/key?who=a HTTP/1.1", "X-May-Fail: 1", ""), ("GET /limited/address HTTP/1.1", "X-May-Fail: 1", ""),
              ("GET /cors/any/hello HTTP/1.1", "Origin: https://a.example", ""),
              ("OPTIONS /cors/named/own HTTP/1.1", "Origin: https://a.example\nAccess-Control-Request-Method: PUT", ""),
              ("GET /timed/nap?ms=1 HTTP/1.1", "", ""), ("POST /timed/count HTTP/1.1", "", "c" * 3000),
              ("GET /fail?errno=5 HTTP/1.1", "X-May-Fail: 5", "")]
TAGS = [("GET /weak/hello HTTP/1.1", BROWSER, ""), ("GET /weak/tagged HTTP/1.1", "If-None-Match: \"mine\"", ""),
        ("GET /weak/stream HTTP/1.1", "", ""), ("GET /strong/hello HTTP/1.1", "", ""),
        ("GET /limited/field HTTP/1.1", "X-Api-Key: k\nX-May-Fail: 1", ""), ("GET /page HTTP/1.1", "", ""),
        ("GET /timed/longer/nap?ms=1 HTTP/1.1", "", ""), ("GET /cors/named/stream HTTP/1.1", "Origin: null", ""),
        ("GET /nothing HTTP/1.1", "X-May-Fail: 1", "")]

GZIP = gzip.compress(b"What the mill needs. " * 200, mtime=0).decode("latin-1")
COMPRESS = [*[(f"GET {path} HTTP/1.1", f"Accept-Encoding: {coding}", "") for path in ("/whole", "/stream") for coding in
              ("gzip", "br", "zstd")],
            ("GET /borrowed HTTP/1.1", BROWSER, ""), ("GET /random HTTP/1.1", BROWSER, ""), ("GET /whole HTTP/1.1", "", ""),
            ("HEAD /whole HTTP/1.1", BROWSER, ""), ("GET /conditional HTTP/1.1", BROWSER, ""),
            ("POST /echo HTTP/1.1", "Content-Encoding: gzip\nX-May-Fail: 5", GZIP),
            ("POST /measure HTTP/1.1", "Content-Encoding: gzip\nX-May-Fail: 5", GZIP),
            ("POST /limited/echo HTTP/1.1", "Content-Encoding: gzip\nX-May-Fail: 5", GZIP)]

BLOCKING = [("GET /slow?ms=0 HTTP/1.1", "X-May-Fail: 5", ""), ("GET /slow?ms=1 HTTP/1.1", "X-May-Fail: 5", ""),
            ("GET /state HTTP/1.1", "", "")]
METRICS = [("GET / HTTP/1.1", "", ""), ("GET /here/0 HTTP/1.1", "", ""), ("GET /there/0 HTTP/1.1", "X-May-Fail: 5", ""),
           ("GET /status/404 HTTP/1.1", "X-May-Fail: 1", ""), ("POST /echo HTTP/1.1", "", "e" * 100),
           ("GET /sleep/1 HTTP/1.1", "", "")]
HEALTH = [("GET /healthz HTTP/1.1", "", ""), ("GET /readyz HTTP/1.1", "X-May-Fail: 5", "")]

# Programs by name: what is run, what it is asked, and by how much less often than the lightest.
SERVERS = {
    "hello": (["examples/hello"], HELLO, 1),
    "echo": (["examples/echo"], ECHO, 10),
    "waiting": (["tests/apps/waiting"], WAITING, 100),
    "routes": (["tests/apps/routes", "--files", "SITE"], ROUTES, 10),
    "large streams": (["tests/apps/waiting"], LARGE, 1000),
    "json": (["tests/apps/json"], JSON, 100),
    "events": (["tests/apps/events"], EVENTS, 100),
    "trailers": (["tests/apps/trailers"], TRAILERS, 100),
    "sending": (["tests/apps/sending", "--files", "SITE"], SENDING, 20),
    "sessions": (["tests/apps/sessions"], SESSIONS, 20),
    "forms": (["tests/apps/form"], FORM, 100),
    "middleware": (["tests/apps/middleware"], MIDDLEWARE, 100),
    "more middleware": (["tests/apps/middleware"], TAGS, 100),
    "compress": (["tests/apps/compress"], COMPRESS, 100),
    "blocking": (["tests/apps/blocking"], BLOCKING, 1000),
    "metrics": (["tests/apps/metrics"], METRICS, 100),
    "health": (["tests/apps/health"], HEALTH, 100),
    "logs": (["examples/echo", "--access-log", "LOG", "--access-log-format", "json", "--log", "EVENTS", "--log-format", "json"],
             ECHO, 50),
    "what programs log": (["tests/apps/logs", "--access-log", "LOG", "--access-log-format", "json", "--log", "EVENTS"], LOGS, 100),
    "files": (["leat", "serve", "SITE", "--listing", "--file-cache", "1m", "--file-check", "20ms",
               "--access-log", "LOG", "--access-log-format", "combined"], FILES, 20),
}


def write_requests(place, port, requests, closing):
    """Files of whole requests; closing: each also with `Connection: close`. Answers their paths."""
    paths = []
    for line, fields, content in requests:
        for close in (False, True) if closing else (False,):
            rows = [line, f"Host: 127.0.0.1:{port}", *fields.split("\n")] if fields else \
                   [line, f"Host: 127.0.0.1:{port}"]
            if close:
                rows = [r for r in rows if not r.startswith("Connection:")] + ["Connection: close"]
            if content and "chunked" not in fields:
                rows.append(f"Content-Length: {len(content)}")      # its octets, as latin-1
            paths.append(os.path.join(place, f"request-{len(paths)}{'-closing' if closing else ''}"))
            with open(paths[-1], "wb") as f:
                f.write(("\r\n".join(rows) + "\r\n\r\n" + content).encode("latin-1"))
    return paths


def run_load(build, arguments, expected):
    """The client's `done` line: requests, connections, seconds."""
    with Child([program(build, "tests/seal/client"), *arguments], talks=True) as client:
        progress, end = Progress(), time.monotonic() + 900
        while client.alive() and time.monotonic() < end:
            progress.tell(f"{expected:,} to do, {time.monotonic() - progress.start:.0f} s")
            time.sleep(0.1)
        progress.clear()
        _, requests, connections, seconds = client.hear(5).split()
    return int(requests), int(connections), float(seconds)


def make_site(place):
    """A folder: files in memory, files by descriptor, more files than the cache holds."""
    site = os.path.join(place, "site")
    os.makedirs(os.path.join(site, "folder"), exist_ok=True)
    sizes = {"small.txt": 20, "page.txt": 20000, "page.txt.gz": 900, "large.bin": 200_000, "folder/a": 1, "folder/b <c>": 2}
    for name, size in sizes.items():
        with open(os.path.join(site, name), "wb") as f:
            f.write(os.urandom(size))
    return site


TOKEN = "seal"


def arguments_of(build, name, place, port, loop):
    """The command that starts a server of the table."""
    (path, *arguments), _, _ = SERVERS[name]
    places = {"SITE": make_site(place), "LOG": os.path.join(place, "access.log"), "EVENTS": os.path.join(place, "events.log"),
              "TOKEN": os.path.join(place, "token")}
    with open(places["TOKEN"], "w") as f:
        f.write(TOKEN + "\n")
    more = ["--admin", "127.0.0.1:0", "--admin-token-file", "TOKEN"]
    return [program(build, path), *(places.get(word, word) for word in arguments + more), "--listen", f"127.0.0.1:{port}",
            "--loop", loop, "--shards", 2, "--connections", 4096, "--quiet"]


class Watcher:
    """Looks at a server by its admin listener while the block lasts: everything there is, with the token in every way and without,
    event streams that come and go, and a scraper that never reads."""

    BEARER = f"Authorization: Bearer {TOKEN}\r\n"
    ASKED = [("/metrics", BEARER, 200), ("/metrics", BEARER + "Accept: application/openmetrics-text\r\n", 200),
             ("/metrics", f"Cookie: leat-admin={TOKEN}\r\n", 200), ("/metrics", "", 401), ("/metrics", "Authorization: Bearer x\r\n", 401),
             (f"/leat/?token={TOKEN}", "", 303), ("/leat/", BEARER, 200), ("/leat/", BEARER + "Accept-Encoding: gzip, br\r\n", 200),
             ("/leat/live.json", BEARER, 200), ("/healthz", "", 200), ("/readyz", "", (200, 503)), ("/nothing", BEARER, 404)]

    def __init__(self, server):
        self.server, self.over, self.asked, self.error = server, threading.Event(), 0, None
        self.thread = threading.Thread(target=self.watch)

    def connect(self, target, fields):
        s = socket.create_connection(("127.0.0.1", self.port), 30)
        s.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n".encode())
        return s

    def ask(self, target, fields, wanted):
        with self.connect(target, fields) as s:
            answer = b"".join(iter(lambda: s.recv(1 << 16), b""))
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
        if status not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            raise Failed(f"the admin listener answered {status} to {target}, {fields!r}: {answer[-300:]!r}")
        self.asked += 1

    def watch(self):
        streams = []
        try:
            streams.append(self.connect("/metrics", self.BEARER))       # it is never read
            while not self.over.is_set():
                streams.append(self.connect("/leat/events", self.BEARER))
                streams[-1].recv(100)
                if len(streams) > 3:
                    streams.pop(1).close()
                for asked in self.ASKED:
                    self.ask(*asked)
                self.over.wait(0.05)
        except (OSError, Failed) as error:
            if self.server.alive():
                self.error = error
        finally:
            for s in streams:
                s.close()

    def __enter__(self):
        self.port = int(re.search(r"live page on http://127.0.0.1:(\d+)/", self.server.output())[1])
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        if self.error and kind is None:
            raise Failed(f"watching: {self.error}")
