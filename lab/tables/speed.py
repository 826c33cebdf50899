"""speed.py: Table 3: processor time per request and throughput in a closed loop, latency in an open one.

A step is one kind of work, done by every server: so rounds can be interleaved. In each round every server is started anew, in
random order, pinned to one core, and loaded from another; what a round measures is divided by what Leat on epoll took in the
same round, so what the machine does slowly cancels. Latency comes from a second step with a constant rate that is the same
for all, counted from when a request was due.
"""
import os
import random
import time

from kit import Failed, Figure, Skip, Step, paired_ratio

TITLE = "Speed"
ABOUT = ("Processor time per request, throughput with one core for the server, and latency at a constant rate, "
         "beside floors that look at nothing they receive.")

BASE = "leat-epoll"
UPLOAD = 1 << 20
ROUNDS, SECONDS, WARM_UP = 4, 1.0, 0.3
RATE_ROUNDS, RATE_SECONDS = 2, 3
SHARES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999))


class Work:
    """One kind. options: of leat load. route: which peers can do it. rate: requests a second in the open loop; None: it has
    none. floor: whether the floors, which answer every request alike, can be measured beside it."""

    def __init__(self, name, title, route, target, rate, floor=False, **options):
        self.name, self.title, self.route, self.target = name, title, route, target
        self.rate, self.floor, self.options = rate, floor, options

    def load_options(self, lab):
        if self.route != "upload":
            return self.options
        path = os.path.join(lab.scratch, "upload.bin")
        if not os.path.exists(path):
            with open(path, "wb") as f:
                f.write(os.urandom(UPLOAD))
        return {**self.options, "method": "POST", "content": path}


WORKS = (
    Work("plaintext", "plaintext, 64 connections", "plaintext", "/plaintext", 4000, floor=True, active=64),
    Work("pipelined", "plaintext, 16 requests at a time", "plaintext", "/plaintext", None, floor=True, active=64, pipeline=16),
    Work("short-lived", "plaintext, a new connection for every ten requests", "plaintext", "/plaintext", 1000, active=64,
         requests_per_connection=10),
    Work("json", "JSON, serialised at each request", "json", "/json", 4000, active=64),
    Work("small-file", "a file of 4 KiB", "files", "/files/small.html", 4000, active=64),
    Work("large-file", "a file of 1 MiB", "files", "/files/large.bin", 100, active=8),
    Work("upload", "an upload of 1 MiB", "upload", "/upload", 100, active=8),
)


class Field:
    """Those that do one kind of work; who fails is out of the rounds that follow, and told."""

    def __init__(self, lab, work):
        self.lab, self.work = lab, work
        self.peers, self.why = [], {}
        self.request_size = None
        for peer in lab.peers:
            if work.route not in peer.routes or (peer.kind == "floor" and not work.floor):
                continue
            lab.tell(f"building {peer.title}")
            try:
                peer.build(lab)
                self.peers.append(peer)
            except (Skip, Failed) as error:
                self.why[peer.name] = str(error)
        if not self.peers:
            raise Skip("no server that can do this is there")
        self.peers.sort(key=lambda peer: peer.kind == "floor")      # a floor must know how long a request is

    def out(self, peer, error):
        self.peers.remove(peer)
        self.why[peer.name] = str(error)

    def measure(self, peer, **options):
        """One load on a new start of a server; None: it failed."""
        env = {"LAB_REQUEST": self.request_size} if peer.kind == "floor" else {}
        if peer.kind == "floor" and self.request_size is None:
            return self.out(peer, "no server told how long a request is")
        try:
            with peer.start(self.lab, core=self.lab.cores.server, env=env) as server:
                url = f"http://127.0.0.1:{server.port}{self.work.target}"
                told = self.lab.load(url, limit_s=60, pid=server.pid, cores=self.lab.cores.client,
                                     **self.work.load_options(self.lab), **options)
        except (Failed, Skip) as error:
            return self.out(peer, error)
        if told["active"]["answers"] == 0:
            return self.out(peer, f"no right answer: {told['first_error']}")
        self.request_size = told["options"]["requests"][0]["size_bytes"]
        return told

    def rounds(self, count, seconds, **options):
        """by[peer] = what leat load told, one a round; of those that did not fail."""
        by, chance, begin = {}, random.Random(), time.monotonic()
        for number in range(count):
            order = chance.sample(self.peers, len(self.peers))
            order.sort(key=lambda peer: peer.kind == "floor" and self.request_size is None)
            for peer in order:
                self.lab.tell(f"round {number + 1} of {count}: {peer.title} ({time.monotonic() - begin:.0f} s)")
                told = self.measure(peer, duration=f"{int(seconds * 1000)}ms", warm_up=f"{int(WARM_UP * 1000)}ms", **options)
                if told is not None:
                    by.setdefault(peer.name, []).append(told)
        for name in self.why:
            by.pop(name, None)
        if not by:
            raise Failed("every server failed: " + "; ".join(f"{n}: {w}" for n, w in self.why.items()))
        return by

    def failures(self):
        return [Figure("failed", "", [], "Why there are no figures of it.", of={"peer": name}, notes=why)
                for name, why in self.why.items()]


