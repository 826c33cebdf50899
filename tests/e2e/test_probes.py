"""The probes (src/observe/probes.def): the programs have those that are documented, with the documented arguments, and the
scripts for bpftrace tell by them what a server does.

The scripts need a tracer, root and a kernel that lets it: where something of that is missing their tests are skipped, unless
NEED_TRACER is set (./dev probes)."""
import glob
import os
import re
import shutil
import signal
import subprocess

import pytest

from conftest import BUILD, ROOT, program, wait_until

ROW = re.compile(r'^PROBE_ROW\((\w+), "([^"]+)", "([^"]+)"\)$', re.MULTILINE)
NOTE = re.compile(r"Provider: (\S+)\s+Name: (\S+)\s+Location: \S+, Base: \S+, Semaphore: (\S+)\s+Arguments: (.*)")
WIDTHS = {"p": {"8", "-4"}, "s": {"8"}, "t": {"8"}, "i": {"4", "-4", "8", "-8", "2", "-2", "1", "-1"}}


def rows():
    with open(f"{ROOT}/src/observe/probes.def", encoding="utf-8") as file:
        return {name: (arguments.split(", "), when) for name, arguments, when in ROW.findall(file.read())}


def notes(path):
    told = subprocess.run(["readelf", "-nW", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [(provider, name, semaphore, arguments.split()) for provider, name, semaphore, arguments in NOTE.findall(told)]


def has_probes():
    with open(f"{BUILD}/CMakeCache.txt", encoding="utf-8") as file:
        is_on = "LEAT_PROBES:BOOL=OFF" not in file.read()
    return is_on and glob.glob("/usr/include/sys/sdt.h") + glob.glob("/usr/include/*/sys/sdt.h") != []


def objects():
    return [program("leat"), program("examples/hello")] + glob.glob(f"{BUILD}/libleat.so")


@pytest.mark.skipif(not has_probes(), reason="built without sys/sdt.h")
@pytest.mark.parametrize("path", objects(), ids=os.path.basename)
def test_the_programs_have_the_probes_that_are_documented(path):
    found = notes(path)
    assert {provider for provider, *_ in found} == {"leat"}
    assert {name for _, name, *_ in found} == set(rows())
    for _, name, semaphore, arguments in found:
        kinds = [argument.split()[0] for argument in rows()[name][0]]
        assert len(arguments) == len(kinds), name
        assert int(semaphore, 16) == 0, name
        for kind, argument in zip(kinds, arguments):
            width, where = argument.split("@", 1)
            assert width in WIDTHS[kind], f"{name}: {argument} for {kind}"
            assert kind != "p" or width == "8" or where in ("$0", "wzr", "0"), f"{name}: {argument}"


def test_the_guide_has_the_same_table():
    with open(f"{ROOT}/doc/PROFILING.md", encoding="utf-8") as file:
        table = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", file.read(), re.MULTILINE)
    assert table == [(name, ", ".join(f"{a}" for a in arguments), when) for name, (arguments, when) in rows().items()]


def test_the_scripts_use_probes_that_there_are():
    for script in glob.glob(f"{ROOT}/packaging/bpftrace/*.bt"):
        with open(script, encoding="utf-8") as file:
            text = file.read()
        used = re.findall(r"^usdt:\*:leat:(\w+)", text, re.MULTILINE)
        assert used and set(used) <= set(rows()), script


# ── With a tracer ──

def why_no_tracer():
    if shutil.which("bpftrace") is None:
        return "no bpftrace"
    if os.geteuid() != 0:
        return "tracing takes root"
    tried = subprocess.run(["bpftrace", "-e", 'BEGIN { printf("it %s", "works"); exit(); }'],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return None if "it works" in tried.stdout else f"this kernel lets no tracer in: {tried.stderr[-300:]}"


@pytest.fixture(scope="module")
def tracer():
    why = why_no_tracer() or (None if has_probes() else "built without sys/sdt.h")
    if why and os.environ.get("NEED_TRACER"):
        pytest.fail(why)
    if why:
        pytest.skip(why)


class Trace:
    """bpftrace with a script, on a server. Its last probe is attached last: when that speaks, all do."""

    def __init__(self, server, script, *arguments, log):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                ["bpftrace", "-B", "line", "-p", str(server.process.pid), f"{ROOT}/packaging/bpftrace/{script}", *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def until(self, pattern, act):
        def is_told():
            assert self.process.poll() is None, self.output()
            act()
            return re.search(pattern, self.output(), re.MULTILINE)
        wait_until(pattern, is_told)

    def finish(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return self.output()


def has(pattern, text):
    assert re.search(pattern, text, re.MULTILINE), f"no {pattern} in\n{text}"


def naps(text, key):
    """How many there are in key's histogram, none of which took less than 16.384 ms: a sleep is never early."""
    rows = re.search(rf"^{key}: ?\n((?:\[.*\n)+)", text, re.MULTILINE)
    assert rows and re.match(r"\[(16|32|64|128|256|512)K, ", rows[1]), text
    return sum(int(count) for count in re.findall(r"\) +(\d+) \|", rows[1]))


def test_latency_is_told_by_route(tracer, start, tmp_path):
    server = start("tests/apps/waiting", "--shards", "1")
    with Trace(server, "leat-latency.bt", "10", log=tmp_path / "trace") as trace, server.connect() as client:
        trace.until(r"^\d+ ms: /nap by route /nap, status 200$", lambda: client.get("/nap?ms=20"))
        for _ in range(20):
            assert client.get("/").status == 200
        assert client.get("/missing").status == 404
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        for _ in range(5):
            client.response("GET")
        text = trace.finish()
    has(r"^@request_us\[/\]: ?$", text)
    assert naps(text, r"@request_us\[/nap\]") > 0
    has(r"^@running_us\[/\]: count 25, average \d+, total \d+$", text)
    has(r"^@statuses\[/, 200\]: 25$", text)
    has(r"^@statuses\[, 404\]: 1$", text)
    has(r"^@slowest_us\[, /missing\]: \d+$", text)
    has(r"^@send_us: ?$", text)


def test_waits_and_refusals_are_told(tracer, start, tmp_path):
    server = start("tests/apps/waiting", "--shards", "1", "--exchanges", "8")
    with Trace(server, "leat-waits.bt", log=tmp_path / "trace") as trace:
        holding = [server.connect() for _ in range(8)]
        for client in holding:
            client.send("GET / HTTP/1.1\r\n")

        def one_too_many():
            with server.connect() as ninth:
                assert ninth.get("/").status in (200, 503)
        trace.until(r"refused: pool exchange is empty$", one_too_many)
        for client in holding:
            client.send("Host: a\r\n\r\n")
            assert client.response("GET").status == 200
        for _ in range(3):
            assert client.get("/nap?ms=20").status == 200
        assert client.get("/yield").status == 200
        client.send("POST /receive HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        client.send("abcd")
        client.response("POST")
        holding[0].send("GET /nap?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.get("/nap?ms=20").status == 200
        text = trace.finish()
        for client in holding:
            client.socket.close()
    assert naps(text, r"@waited_us\[/nap, time\]") == 4
    has(r"^@waited_us\[/yield, turn\]: ?$", text)
    has(r"^@waiting_now\[time\]: [12]$", text)     # the program has a ticking task too
    has(r"^@waiting_now\[content\]: 0$", text)
    has(r"^@ended_by\[time, 62\]: [1-9]", text)
    has(r"^@refused\[exchange\]: [1-9]", text)
    has(r"^@turn_us: ?$", text)
    has(r"^@ran_us\[/nap\]: ?$", text)
