"""process.py: child processes that the measuring programs start, watch and never leave behind.

A child dies with its parent, whatever ends the parent (PR_SET_PDEATHSIG), and with the `with` block it was started in.
Ports are asked of the kernel, so no two runs meet. All traffic is loopback.
"""
import ctypes
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def free_port():
    """A port nobody has now; in the ephemeral range, so always of five digits."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Failed(Exception):
    """A child that did not do what it was started for; the text names it and what it said."""


class Child:
    """One process. core: pinned to it; cwd: where it runs. Its output is kept in a file, to be told when it fails."""

    def __init__(self, arguments, core=None, env=None, talks=False, cwd=None):
        self.arguments = [str(a) for a in arguments]
        self.name = os.path.basename(self.arguments[0])
        self.said = tempfile.TemporaryFile("w+", errors="replace")

        def prepare():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if core is not None:
                os.sched_setaffinity(0, {core})

        try:
            self.process = subprocess.Popen(
                self.arguments, preexec_fn=prepare, env={**os.environ, **(env or {})}, cwd=cwd,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else self.said, stderr=self.said)
        except OSError as error:
            raise Failed(f"{self.arguments[0]}: {error.strerror}")
        self.pid = self.process.pid
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def output(self):
        self.said.flush()
        self.said.seek(0)
        return self.said.read()

    def fail(self, what):
        raise Failed(f"{self.name}: {what}\n  $ {' '.join(self.arguments)}\n" + self.output()[-2000:])

    def alive(self):
        return self.process.poll() is None

    def say(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, seconds):
        """The next line of a child that talks."""
        end = time.monotonic() + seconds
        while b"\n" not in self.unread:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.fail(f"said nothing for {seconds:.0f} s")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if piece == b"":
                self.process.wait()
                self.fail(f"ended with status {self.process.returncode}")
            self.unread += piece
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode(errors="replace")

    def wait_for_text(self, text, seconds=20):
        """Until its output has text, in whatever case; answers the output."""
        end = time.monotonic() + seconds
        while text.lower() not in self.output().lower():
            if not self.alive():
                self.fail(f"ended with status {self.process.returncode}")
            if time.monotonic() > end:
                self.fail(f"did not say '{text}' in {seconds} s")
            time.sleep(0.02)
        return self.output()

    def wait_until_serving(self, port, seconds=20, target="/"):
        """Until a GET of target at port is answered 200; answers the octets."""
        end = time.monotonic() + seconds
        while True:
            if not self.alive():
                self.fail(f"ended with status {self.process.returncode}")
            try:
                with socket.create_connection(("127.0.0.1", port), 2) as s:
                    s.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                    answer = s.recv(4096)
                    if answer.startswith(b"HTTP/1.1 200"):
                        return answer
            except OSError:
                pass
            if time.monotonic() > end:
                self.fail(f"does not serve on port {port}")
            time.sleep(0.02)

    def stop(self, seconds=10):
        """SIGTERM, and SIGKILL when that does not help; answers the exit status."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        if not self.said.closed:
            self.last_words = self.output()
            self.said.close()
        return self.process.returncode

    def processor_ns(self):
        """User and system time of all its threads."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        return total

    def status(self, name):
        """A field of /proc/PID/status, in bytes."""
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(rf"^{name}:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024

    def resident(self):
        """Resident and proportional set size, in bytes."""
        with open(f"/proc/{self.pid}/smaps_rollup") as f:
            text = f.read()
        return tuple(int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1)) * 1024
                     for name in ("Rss", "Pss"))


def program(build, path):
    """build/path, which the build makes; says how when it is not there."""
    full = os.path.join(build, path)
    if not os.path.exists(full):
        raise Failed(f"{full} is not there: it has to be built first (./dev)")
    return full


class Progress:
    """One line that changes on a terminal, and a line now and then elsewhere."""

    def __init__(self, every=10):
        self.every = every
        self.start = self.told = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def tell(self, text, done=None):
        """done: the part of the work that is over, 0 to 1."""
        now = time.monotonic()
        if done and done > 0.02:
            left = (now - self.start) * (1 - done) / done
            text += f", {left // 60:.0f}:{left % 60:02.0f} left"
        if self.terminal:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        elif now - self.told >= self.every:
            self.told = now
            print(text, file=sys.stderr, flush=True)

    def clear(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def machine():
    """Commit, kernel and processor, to stand beside every figure."""
    here = os.path.dirname(os.path.abspath(__file__))

    def ask(*arguments):
        return subprocess.run(arguments, cwd=here, capture_output=True, text=True).stdout.strip()

    with open("/proc/cpuinfo") as f:
        model = re.search(r"^model name\s*:\s*(.*)$|^CPU part\s*:\s*(.*)$", f.read(), re.M)
    commit = ask("git", "rev-parse", "--short=12", "HEAD") or "unknown"
    if ask("git", "status", "--porcelain", "--untracked-files=no"):
        commit += "+changes"
    return {"commit": commit, "kernel": os.uname().release, "processors": os.cpu_count(),
            "processor": model.group(1) or model.group(2) if model else os.uname().machine}
