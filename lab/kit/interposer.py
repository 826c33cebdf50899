"""interposer.py: a server's allocator calls, counted or timed by lab/interpose, and read while the server runs.

    with Interposer(lab, timing=True) as calls:
        with peer.start(lab, env=calls.env) as server:
            warm_up()
            calls.reset()
            load()
            told = calls.read()     # told["all"]["calls"], told["places"]["malloc"]["latency"]["p99_ns"] …

The calls of all processes that the server starts are in the sum. Nothing in the server is asked: no signal, no thread.
"""
import json
import os
import subprocess
import tempfile

from process import Failed


class Calls:
    """A file that calls are counted in. variable: what names it to the program that counts."""

    def __init__(self, lab, variable="LAB_INTERPOSE_OUT"):
        self.reader = lab.program("lab/latency")
        # In memory where that can be had: what is written to a disk now and then stops who writes.
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else lab.scratch
        self.folder = tempfile.TemporaryDirectory(prefix="leat-lab-calls-", dir=shared)
        os.chmod(self.folder.name, 0o777)   # servers that give up root write to it
        self.path = os.path.join(self.folder.name, "calls")
        self.env = {variable: self.path}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def ask(self, verb, what=None):
        done = subprocess.run([self.reader, verb, what or self.path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(done.stderr.strip() or f"{self.reader} {verb} ended with status {done.returncode}")
        return done.stdout

    def reset(self):
        """What was counted until now is no more."""
        self.ask("reset")

    def read(self):
        """Since the last reset."""
        told = json.loads(self.ask("read"))
        if told["lost"]:
            raise Failed(f"{told['lost']:,} calls were not counted: there were more threads than places for them")
        return told


class Interposer(Calls):
    """timing: each call is timed, which costs some 60 ns (counting: 3). behind: an allocator to stand behind it, by its path."""

    def __init__(self, lab, timing=False, behind=None):
        super().__init__(lab)
        objects = [os.path.abspath(lab.program("lab/interpose.so"))] + ([behind] if behind else [])
        self.env |= {"LD_PRELOAD": ":".join(objects), "LAB_INTERPOSE": "time" if timing else "count"}
