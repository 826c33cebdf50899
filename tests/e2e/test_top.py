"""leat top: one look, the raw look, and the interactive form on a terminal, whose screen is read as people see it."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading

import pytest

from conftest import program, wait_until

pytestmark = pytest.mark.skipif(not os.path.exists(program("leat-top")), reason="built without ncurses or Jansson")


def admin_url(server):
    return re.search(r"live page on (http://[^/]*)/leat/", server.output())[1]


class Load:
    """A client that asks as long as it is there."""

    def __init__(self, server):
        self.client, self.ends = server.connect(), False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ends:
            assert self.client.get("/").status == 200

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        self.client.socket.close()


class Screen:
    """leat top on a terminal of its own, a vt100: enough of one for what ncurses writes on it."""

    def __init__(self, *arguments, rows=24, columns=80, **environment):
        self.ours, theirs = pty.openpty()
        self.resize_only(rows, columns)
        self.process = subprocess.Popen([program("leat"), "top", *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
                                        env={**os.environ, "TERM": "vt100", "LC_ALL": "C", **environment})
        os.close(theirs)
        self.pending = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)

    def resize_only(self, rows, columns):
        self.rows, self.columns, self.row, self.column = rows, columns, 0, 0
        self.cells = [[" "] * columns for _ in range(rows)]
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.resize_only(rows, columns)        # the kernel tells the terminal's foreground processes

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def erase(self, first, last):
        for at in range(first, last):
            self.cells[at // self.columns][at % self.columns] = " "

    def obey(self, numbers, letter):
        n = [int(x or 0) for x in numbers.split(";")] if not numbers.startswith("?") else []
        here, end = self.row * self.columns + min(self.column, self.columns - 1), self.rows * self.columns
        one = max(n[0], 1) if n else 1
        if letter in "Hf":
            self.row, self.column = (one - 1, max(n[1], 1) - 1 if len(n) > 1 else 0)
        elif letter == "J":
            self.erase(*((here, end), (0, here + 1), (0, end))[n[0]])
        elif letter == "K":
            line = self.row * self.columns
            self.erase(*((here, line + self.columns), (line, here + 1), (line, line + self.columns))[n[0]])
        elif letter == "A":
            self.row -= one
        elif letter == "B":
            self.row += one
        elif letter == "C":
            self.column += one
        elif letter == "D":
            self.column -= one

    def write(self, text):
        text = self.pending + text
        self.pending = ""
        for found in re.finditer(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[()].|\x1b[=>78]|\x1b.{0,12}$|([\x00-\x1f])|(.)", text):
            if found[2]:
                self.obey(found[1], found[2])
            elif found[3] == "\r":
                self.column = 0
            elif found[3] == "\n":
                self.row = min(self.row + 1, self.rows - 1)
            elif found[3] == "\b":
                self.column = max(self.column - 1, 0)
            elif found[4]:
                if self.row < self.rows and self.column < self.columns:
                    self.cells[self.row][self.column] = found[4]
                self.column += 1
            elif found[0].startswith("\x1b") and found.end() == len(text):
                self.pending = found[0]         # the rest of it is still to come

    def look(self):
        """The screen as it is by now."""
        while select.select([self.ours], [], [], 0)[0]:
            try:
                piece = os.read(self.ours, 1 << 16)
            except OSError:     # the program has ended
                break
            if not piece:
                break
            self.write(piece.decode("ascii", "replace"))
        return "\n".join("".join(line).rstrip() for line in self.cells)

    def shows(self, *words):
        def is_there():
            text = self.look()
            return all(re.search(word, text) for word in words)
        try:
            wait_until(f"the screen shows {words}", is_there)
        except AssertionError:
            raise AssertionError(f"{words} are not all on:\n{self.look()}") from None

    def ends(self):
        def has_ended():
            self.look()         # or it could not write any more
            return self.process.poll() is not None
        wait_until("leat top ends", has_ended)
        return self.process.returncode


@pytest.fixture
def server(start):
    return start("examples/tour", "--shards", "2", "--admin", "127.0.0.1:0")


def test_one_look_is_plain_text(server, run):
    with Load(server):
        done = run("leat", "top", admin_url(server), "--once", env={**os.environ, "LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"[\n -~]*", done.stdout)
    assert int(re.search(r"^requests +(\d+)/s", done.stdout, re.M)[1]) > 0
    assert re.search(r"processor +[\d.]+ (ns|us|ms) a request", done.stdout)
    assert re.search(r"^duration +p50 [\d.]+ (ns|us|ms) .*p99 .*max ", done.stdout, re.M)
    assert re.search(r"^CONNECTIONS  1 of \d", done.stdout, re.M)
    assert re.search(r"^connection slot .* 1 / ", done.stdout, re.M)
    assert re.search(r"^GET / +\d+ +\d+ +0 ", done.stdout, re.M)


def test_the_raw_look_is_what_the_server_tells(server, run):
    done = run("leat", "top", admin_url(server), "--json")
    told = json.loads(done.stdout)
    assert told["name"] == "tour" and told["pid"] == server.process.pid and "connections_open" in told["metrics"]


def test_a_look_over_a_unix_socket(start, run, tmp_path):
    start("examples/hello", "--admin", f"unix:{tmp_path / 'admin'}")
    done = run("leat", "top", f"unix:{tmp_path / 'admin'}", "--once")
    assert done.returncode == 0, done.stderr
    assert "leat top  hello" in done.stdout


def test_a_token_is_said(start, run, tmp_path):
    (tmp_path / "token").write_text("s3cret-enough-for-a-test\n")
    (tmp_path / "other").write_text("wrong\n")
    (tmp_path / "empty").write_text("\n")
    server = start("examples/hello", "--admin", "127.0.0.1:0", "--admin-token-file", str(tmp_path / "token"))

    def top(*arguments):
        return run("leat", "top", admin_url(server), "--json", *arguments)
    assert json.loads(top("--token-file", str(tmp_path / "token")).stdout)["name"] == "hello"
    for arguments in ((), ("--token-file", str(tmp_path / "other"))):
        done = top(*arguments)
        assert (done.returncode, done.stdout) == (77, "") and "--token-file FILE" in done.stderr
    for name in ("empty", "nowhere"):
        assert top("--token-file", str(tmp_path / name)).returncode == 78


def one_line(done, status, *words):
    assert (done.returncode, done.stdout) == (status, ""), done
    assert done.stderr.startswith("leat: top: ") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_mistakes_are_one_line(run, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))       # and does not listen
        one_line(run("leat", "top", f"127.0.0.1:{nobody.getsockname()[1]}", "--once"), 69, "Connection refused",
                 "its live page is")
    one_line(run("leat", "top", f"unix:{tmp_path}/none", "--once"), 69, "No such file")
    one_line(run("leat", "top", "name.invalid", "--once"), 69, "name.invalid")
    for arguments in (("https://localhost",), ("--nonsense",), ("a", "b"), ("--token-file",), ("localhost:x",), ("unix:",)):
        one_line(run("leat", "top", "--once", *arguments), 64)


def test_without_a_terminal_it_says_what_to_do(server, run):
    one_line(run("leat", "top", admin_url(server)), 64, "--once", "--json")


def test_who_is_no_admin_listener(server, run):
    one_line(run("leat", "top", server.url, "--once"), 76, "live page")
    with socket.create_server(("127.0.0.1", 0)) as other:
        def answer():
            connection, _ = other.accept()
            connection.sendall(b"220 mail\r\n")
            connection.recv(1 << 16)
            connection.close()
        thread = threading.Thread(target=answer)
        thread.start()
        one_line(run("leat", "top", f"127.0.0.1:{other.getsockname()[1]}", "--json"), 76, "speaks no HTTP")
        thread.join()


def test_help_has_every_option(run):
    for arguments in (("top", "--help"), ("help", "top")):
        done = run("leat", *arguments)
        assert done.returncode == 0
        for option in ("--once", "--json", "--token-file", "--help"):
            assert option in done.stdout


def test_on_a_terminal(server):
    with Load(server), Screen(admin_url(server)) as screen:
        screen.shows(r"leat top  tour", r"requests +[1-9]\d*/s", r"duration +p50 \d", r"CONNECTIONS  1 of", r"POOLS", r"GET /",
                     r"q quit")
        assert screen.look().split("\n")[23].startswith("q quit")
        screen.press("2")
        screen.shows(r"ROUTES  by p99")
        screen.press("s")
        screen.shows(r"ROUTES  by requests a second")
        screen.press("3")
        screen.shows(r"PLAN  \d")
        screen.press("h")
        screen.shows(r"what is in use, of what was dug")
        screen.press("h")
        screen.shows(r"PLAN  \d")
        screen.press("p")
        screen.shows(r"paused")
        screen.press("p1")
        screen.shows(r"CONNECTIONS", r"p pause")
        screen.press("q")
        assert screen.ends() == 0


def test_the_terminal_may_change_its_size(server):
    with Screen(admin_url(server), rows=24, columns=80) as screen:
        screen.shows(r"q quit")
        screen.resize(40, 120)
        screen.shows(r"\n(.*\n){38}q quit")
        screen.resize(10, 30)
        screen.shows(r"\n(.*\n){8}q quit")
        screen.resize(3, 8)
        screen.shows(r"q quit")
        screen.press("q")
        assert screen.ends() == 0


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
def test_a_signal_ends_it(server, number):
    with Screen(admin_url(server)) as screen:
        screen.shows(r"q quit")
        screen.process.send_signal(number)
        assert screen.ends() == 0


def test_a_server_that_goes_away_and_comes_back(start, tmp_path):
    admin = f"unix:{tmp_path / 'admin'}"
    first = start("examples/hello", "--admin", admin)
    with Screen(admin) as screen:
        screen.shows(r"leat top  hello", r"q quit")
        first.stop()
        screen.shows(r"not there any more: ", r"leat top  hello")
        start("examples/tour", "--admin", admin)
        screen.shows(r"leat top  tour")
        wait_until("the trouble is over", lambda: "not there any more" not in screen.look())
        screen.press("q")
        assert screen.ends() == 0


def test_a_server_that_does_not_answer_holds_no_key_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        frame = json.dumps({"time": 1, "name": "slow", "metrics": {}}).encode()

        def answer_once():
            connection, _ = server.accept()
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(frame) + frame)
            connection.close()
        thread = threading.Thread(target=answer_once)
        thread.start()
        with Screen(f"127.0.0.1:{server.getsockname()[1]}") as screen:
            screen.shows("leat top  slow", "q quit")
            thread.join()
            waiting, _ = server.accept()        # and hears nothing
            screen.press("h")
            screen.shows("what is in use")
            screen.press("q")
            assert screen.ends() == 0
            waiting.close()
