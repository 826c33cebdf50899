"""Compression both ways, against tests/apps/compress.c: what comes out is what went in, for every coding and size; what is
negotiated; what is left alone; and what bombs do."""
import http.client
import os
import signal
import struct
import subprocess
import zlib

import pytest

from conftest import BUILD, PATIENCE_S, program

APP = "tests/apps/compress"
CODINGS = ("gzip", "br", "zstd")
DECODE = {"br": ("brotli", "-dc"), "zstd": ("zstd", "-dcq")}
ENCODE = {"br": ("brotli", "-c", "-q", "4"), "zstd": ("zstd", "-cq")}
TEXT = b""


def words(size):
    """The same text as the program's."""
    global TEXT
    if not TEXT:
        out, seed = bytearray(), 7
        table = [b"water ", b"channel ", b"leat ", b"<p>", b"field\n", b"\"name\": ", b"42, "]
        while len(out) < 600000:
            seed = (seed * 1664525 + 1013904223) & 0xffffffff
            if seed & 0x10000:
                out.append(ord("a") + (seed >> 20) % 26)
            out += table[(seed >> 24) % 7]
        TEXT = bytes(out)
    assert size <= 600000
    return TEXT[:size]


def random_octets(size):
    seed, out = 1, bytearray()
    for _ in range(size):
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        out.append(seed >> 24)
    return bytes(out)


def decode(coding, octets):
    if coding is None:
        return octets
    if coding == "gzip":
        d = zlib.decompressobj(31)
        content = d.decompress(octets)
        assert d.eof and not d.unused_data
        return content
    return subprocess.run(DECODE[coding], input=octets, stdout=subprocess.PIPE, check=True).stdout


def encode(coding, octets):
    if coding == "gzip":
        c = zlib.compressobj(6, zlib.DEFLATED, 31)
        return c.compress(octets) + c.flush()
    return subprocess.run(ENCODE[coding], input=octets, stdout=subprocess.PIPE, check=True).stdout


class Answer:
    def __init__(self, response):
        self.status, self.raw, self.response = response.status, response.read(), response
        self.coding = response.getheader("Content-Encoding")

    def __getitem__(self, name):
        return self.response.getheader(name)

    @property
    def content(self):
        return decode(self.coding, self.raw)


class Browser:
    def __init__(self, server):
        self.connection = http.client.HTTPConnection(*server.addresses[0], timeout=PATIENCE_S)

    def ask(self, target, accept=None, method="GET", content=None, **fields):
        c = self.connection
        c.putrequest(method, target, skip_accept_encoding=True)
        for line in [accept] if isinstance(accept, str) else accept or []:
            c.putheader("Accept-Encoding", line)
        for name, value in fields.items():
            c.putheader(name.replace("_", "-"), value)
        if content is not None and "Transfer_Encoding" not in fields:
            c.putheader("Content-Length", str(len(content)))
        c.endheaders()
        if content is not None and "Transfer_Encoding" in fields:
            for at in range(0, len(content), 1000):
                piece = content[at:at + 1000]
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            c.send(b"0\r\n\r\n")
        elif content is not None:
            try:
                c.send(content)
            except (BrokenPipeError, ConnectionResetError):
                pass    # refused before all of it was sent: the answer is there
        response = c.getresponse()
        answer = Answer(response)
        if response.will_close:
            c.close()
        return answer

    def post(self, target, coding, content, **fields):
        return self.ask(target, method="POST", content=content, Content_Encoding=coding, **fields)

    def counters(self):
        return [int(n) for n in self.ask("/counters").raw.split()]


@pytest.fixture
def browser(start):
    return Browser(start(APP, "--shards", "1"))


