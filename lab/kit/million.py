"""million.py: a million quiet connections to Leat, every one of them served: as bench/million/run does, with the lab's
peer.

One process passes the limit on descriptors by private tables (--private-descriptors): so many shards as that takes.
Both ends of all connections live on this machine, and most of the memory they take is the kernel's: some 12 KB each.
"""
import math
import os
import re
import time

from process import Child, Failed
from slab import growth, settled_slab

from . import resident
from .figures import Figure
from .peers import descriptors
from .steps import Skip

KERNEL_EACH = 12_500        # bytes of a connection with both ends here, page tables and all
OWN_DESCRIPTORS = 500
CLIENT_PER_TABLE = 18_000
BACK, BACK_S = 1.1, 60        # of the memory before; and how long is waited for it


def shards_for(connections, limit):
    """As many as it takes for n + 6 sqrt(n) seats of each to fit its table: the kernel spreads them by hash."""
    most = limit - OWN_DESCRIPTORS
    shards = max(2, math.ceil(connections / most))
    while connections / shards + 6 * math.sqrt(connections / shards) > most:
        shards += 1
    return shards


def available():
    with open("/proc/meminfo") as f:
        return int(re.search(r"^MemAvailable:\s+(\d+) kB", f.read(), re.M)[1]) * 1024


class Client:
    """bench/million/client.c."""

    def __init__(self, lab, port, connections):
        self.lab, self.connections = lab, connections
        program = lab.program("bench/million_client")
        self.child = Child([program, "client", port, connections, "/plaintext"], talks=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()

    def do(self, command, what=None):
        """How many succeeded, and the seconds it took."""
        self.child.say(command)
        while True:
            words = self.child.hear(60).split()
            if words[0] == "done":
                return int(words[1]), float(words[2])
            if what:
                self.lab.tell(f"{what}: {int(words[1]):,} of {self.connections:,}", int(words[1]) / self.connections)


def check(lab, connections):
    """What it takes, and who has not got it."""
    lab.program("bench/million_client")
    if descriptors() < CLIENT_PER_TABLE + OWN_DESCRIPTORS:
        raise Skip(f"a process may have no more than {descriptors():,} descriptors here (RLIMIT_NOFILE); the client "
                   f"takes {CLIENT_PER_TABLE:,} in each of its tables")
    need = connections * KERNEL_EACH
    if available() < need:
        raise Skip(f"{connections:,} connections with both ends here take {need / 1e9:.0f} GB, most of it the "
                   f"kernel's; {available() / 1e9:.1f} GB are free")


def watch_fall(lab, server, base):
    """Resident memory when it is back, or the time is over; and the seconds it took."""
    start = time.monotonic()
    while True:
        now, waited = resident.memory(server.pid)["rss"], time.monotonic() - start
        if now <= base * BACK or waited > BACK_S:
            return now, waited
        lab.tell(f"waiting for memory to come back: {now / 1e6:.1f} MB")
        time.sleep(0.5)


def figures(lab, peer, connections):
    check(lab, connections)
    shards = shards_for(connections, descriptors())
    env = {"LEAT_PRIVATE_DESCRIPTORS": "true", "LEAT_CONNECTIONS": connections, "LEAT_EXCHANGES": 1024}
    with peer.start(lab, core=None, workers=shards, env=env) as server:
        with Client(lab, server.port, 40 * shards) as client:       # what is touched once in a life counts as the base
            client.do("connect")
            client.do("close")
        time.sleep(1)
        base = resident.memory(server.pid)
        with Client(lab, server.port, connections) as client:
            slab = settled_slab()
            served, took = client.do("connect", f"{peer.title}: connecting, one request each")
            if served != connections:
                raise Failed(f"{served:,} of {connections:,} connections were answered")
            held = resident.memory(server.pid)
            kernel = sum(growth(slab, settled_slab(), connections).values())
            alive, _ = client.do("alive")
            if alive != connections:
                raise Failed(f"{alive:,} of {connections:,} are still open")
            client.do("close", f"{peer.title}: closing")
        after, waited = watch_fall(lab, server, base["rss"])
        if not server.alive():
            server.fail(f"ended with status {server.process.returncode}")
    how = (f"{connections:,} connections to one process of {shards} shards, each answered once in {took:.0f} s; all "
           f"were still open when they were counted. Processors: {os.cpu_count()}.")
    return [
        Figure("connections", "", [connections], "Quiet keep-alive connections, all of them open at once."),
        Figure("resident_in_all", "bytes", [held["rss"]], "Resident memory of the server, all told, with them (RSS).",
               notes=how),
        Figure("user_bytes_per_connection", "bytes", [(held["pss"] - base["pss"]) / connections],
               "Memory above that of the warm server, over the connections (PSS)."),
        Figure("base_rss", "bytes", [base["rss"]], "Resident memory of the warm server without them."),
        Figure("kernel_bytes_per_pair", "bytes", [kernel], "Growth of the kernel's slab for each connection: both "
               "ends, as both are on this machine, and what the server waits by."),
        Figure("resident_over_base_after", "", [after / base["rss"]],
               f"Resident memory after all were closed, over that of before: when it was back to {BACK} of it, or "
               f"after {BACK_S} s.",
               notes=f"{waited:.0f} s after the last was closed; Leat gives back after 30 s of little to do."),
    ]