def closed_loop(work):
    def run(lab):
        field = Field(lab, work)
        by = field.rounds(lab.rounds(ROUNDS, 3), SECONDS / 2 if lab.quick else SECONDS)
        cost = {name: [t["server"]["cpu_per_answer_s"] * 1e9 for t in told] for name, told in by.items()}
        figures = []
        for name, told in by.items():
            of = {"peer": name}
            figures += [
                Figure("cpu_per_request", "ns", cost[name],
                       "Processor time, user and system, of all the server's threads over the requests answered.", of=of),
                Figure("requests_per_second", "1/s", [t["active"]["answers_per_second"] for t in told],
                       "Right answers a second, with one core for the server and one for its clients.", of=of),
                Figure("errors", "", [t["active"]["errors"]["all"] for t in told],
                       "Requests that were not answered, or not with the right content.", of=of),
                Figure("resident", "bytes", [t["server"]["resident_bytes"] for t in told],
                       "Resident memory at the end of the load.", of=of)]
            if BASE in cost:
                figures.append(paired_ratio("cpu_of_leat", cost[name], cost[BASE],
                                            "Processor time per request over that of Leat on epoll in the same round.", of=of))
        return figures + field.failures()
    return run


def open_loop(work):
    def run(lab):
        field = Field(lab, work)
        by = field.rounds(lab.rounds(RATE_ROUNDS, 1), 1 if lab.quick else RATE_SECONDS, rate=work.rate)
        figures = []
        for name, told in by.items():
            of = {"peer": name}
            for key, share in SHARES:
                enough = [t for t in told if t["active"]["latency"]["count"] * (1 - share) >= 1]
                figures.append(Figure(
                    f"latency_{key}", "µs", [t["active"]["latency"][f"{key}_s"] * 1e6 for t in enough],
                    f"{share * 100:g}% of the answers came at most so long after they were due, at a constant rate.",
                    of=of, notes="" if enough else "too few answers to tell"))
            figures += [
                Figure("latency_max", "µs", [t["active"]["latency"]["max_s"] * 1e6 for t in told],
                       "The longest that an answer came after it was due.", of=of),
                Figure("missed", "", [t["own"]["missed"] for t in told],
                       "Requests of the schedule that were still owing at the end: it can't keep this rate.", of=of),
                Figure("client_lateness_p99", "µs", [t["own"]["lateness"]["p99_s"] * 1e6 for t in told
                                                     if t["own"]["lateness"]["p99_s"] is not None],
                       "How late the client itself was with 1% of its requests: no latency below it means anything.", of=of)]
        return figures + field.failures()
    return run


def steps(lab):
    able = {work.name: sum(work.route in p.routes and (work.floor or p.kind != "floor") for p in lab.peers)
            for work in WORKS}
    start = 0.5     # of a server, and of the load, about
    closed = [Step(f"speed/{w.name}", f"processor time: {w.title}",
                   able[w.name] * (lab.rounds(ROUNDS, 3) * (SECONDS + WARM_UP + start)), closed_loop(w)) for w in WORKS]
    rated = [Step(f"speed/{w.name}-latency", f"latency at {w.rate:,} a second: {w.title}",
                  able[w.name] * lab.rounds(RATE_ROUNDS, 1) * (RATE_SECONDS + WARM_UP + start), open_loop(w))
             for w in WORKS if w.rate is not None]
    return closed + rated
