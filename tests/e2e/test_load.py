"""leat load on both loops, against servers of Leat's: its figures agree with the server's own, every form of output is whole, and
mistakes are one line."""
import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import PATIENCE_S, program, wait_until

ANSWERED = "leat_http_requests_answered_total"
QUICK = ("--warm-up", "50ms", "--duration", "300ms", "--active", "8")


@pytest.fixture
def load(loop, run):
    def load_it(*arguments, status=0, **options):
        done = run("leat", "load", *arguments, "--loop", loop, **options)
        assert done.returncode == status, done
        return done
    return load_it


@pytest.fixture
def told(load):
    def load_and_tell(*arguments, **options):
        return json.loads(load(*arguments, "--json", "--quiet", **options).stdout)
    return load_and_tell


def counter(server, name):
    """A counter of the server's own, summed over its labels."""
    admin = re.search(r"live page on (http://[^/]*)/leat/", server.output())[1]
    with urllib.request.urlopen(f"{admin}/metrics", timeout=PATIENCE_S) as answer:
        rows = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", answer.read().decode(), re.M)
    assert rows, name
    return sum(float(row) for row in rows)


def has_counted(server, least):
    """A server counts an answer when it is sent: that may be a moment after it came."""
    wait_until(f"the server has counted {least} answers", lambda: counter(server, ANSWERED) >= least)


# ── Figures ──


