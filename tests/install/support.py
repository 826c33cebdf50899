"""support.py: what both tests of the installation count with and ask servers with."""
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
from process import Child, Failed, free_port  # noqa: E402


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, holds, text, why=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'passed' if holds else 'FAILED'}  {text}", flush=True)
        if not holds and why:
            print("        " + str(why)[-3000:].replace("\n", "\n        "), flush=True)
        return bool(holds)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.failed == 0 and self.passed > 0 else 1


def say(*command, **how):
    """Runs it: whether it ended well, and what it said."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **how)
    return done.returncode == 0, done.stdout


def get(port, path):
    """The content of an answer, or what came in its place."""
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    head, _, content = answer.partition(b"\r\n\r\n")
    return content.decode(errors="replace") if b" 200 " in head.split(b"\r\n")[0] else repr(answer)


def serves(report, name, command, questions, env=None, look=None):
    """Starts the server, asks it the questions ({path: content}), stops it: all as a user expects. look(pid): what else
    must hold while it runs, None or what is wrong."""
    port = free_port()
    wrong = []
    try:
        with Child([*command, "--listen", f"127.0.0.1:{port}", "--quiet", "--shards", "1"], env=env) as child:
            child.wait_for_text("listening")
            wrong += [f"{path}: {got}" for path, content in questions.items() if (got := get(port, path)) != content]
            if look and (seen := look(child.pid)):
                wrong.append(seen)
            said = child.output()
            status = child.stop()
            if status != 0:
                wrong.append(f"exit status {status}: {said}")
    except (Failed, OSError) as failure:
        wrong.append(str(failure))
    return report.check(not wrong, name, "\n".join(wrong))


HELLO = {"/": "Hello, World!", "/hello/you": "Hello, you\n"}