def memory_of(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


SIZES = [*range(0, 12), 63, 64, 65, 511, 1023, 1024, 1025, 2000, 4090, 4096, 4097, 8191, 12287, 12289, 16384, 32767, 32768,
         32769, 40000, 65471, 65472, 65535, 65536, 65537, 98304, 99999, 100000]

# ── Responses ──


@pytest.mark.parametrize("coding", CODINGS)
def test_whole_responses_come_back_as_they_were(browser, coding):
    for size in SIZES:
        for target in ("/whole", "/borrowed"):
            answer = browser.ask(f"{target}?n={size}", coding)
            assert answer.content == words(size), (target, size)
            assert answer.coding == (coding if size >= 1024 else None), (target, size)
            assert answer["Content-Length"] == str(len(answer.raw))
            assert answer["Vary"] == "Accept-Encoding"
            if answer.coding:
                assert len(answer.raw) < size
    done, no_context, no_gain, high, size = browser.counters()
    assert done == 2 * sum(size >= 1024 for size in SIZES) and no_context == no_gain == 0
    assert high < size


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("flush", (0, 1))
def test_streams_come_back_as_they_were(browser, coding, flush):
    for size in SIZES:
        if flush and size > 20000:
            continue
        answer = browser.ask(f"/stream?n={size}&flush={flush}", coding)
        assert (answer.coding, answer.content) == (coding, words(size)), size
        assert answer["Transfer-Encoding"] == "chunked" and answer["Content-Length"] is None
    for step in (1, 30000, 500000):
        answer = browser.ask(f"/stream?n={20000 if step == 1 else 500000}&step={step}&flush={flush}", coding)
        assert answer.content == words(20000 if step == 1 else 500000), step
    done, no_context, no_gain, high, size = browser.counters()
    assert done > 0 and no_context == no_gain == 0
    assert high < size


@pytest.mark.parametrize("coding", CODINGS)
def test_a_large_whole_response_stays_whole(browser, coding):
    answer = browser.ask("/borrowed?n=600000", coding)
    assert answer.content == words(600000) and answer.coding == coding
    assert answer["Content-Length"] == str(len(answer.raw))


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("level", ("1", "9"))
def test_levels(start, coding, level):
    browser = Browser(start(APP, "--shards", "1", env={**os.environ, "LEVEL": level, "ONLY": coding}))
    for target in ("/whole?n=90000", "/borrowed?n=600000", "/stream?n=600000", "/stream?n=20000&flush=1"):
        answer = browser.ask(target, "gzip, br, zstd")
        assert answer.coding == coding and answer.content == words(len(answer.content)), target
    _, _, _, high, size = browser.counters()
    assert high < size


def test_what_does_not_get_smaller_is_left_alone(browser):
    for coding in CODINGS:
        answer = browser.ask("/random?n=30000", coding)
        assert answer.coding is None and answer.raw == random_octets(30000)
    assert browser.counters()[2] == 3
    answer = browser.ask("/random?n=30000", "identity;q=0, gzip")
    assert answer.coding == "gzip" and answer.content == random_octets(30000)


NEGOTIATED = [
    (None, None), ("", None), ("gzip", "gzip"), ("GZip", "gzip"), ("x-gzip", "gzip"), ("br", "br"), ("zstd", "zstd"),
    ("gzip, br", "br"), ("gzip, br, zstd", "zstd"), ("br,gzip", "br"), ("gzip,,br ,", "br"), ("deflate", None),
    ("deflate, gzip", "gzip"), ("compress, identity", None), ("identity", None), ("*", "zstd"), ("*;q=0", None),
    ("gzip;q=0", None), ("gzip;q=0, *", "zstd"), ("zstd;q=0, *", "br"), ("gzip, *;q=0", "gzip"),
    ("identity;q=0", None), ("identity;q=0, gzip", "gzip"), ("identity;q=0, *;q=0.1", "zstd"), ("gzip;q=1.0, br;q=0.5", "gzip"),
    ("gzip;q=0.5, br;q=0.5", "br"), ("gzip;q=0.501, br;q=0.5", "gzip"), ("gzip;q=0.001", "gzip"), ("gzip;q=0.000", None),
    ("gzip;q=0.5, identity", None), ("gzip;q=0.5, identity;q=0.5", "gzip"), ("gzip;q=0.5, identity;q=0.4", "gzip"),
    ("gzip; q=0.5 , br ; q=0.2", "gzip"), ("gzip;Q=0", None), ("gzip;q=2", None), ("gzip;q=1.5", None), ("gzip;q=", None),
    ("gzip;q=abc", None), ("gzip;q=0.1234", None), ("gzip;q=-1, br", "br"), ("gzip;q=1.", "gzip"), ("gzip;q=0.", None),
    ("gzip;level=9", "gzip"), ("gzip;level=9;q=0", None), (["gzip;q=0.5", "br"], "br"), (["gzip", "gzip;q=0"], None),
    ("gzipp", None), ("gzi", None), ("g zip", None), (";q=1", None), ("*;q=0.3, zstd;q=0.2, br;q=0.1", "gzip"),
    (", ".join(f"x{i};q=0.{i % 10}" for i in range(500)) + ", br;q=0.7", "br"),
]


def test_what_is_negotiated(browser):
    for accept, coding in NEGOTIATED:
        for target in ("/whole?n=5000", "/stream?n=5000"):
            answer = browser.ask(target, accept)
            assert answer.coding == coding, (accept, target)
            assert answer.content == words(5000) and answer["Vary"] == "Accept-Encoding"


def test_a_client_that_refuses_plain_contents_gets_small_ones_coded(browser):
    for accept in ("identity;q=0, gzip", "*;q=0, gzip"):
        answer = browser.ask("/whole?n=5", accept)
        assert answer.coding == "gzip" and answer.content == words(5)
    assert browser.ask("/whole?n=5", "gzip").coding is None


def test_only_what_is_preferred_is_used(start):
    browser = Browser(start(APP, "--shards", "1", env={**os.environ, "ONLY": "gzip"}))
    assert browser.ask("/whole", "gzip, br, zstd").coding == "gzip"
    assert browser.ask("/whole", "br, zstd").coding is None
    assert browser.ask("/whole", "*").coding == "gzip"


def test_wrong_options_are_told(run):
    for name, value, said in (("ONLY", "lzma", "the codings are"), ("LEVEL", "99", "a level is")):
        done = run(APP, "--listen", "127.0.0.1:0", env={**os.environ, name: value})
        assert done.returncode == 70 and said in done.stderr, done.stderr


TYPES = [
    ("text/html", True), ("text/html; charset=utf-8", True), ("TEXT/PLAIN", True), ("application/json", True),
    ("application/problem%2Bjson", True), ("image/svg%2Bxml", True), ("application/wasm", True), ("font/ttf", True),
    ("text/event-stream", True), ("application/javascript", True), ("application/octet-stream", True),
    ("image/png", False), ("image/jpeg", False), ("IMAGE/WEBP", False), ("image/avif", False), ("video/mp4", False),
    ("audio/ogg", False), ("font/woff", False), ("font/woff2", False), ("application/zip", False), ("application/gzip", False),
    ("application/epub%2Bzip", False), ("application/zstd", False), ("application/x-7z-compressed", False),
    ("application/pdf", False), ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", False),
]


def test_media_types(browser):
    for media_type, is_coded in TYPES:
        for target in ("/whole", "/stream"):
            answer = browser.ask(f"{target}?type={media_type.replace(' ', '%20')}", "gzip")
            assert (answer.coding == "gzip") == is_coded, (target, media_type)
            assert (answer["Vary"] is not None) == is_coded
            assert answer.content == words(5000)


def test_what_is_left_alone(browser):
    for query in ("ce=gzip", "ce=br", "cc=no-transform", "cc=public,%20No-Transform", "cr=bytes%200-4999/9999",
                  "cd=sha-256=:AA==:"):
        for target in ("/whole", "/stream"):
            answer = browser.ask(f"{target}?{query}", "gzip")
            assert answer.raw == words(5000), (target, query)
            assert answer["Vary"] is None
    for status in (206,):
        assert browser.ask(f"/whole?status={status}", "gzip").raw == words(5000)
    assert browser.ask("/whole?status=204", "gzip").raw == b""
    for status in (201, 404, 500):
        answer = browser.ask(f"/whole?status={status}", "gzip")
        assert (answer.status, answer.coding, answer.content) == (status, "gzip", words(5000))


def test_fields_that_go_with_it(browser):
    for target in ("/whole", "/stream"):
        answer = browser.ask(f"{target}?etag=%22abc%22&ar=bytes&vary=Origin", "br")
        assert answer["ETag"] == 'W/"abc"' and answer["Accept-Ranges"] == "none"
        assert answer["Vary"] == "Origin, Accept-Encoding"
        answer = browser.ask(f"{target}?etag=W/%22abc%22&vary=accept-encoding", "br")
        assert answer["ETag"] == 'W/"abc"' and answer["Vary"] == "accept-encoding"
        assert browser.ask(f"{target}?vary=*", "br")["Vary"] == "*"
        answer = browser.ask(f"{target}?etag=%22abc%22&ar=bytes")
        assert answer["ETag"] == '"abc"' and answer["Accept-Ranges"] == "bytes"


def test_head_gets_the_fields_of_get(browser):
    for target in ("/whole?n=5000&etag=%22e%22", "/whole?n=10", "/stream?n=5000", "/stream?n=5000&sized=1",
                   "/whole?type=image/png"):
        for accept in ("gzip", None):
            fields = {}
            for method in ("GET", "HEAD"):
                answer = browser.ask(target, accept, method=method)
                fields[method] = sorted(line for line in answer.response.getheaders()
                                        if line[0] not in ("Date", "Transfer-Encoding"))
                assert method == "GET" or answer.raw == b""
            assert fields["GET"] == fields["HEAD"], (target, accept)


def test_a_sized_stream_loses_its_size(browser):
    answer = browser.ask("/stream?n=5000&sized=1", "zstd")
    assert answer["Content-Length"] is None and answer.content == words(5000)
    answer = browser.ask("/stream?n=5000&sized=1")
    assert answer["Content-Length"] == "5000" and answer.raw == words(5000)


def test_a_sized_stream_that_ends_while_the_server_drains_ends_its_connection(start):
    server = start(APP, "--shards", "1", "--drain-timeout", "1h")
    client = server.connect()
    client.send("GET /stream?n=5000&step=5000&sized=1&ms=300 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.response().content == words(5000)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_conditional_requests(browser):
    first = browser.ask("/conditional", "gzip")
    assert first.coding == "gzip" and first["ETag"] == 'W/"strong"'
    again = browser.ask("/conditional", "gzip", If_None_Match=first["ETag"])
    assert (again.status, again.raw, again["ETag"], again["Vary"]) == (304, b"", 'W/"strong"', "Accept-Encoding")
    plain = browser.ask("/conditional", If_None_Match=first["ETag"])
    assert (plain.status, plain["ETag"]) == (304, '"strong"')


def test_events_come_when_they_are_flushed(start):
    server = start(APP, "--shards", "1")
    for coding in CODINGS:
        browser = Browser(server)
        c = browser.connection
        c.putrequest("GET", "/events", skip_accept_encoding=True)
        c.putheader("Accept-Encoding", coding)
        c.endheaders()
        response = c.getresponse()
        assert response.getheader("Content-Encoding") == coding
        first = response.read1(65536)       # nothing more comes before it has
        while Browser(server).ask("/go").raw != b"0\n":
            pass
        content = decode(coding, first + response.read())
        assert content == b"data: first\n\ndata: second\n\n"
        if coding == "gzip":
            assert zlib.decompressobj(31).decompress(first) == b"data: first\n\n"


def test_an_empty_pool_only_means_no_compression(start):
    server = start(APP, "--shards", "1", env={**os.environ, "CONTEXTS": "1"})
    held = Browser(server)
    held.connection.putrequest("GET", "/events", skip_accept_encoding=True)
    held.connection.putheader("Accept-Encoding", "br")
    held.connection.endheaders()
    response = held.connection.getresponse()
    assert response.getheader("Content-Encoding") == "br"
    other = Browser(server)
    for target in ("/whole", "/stream"):
        answer = other.ask(target, "gzip")
        assert (answer.status, answer.coding, answer.raw) == (200, None, words(5000))
        assert answer["Vary"] == "Accept-Encoding"
    assert other.counters()[1] == 2
    while Browser(server).ask("/go").raw != b"0\n":
        pass
    assert decode("br", response.read()) == b"data: first\n\ndata: second\n\n"
    assert other.ask("/whole", "gzip").coding == "gzip"


def test_a_client_that_goes_gives_its_context_back(start):
    server = start(APP, "--shards", "1", env={**os.environ, "CONTEXTS": "1"})
    for _ in range(5):
        client = server.connect()
        client.send("GET /stream?n=2000000&ms=1 HTTP/1.1\r\nHost: x\r\nAccept-Encoding: zstd\r\n\r\n")
        client.take(20)
        client.socket.close()
        browser = Browser(server)
        while browser.ask("/whole", "gzip").coding != "gzip":
            pass


def test_files_are_compressed_from_memory(start, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "page.html").write_bytes(words(20000))
    browser = Browser(start(APP, "--shards", "1", env={**os.environ, "FOLDER": str(folder)}))
    for _ in range(3):
        answer = browser.ask("/files/page.html", "gzip")
        assert answer.content == words(20000)
    if answer.coding == "gzip":
        assert answer["ETag"].startswith("W/") and answer["Accept-Ranges"] == "none"
        assert browser.ask("/files/page.html", "gzip", If_None_Match=answer["ETag"]).status == 304
    part = browser.ask("/files/page.html", "gzip", Range="bytes=10-19")
    assert (part.status, part.raw) == (206, words(20)[10:])


ALLOCATOR_CALLS = 10      # they come first in tests/seal/counters.h


def test_nothing_allocates(start, tmp_path):
    """What the codings allocate comes from their contexts: the C library's allocator is not called."""
    if "san" in BUILD:
        pytest.skip("a sanitizer has an allocator of its own")
    calls = tmp_path / "calls"
    calls.write_bytes(bytes(4096))
    server = start(APP, "--shards", "1", env={**os.environ, "LEAT_SEAL_COUNTERS": str(calls),
                                              "LD_PRELOAD": os.path.abspath(program("tests/seal/interpose.so"))})
    browser = Browser(server)

    def allocator_calls():
        return sum(struct.unpack(f"{ALLOCATOR_CALLS}Q", calls.read_bytes()[:8 * ALLOCATOR_CALLS]))

    before = allocator_calls()
    assert before > 0
    for coding in CODINGS:
        for target in ("/whole?n=60000", "/borrowed?n=500000", "/stream?n=500000", "/stream?n=20000&flush=1"):
            assert browser.ask(target, coding).coding == coding
        for target in ("/echo", "/measure"):
            assert browser.post(target, coding, encode(coding, words(300000))).status == 200
            assert browser.post(target, coding, b"broken").status == 400
    assert allocator_calls() == before


# ── Requests ──


@pytest.mark.parametrize("coding", CODINGS)
def test_requests_are_read_decoded(browser, coding):
    for size in SIZES:
        for target in ("/echo", "/measure"):
            for fields in ({}, {"Transfer_Encoding": "chunked"}):
                answer = browser.post(target, coding, encode(coding, words(size)), **fields)
                if target == "/echo":
                    assert (answer.status, answer.raw) == (200, words(size)), (size, fields)
                else:
                    total = 0
                    for octet in words(size):
                        total = (total * 31 + octet) & 0xffffffff
                    assert answer.raw == f"{size} {total}\n".encode(), (size, fields)


def test_plain_requests_pass(browser):
    for coding in ("identity", "Identity", ""):
        assert browser.post("/echo", coding, b"plain").raw == b"plain"
    assert browser.ask("/echo", method="POST", content=b"plain").raw == b"plain"
    assert browser.post("/echo", "gzip", b"").status == 200
    assert browser.post("/echo", "X-GZIP", encode("gzip", b"alias")).raw == b"alias"


def test_members_and_frames_may_follow_each_other(browser):
    for coding in ("gzip", "zstd"):
        content = encode(coding, b"one, ") + encode(coding, b"two")
        assert browser.post("/echo", coding, content).raw == b"one, two"
    assert browser.post("/echo", "br", encode("br", b"one") + encode("br", b"two")).status == 400


def test_unknown_codings(browser):
    for coding in ("deflate", "compress", "gzip, br", "br, br", "exi", "gzip;q=1", "*"):
        answer = browser.post("/echo", coding, b"x" * 10)
        assert answer.status == 415, coding
        assert answer["Accept-Encoding"] == "zstd, br, gzip"


@pytest.mark.parametrize("coding", CODINGS)
def test_broken_contents(browser, coding):
    well = encode(coding, words(20000))
    broken = [b"not at all", well[:-1], well[:len(well) // 2], well[:3], well + b"behind", b"\x00" * 50]
    if coding != "br":      # no checksum to find it by
        middle = len(well) // 2
        broken.append(well[:middle] + bytes([well[middle] ^ 0xff]) + well[middle + 1:])
    for target in ("/echo", "/measure"):
        for content in broken:
            answer = browser.ask(target, "gzip", method="POST", content=content, Content_Encoding=coding)
            assert answer.status == 400 and answer.coding is None, (target, content[:20])
            assert answer["Content-Type"] == "application/problem+json"
    assert browser.post("/echo", coding, well).raw == words(20000)


@pytest.mark.parametrize("coding", CODINGS)
def test_limits_count_what_is_made(browser, coding):
    for target in ("/limited/echo", "/limited/measure"):
        assert browser.post(target, coding, encode(coding, words(10000))).status == 200
        assert browser.post(target, coding, encode(coding, words(10001))).status == 413
        assert browser.post(target, coding, encode(coding, words(300000))).status == 413


def bomb(coding, size):
    if coding == "gzip":
        c = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join(c.compress(bytes(1 << 20)) for _ in range(size >> 20)) + c.flush()
    head = subprocess.Popen(("head", "-c", str(size), "/dev/zero"), stdout=subprocess.PIPE)
    made = subprocess.run(ENCODE[coding], stdin=head.stdout, stdout=subprocess.PIPE, check=True).stdout
    head.stdout.close()
    head.wait()
    return made


@pytest.mark.parametrize("coding", CODINGS)
def test_bombs(start, coding):
    server = start(APP, "--shards", "1")
    browser = Browser(server)
    content = bomb(coding, 256 << 20)
    assert len(content) < 1 << 20
    for target in ("/echo", "/measure", "/limited/echo", "/limited/measure"):
        assert browser.post(target, coding, content).status == 413, target
    before = memory_of(server)
    for _ in range(5):
        for target in ("/echo", "/measure"):
            assert browser.post(target, coding, content).status == 413, target
            assert browser.post(target, coding, content, Transfer_Encoding="chunked").status == 413, target
    assert memory_of(server) - before < 8 << 20
    assert browser.post("/echo", coding, encode(coding, b"alive")).raw == b"alive"


def test_a_window_that_is_too_large(browser):
    content = subprocess.run(("zstd", "-cq", "--long=24"), input=words(300000), stdout=subprocess.PIPE, check=True).stdout
    assert browser.post("/measure", "zstd", content).status == 413


def test_contexts_for_requests_are_counted(start):
    server = start(APP, "--shards", "1")
    held = []
    content = encode("gzip", words(5000))
    for _ in range(2):
        client = server.connect()
        client.send(f"POST /measure HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(content)}\r\n"
                    "Expect: 100-continue\r\n\r\n")
        while b"100 Continue" not in client.pending:
            assert client.more()
        held.append(client)
    browser = Browser(server)
    answer = browser.post("/echo", "gzip", content)
    assert answer.status == 503 and answer["Retry-After"]
    for client in held:
        client.send(content)
        assert client.response().content.startswith(b"5000 ")
    assert Browser(server).post("/echo", "gzip", content).raw == words(5000)