def check_histogram(h):
    assert sum(count for _, count in h["buckets"]) == h["count"] > 0
    assert [bound for bound, _ in h["buckets"]] == sorted(bound for bound, _ in h["buckets"])
    rising = [h[name] for name in ("p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "p9999_s", "max_s")]
    assert rising == sorted(rising) and rising[0] > 0
    assert h["buckets"][0][0] * 0.9 <= h["mean_s"] <= h["max_s"] * 1.04


def test_the_servers_own_count_agrees(start, told, loop):
    server = start("examples/hello", "--shards", "1", "--admin", "127.0.0.1:0")
    before = counter(server, ANSWERED)
    t = told(server.url, "--count", "1000", "--warm-up", "0", "--active", "4")
    active = t["active"]
    has_counted(server, before + active["answers"])
    assert counter(server, ANSWERED) - before <= active["requests"] + 8     # the first answer is asked for before, uncounted
    assert active["answers"] >= 1000 and active["errors"]["all"] == 0 and t["first_error"] is None
    assert active["requests"] >= active["answers"]
    assert t["requests"][0]["name"] == "GET /" and t["requests"][0]["answers"] == active["answers"]
    assert active["latency"]["count"] == active["answers"]
    check_histogram(active["latency"])
    check_histogram(active["service"])
    assert {"epoll": "epoll", "uring": "io_uring"}[loop] == t["ran"]["loop"]


def test_no_more_is_counted_than_was_served(start, told):
    server = start("examples/hello", "--shards", "1", "--admin", "127.0.0.1:0")
    t = told(server.url, *QUICK, "--warm-up", "0")
    has_counted(server, t["active"]["answers"])
    assert t["active"]["answers"] == pytest.approx(t["active"]["answers_per_second"] * t["measured_s"], rel=1e-6)
    assert t["active"]["received_bytes"] > 100 * t["active"]["answers"]


def test_the_shape_is_that_of_the_document(start, told):
    t = told(start("examples/hello", "--shards", "1").url, *QUICK)
    with open(os.path.join(os.path.dirname(__file__), "../../doc/LOAD.md"), encoding="utf-8") as f:
        document = f.read()

    def names(value, path=""):
        if isinstance(value, dict):
            for name, inner in value.items():
                yield name
                yield from names(inner)
        elif isinstance(value, list) and value:
            yield from names(value[0])
    missing = {name for name in names(t) if f"`{name}`" not in document and f'"{name}"' not in document}
    assert not missing
    assert t["leat"] and t["shape"] == 1 and t["server"] is None and t["idle"]["answers"] == 0


def test_an_open_loop_keeps_its_rate(start, told):
    t = told(start("examples/hello", "--shards", "1").url, "--rate", "500/s", "--arrivals", "poisson", "--warm-up", "0",
             "--duration", "2s", "--active", "16")
    assert t["options"]["arrivals"] == "poisson" and t["options"]["rate"] == 500
    sent = t["active"]["answers"] + t["own"]["missed"]
    assert 700 <= sent <= 1300      # 1000, by chance: 9 deviations on either side
    assert t["own"]["lateness"]["count"] > 0


def test_short_connections_are_opened_anew(start, told):
    server = start("examples/hello", "--shards", "1", "--admin", "127.0.0.1:0")
    t = told(server.url, "--requests-per-connection", "1", "--count", "100", "--warm-up", "0", "--active", "4")
    assert t["active"]["errors"]["all"] == 0
    assert t["active"]["opened"] >= t["active"]["answers"] >= 100
    check_histogram(t["active"]["connect"])


def test_a_mix_by_weight(start, told, tmp_path):
    server = start("examples/tour", "--shards", "1")
    (tmp_path / "visitors.mix").write_text("GET /\n  weight 9\nGET /none\n  weight 1\n  status 404\n")
    t = told(server.url, "--mix", str(tmp_path / "visitors.mix"), "--count", "2000", "--warm-up", "0", "--active", "4")
    home, none = t["requests"]
    assert (home["name"], none["name"]) == ("GET /", "GET /none") and home["errors"] == none["errors"] == 0
    assert home["answers"] + none["answers"] == t["active"]["answers"]
    assert 0.04 < none["answers"] / t["active"]["answers"] < 0.16


def test_quiet_connections_are_held_and_woken(start, told):
    server = start("examples/hello", "--shards", "1", "--connections", "2000")
    t = told(server.url, *QUICK, "--duration", "1s", "--idle", "300", "--idle-rate", "100")
    assert t["idle"]["connections"] == 300 and t["idle"]["errors"]["all"] == 0
    assert t["idle"]["answers"] > 0
    check_histogram(t["idle"]["latency"])


def test_the_servers_process(start, told):
    server = start("examples/hello", "--shards", "1")
    t = told(server.url, *QUICK, "--duration", "1s", "--pid", str(server.process.pid))
    s = t["server"]
    assert 0 < s["cpu_s"] < 60 and s["cpu_per_answer_s"] == pytest.approx(s["cpu_s"] / t["active"]["answers"])
    assert 1 << 20 < s["resident_bytes"] <= s["peak_bytes"] < 1 << 33
    assert s["threads"] >= 1 and s["switches"] >= s["switches_forced"]


def test_wrk_counts_as_we_do(start, told):
    """Both count answers of the same server; of what the server counted neither tells more."""
    if not shutil.which("wrk"):
        pytest.skip("there is no wrk")
    server = start("examples/hello", "--shards", "1", "--admin", "127.0.0.1:0")
    said = subprocess.run(["wrk", "-d", "1", "-c", "4", "-t", "1", server.url], capture_output=True, text=True, check=True).stdout
    by_wrk = int(re.search(r"(\d+) requests in", said)[1])
    assert by_wrk > 0
    has_counted(server, by_wrk)
    served = counter(server, ANSWERED)
    t = told(server.url, "--duration", "1s", "--warm-up", "0", "--active", "4")
    assert t["active"]["answers"] > 0
    has_counted(server, served + t["active"]["answers"])


# ── What is wrong ──


class Planted:
    """A server that answers each request with the next of some octets, over and over."""

    def __init__(self, *answers):
        self.answers, self.socket, self.count = answers, socket.create_server(("127.0.0.1", 0)), 0
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        pending = b""
        with connection, contextlib.suppress(ConnectionError):
            while piece := connection.recv(1 << 16):
                pending += piece
                while b"\r\n\r\n" in pending:
                    pending = pending.split(b"\r\n\r\n", 1)[1]
                    answer = self.answers[self.count % len(self.answers)]
                    self.count += 1
                    if answer is None:
                        return
                    connection.sendall(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def answer(content, status="200 OK"):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(content), content)


@pytest.mark.parametrize("answers, kind, words", [
    ((answer(b"a"), answer(b"b")), "content", ""),
    ((answer(b"a"), answer(b"a", "500 Broken")), "status", "500"),
    ((answer(b"a"), None), "closed", ""),
    ((answer(b"a"), b"220 mail\r\n\r\n"), "syntax", ""),
])
def test_wrong_answers_are_told_by_kind(told, answers, kind, words):
    with Planted(*answers) as server:
        t = told(server.url, "--count", "20", "--active", "1", "--warm-up", "0", "--duration", "5s", status=1)
    assert t["active"]["errors"][kind] > 0 and words in t["first_error"]
    assert t["active"]["errors"]["all"] == sum(n for name, n in t["active"]["errors"].items() if name != "all")


def test_what_is_verified_can_be_less(told):
    with Planted(answer(b"a"), answer(b"b")) as server:
        t = told(server.url, "--count", "20", "--active", "1", "--warm-up", "0", "--verify", "length")
    assert t["active"]["answers"] >= 20


def test_content_is_sent_and_expected(start, load, told, tmp_path):
    (tmp_path / "right").write_text("")
    (tmp_path / "wrong").write_text("another")
    server = start("examples/hello", "--shards", "1")
    (tmp_path / "right").write_bytes(server.curl())
    quick = ("--count", "10", "--active", "1", "--warm-up", "0")
    assert told(server.url, *quick, "--expect", str(tmp_path / "right"))["active"]["errors"]["all"] == 0
    t = told(server.url, *quick, "--expect", str(tmp_path / "wrong"), status=1)
    assert t["active"]["errors"]["content"] >= 10 and t["active"]["answers"] == 0 and t["warnings"]


def one_line(done, *words):
    assert done.stdout == "" and done.stderr.startswith("leat: load: ") and done.stderr.count("\n") == 1, done
    for word in words:
        assert word in done.stderr


def test_mistakes_are_one_line(load, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))       # and does not listen
        one_line(load(f"http://127.0.0.1:{nobody.getsockname()[1]}/", status=69), "Connection refused")
    one_line(load("http://name.invalid/", status=69), "name.invalid")
    one_line(load(f"unix:{tmp_path}/none", status=69), "No such file")
    one_line(load("http://127.0.0.1:1", "--mix", str(tmp_path / "none"), status=78), "No such file")
    (tmp_path / "a.mix").write_text("GET /\n  wait 5\n")
    one_line(load("http://127.0.0.1:1", "--mix", str(tmp_path / "a.mix"), status=78), "a.mix:2: wait")
    for arguments, word in (
            ((), "Write its URL"), (("https://localhost",), "TLS"), (("a", "b"), "one URL"), (("--nonsense",), "leat help load"),
            (("--activ", "5"), "did you mean --active?"), (("--active",), "--active"), (("--json=yes",), "takes no value"),
            (("http://127.0.0.1:1", "--report", "a.txt"), ".html, .svg or .png"), (("--report",), "--report FILE"),
            (("http://127.0.0.1:1", "--pipeline", "2", "--requests-per-connection", "1"), "leave one of them out"),
            (("--header", "A: b\nC: d"), "control")):
        one_line(load(*arguments, status=64), word)


def test_help_has_the_options(run):
    for arguments in (("load", "--help"), ("help", "load"), ("load", "http://127.0.0.1:1", "--help")):
        done = run("leat", *arguments)
        assert done.returncode == 0 and "--idle-rate R" in done.stdout and "--report FILE" in done.stdout


# ── What people see ──


def test_the_summary_is_plain_text(start, load, tmp_path):
    server = start("examples/hello", "--shards", "1")
    done = load(server.url, *QUICK, "--pid", str(server.process.pid))
    assert done.stderr == "" and re.fullmatch(r"[\n -~]*", done.stdout)
    assert re.search(r"^answers +[1-9]\d* right, \d+", done.stdout, re.M) and "errors               none" in done.stdout
    assert re.search(r"^  active( +[\d.]+ (ns|us|ms|s)){6} +\d+$", done.stdout, re.M)
    assert re.search(r"server, pid \d+ +[\d.]+ us of processor time a request", done.stdout)


def test_reports(start, load, tmp_path):
    server = start("examples/hello", "--shards", "1")
    for name in ("load.svg", "load.html"):
        load(server.url, *QUICK, "--quiet", "--report", str(tmp_path / name))
    drawing = ElementTree.parse(tmp_path / "load.svg").getroot()
    assert drawing.tag.endswith("}svg") and drawing.get("role") == "img"
    assert "half took at most" in "".join(drawing.itertext())
    page = (tmp_path / "load.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert "<svg" in page and "p99.99" in page and server.url in page
    assert "src=" not in page and "<script" not in page and "<link" not in page
    done = load(server.url, *QUICK, "--quiet", "--report", str(tmp_path / "no/such/folder.html"), status=71)
    assert done.stderr.count("\n") == 1 and "No such file" in done.stderr


def test_a_picture_or_the_package_that_makes_it(start, load, tmp_path):
    server = start("examples/hello", "--shards", "1")
    path = str(tmp_path / "load.png")
    if shutil.which("rsvg-convert"):
        load(server.url, *QUICK, "--quiet", "--report", path)
        with open(path, "rb") as f:
            assert f.read(8) == b"\x89PNG\r\n\x1a\n"
    done = load(server.url, *QUICK, "--quiet", "--report", path, status=71, env={**os.environ, "PATH": str(tmp_path)})
    assert "librsvg2-bin" in done.stderr and done.stderr.count("\n") == 1


class Terminal:
    """A load on a terminal of its own, of 100 columns; all that it wrote on standard error."""

    def __init__(self, *arguments, **environment):
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen([program("leat"), "load", *arguments], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
                                        env={**os.environ, "TERM": "xterm", **environment})
        os.close(theirs)
        self.text = ""

    def read(self):
        try:
            piece = os.read(self.ours, 1 << 16)
        except OSError:         # it has ended
            return False
        self.text += piece.decode("utf-8", "replace")
        return bool(piece)

    def ends(self):
        while self.read():
            pass
        os.close(self.ours)
        out = self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(PATIENCE_S), out.decode()


@pytest.mark.parametrize("locale, pattern", [("C.UTF-8", "[▁▂▃▄▅▆▇█]"), ("C", r"[_.,=+*#-]{2}")])
def test_progress_on_a_terminal(start, loop, locale, pattern):
    server = start("examples/hello", "--shards", "1")
    screen = Terminal(server.url, *QUICK, "--duration", "1s", "--loop", loop, LC_ALL=locale)
    status, out = screen.ends()
    assert status == 0 and "answers " in out
    lines = screen.text.split("\r")
    measuring = [line for line in lines if line.startswith("measuring")]
    assert len(measuring) >= 2 and all("\n" not in line for line in lines)
    assert any(re.search(r"\d[kM]?/s +p50 .* p99 ", line) and re.search(pattern, line) for line in measuring)
    assert all(len(line.replace("\x1b[K", "")) < 100 for line in lines)
    assert screen.text.endswith("\r\x1b[K")
    if locale == "C":
        assert screen.text.isascii()


def test_quiet_is_quiet(start, loop):
    screen = Terminal(start("examples/hello", "--shards", "1").url, *QUICK, "--quiet", "--loop", loop)
    assert screen.ends()[0] == 0 and screen.text == ""


def test_an_interrupt_ends_it_with_what_there_is(start, loop):
    server = start("examples/hello", "--shards", "1")
    screen = Terminal(server.url, "--duration", "1h", "--warm-up", "0", "--active", "4", "--json", "--loop", loop)
    wait_until("it measures", lambda: screen.read() and len(re.findall("measuring", screen.text)) > 3)
    screen.process.send_signal(signal.SIGINT)
    status, out = screen.ends()
    told = json.loads(out)
    assert status == 0 and told["active"]["answers"] > 0 and told["measured_s"] < 3600
