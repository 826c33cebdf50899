"""resident.py: what a server holds of memory: all its processes together, and beside it a holder of quiet connections.

Proportional set size (PSS) is what is counted: a page that several processes share counts for each in part. So a
library that everybody has mapped costs little, and a server of several processes is not charged twice for what they
share.
"""
import os
import re
import sys
import time

from process import Child, Failed

from .steps import Skip

HERE = os.path.dirname(os.path.abspath(__file__))
OF_DESCRIPTORS = 0.75           # what a server may need for other things is left to it
QUIET_MOST = 15_000


class Refused(Failed):
    """A connection that was not answered; held: how many were before it."""

    def __init__(self, text, held):
        super().__init__(text)
        self.held = held


def family(pid):
    """A process and all that descend from it."""
    found = [pid]
    for one in found:
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as f:
                    found += [int(child) for child in f.read().split()]
        except OSError:     # it has just ended
            continue
    return found


def memory(pid):
    """{"rss", "pss", "anonymous"} in bytes, of pid and its descendants."""
    total = {"rss": 0, "pss": 0, "anonymous": 0}
    for one in family(pid):
        try:
            with open(f"/proc/{one}/smaps_rollup") as f:
                text = f.read()
        except OSError:
            continue
        for name in total:
            match = re.search(rf"^{name}:\s+(\d+) kB", text, re.M | re.I)
            total[name] += int(match[1]) * 1024 if match else 0
    if not total["rss"]:
        raise Failed("the server has ended: its memory can't be read")
    return total


def settled(pid, seconds=3):
    """Its memory when it no longer moves by more than 1%, or after so many seconds."""
    end, last = time.monotonic() + seconds, memory(pid)
    while time.monotonic() < end:
        time.sleep(0.4)
        now = memory(pid)
        if abs(now["pss"] - last["pss"]) <= max(last["pss"] / 100, 65536):
            return now
        last = now
    return last


def sizes(descriptors, quick):
    """How many connections are held, one after the other: up to what one process may have, or is worth the time."""
    most = min(QUIET_MOST, int(descriptors * OF_DESCRIPTORS))
    if most < 1000:
        raise Skip(f"a process may have no more than {descriptors} descriptors here (RLIMIT_NOFILE)")
    return spread(most // (6 if quick else 1))


def spread(most):
    return [most // 9, most // 3, most * 2 // 3, most]


class Holder:
    """holder.py, on the client's core."""

    def __init__(self, lab, port):
        self.child = Child([sys.executable, os.path.join(HERE, "holder.py"), port], core=lab.cores.client, talks=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()

    def ask(self, command, seconds=120):
        self.child.say(command)
        words = self.child.hear(seconds).split()
        return int(words[1])

    def open(self, count):
        """Refused when one is refused or not answered."""
        if (held := self.ask(f"open {count}")) != count:
            said = self.child.output().strip().split("\n")[-1] or "closed, or another answer"
            raise Refused(f"connection {held + 1:,} of {count:,} was not answered: {said}", held)

    def alive(self):
        return self.ask("alive")

    def close(self):
        return self.ask("close")
