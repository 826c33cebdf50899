"""network.py: Table 4: what moves octets, and how soon small messages are answered.

Bulk throughput of one large file, beside nginx's sendfile and beside iperf3, which has no HTTP; the ways to hand a
file to a socket, side by side by size (lab/network/copies.c); and the latency of small messages under each TCP
profile, on loopback, across a veth pair, and in a small virtual machine where packets are late and lost
(lab/network/latency.py).
"""
import hashlib
import http.client
import json
import os
import random
import re
import shutil
from typing import NamedTuple

from kit import BESIDE, Child, Failed, Figure, Skip, Step, free_port, paired_ratio
from network.latency import latency_steps

TITLE = "The network"
ABOUT = ("Bulk throughput beside iperf3 and nginx's sendfile, the ways to send a file side by side by size, and "
         "latency of small messages under each TCP profile, on loopback, across a veth pair, and with loss and delay.")

MIB = 1 << 20
BULK_ROUNDS, BULK_MS = 9, 1000
BULK_CONNECTIONS = (1, 4)
COPY_ROUNDS, COPY_MS = 15, 30
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"

NGINX = """
daemon off; master_process off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.log crit;
events {{ worker_connections 1024; use epoll; }}
http {{
    access_log off; keepalive_requests 2000000000; keepalive_timeout 3600s; default_type application/octet-stream;
    sendfile on; tcp_nopush on; tcp_nodelay on;
    client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c; uwsgi_temp_path {place}/d;
    scgi_temp_path {place}/e;
    server {{ listen 127.0.0.1:{port}; root {place}/site; }}
}}
"""


def ended(child, seconds):
    """What a child says that ends by itself, and well."""
    if child.process.wait(seconds) != 0:
        child.fail(f"ended with status {child.process.returncode}")
    return child.output()


# ── Bulk ──

class HttpServer:
    """Sends site/large.bin, to lab_bulk."""

    def __init__(self, lab, name, command, port, digest):
        self.lab, self.name, self.port = lab, name, port
        self.child = Child(command, core=lab.cores.server)
        try:
            self.child.wait_until_serving(port)
            self.check(digest)
        except (Failed, OSError, http.client.HTTPException) as error:
            self.child.stop()
            raise Failed(f"{name}: {error}")

    def check(self, digest):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/large.bin")
        response = connection.getresponse()
        if response.status != 200 or hashlib.sha256(response.read()).digest() != digest:
            self.child.fail("does not send the file as it is")
        connection.close()

    def take(self, connections, milliseconds):
        """Octets and seconds."""
        with Child([self.lab.program("lab/bulk"), self.port, "/large.bin", connections, milliseconds],
                   core=self.lab.cores.client) as client:
            told = json.loads(ended(client, milliseconds / 1000 + 30))
        return told["octets"], told["seconds"]


class Iperf3:
    """Its server sends: from memory, or with "--zerocopy" by sendfile from a file of its own."""

    def __init__(self, lab, name, *flags):
        self.lab, self.name, self.flags, self.port = lab, name, flags, free_port()
        self.path = shutil.which("iperf3", path=PATH)
        if self.path is None:
            raise Skip("iperf3 is not installed (Debian package iperf3)")
        self.child = Child([self.path, "--server", "--port", self.port, "--bind", "127.0.0.1", "--forceflush"],
                           core=lab.cores.server)
        try:
            self.child.wait_for_text("listening")
        except Failed:
            self.child.stop()
            raise

    def take(self, connections, milliseconds):
        command = [self.path, "--client", "127.0.0.1", "--port", self.port, "--reverse", "--json", *self.flags,
                   "--parallel", connections, "--time", max(1, milliseconds // 1000)]
        with Child(command, core=self.lab.cores.client) as client:
            told = json.loads(ended(client, milliseconds / 1000 + 30))["end"]["sum_received"]
        return told["bytes"], told["seconds"]


def make_site(place, octets):
    """The file to send; answers its digest."""
    os.makedirs(f"{place}/site", 0o755)
    content = random.Random(20).randbytes(octets)
    for name, text in (("large.bin", content), ("index.html", b"<!DOCTYPE html><p>bulk")):
        with open(f"{place}/site/{name}", "wb") as f:
            f.write(text)
    return hashlib.sha256(content).digest()


def start_bulk(lab, place, digest):
    """Servers by name, and why others are not there."""
    def leat(loop):
        port = free_port()
        command = [lab.program("leat"), "serve", f"{place}/site", "--listen", f"127.0.0.1:{port}", "--shards", 1,
                   "--loop", loop, "--admin", "off", "--quiet"]
        return HttpServer(lab, f"leat-{loop}", command, port, digest)

    def nginx():
        port, path = free_port(), shutil.which("nginx", path=PATH)
        if path is None:
            raise Skip("nginx is not installed (Debian package nginx-light)")
        with open(f"{place}/nginx.conf", "w") as f:
            f.write(NGINX.format(place=place, port=port))
        return HttpServer(lab, "nginx", [path, "-p", place, "-c", f"{place}/nginx.conf"], port, digest)

    ways = {"leat-uring": lambda: leat("uring"), "leat-epoll": lambda: leat("epoll"), "nginx": nginx,
            "iperf3": lambda: Iperf3(lab, "iperf3"),
            "iperf3-sendfile": lambda: Iperf3(lab, "iperf3-sendfile", "--zerocopy")}
    servers, why = {}, {}
    for name, start in ways.items():
        try:
            servers[name] = start()
        except (Skip, Failed) as error:
            why[name] = str(error)
    return servers, why


def measure_bulk(lab, servers, why):
    """by[name, connections] = [(Gbit/s, processor seconds per GB)], a round each; who fails is out."""
    by, chance, count = {}, random.Random(), lab.rounds(BULK_ROUNDS)
    milliseconds = 1000 if lab.quick else BULK_MS
    for number in range(count):
        order = [(name, n) for name in servers for n in BULK_CONNECTIONS]
        for name, connections in chance.sample(order, len(order)):
            if name in why:
                continue
            lab.tell(f"round {number + 1} of {count}: {name}, {connections} connections", number / count)
            server = servers[name]
            try:
                before = server.child.processor_ns()
                octets, seconds = server.take(connections, milliseconds)
                spent = server.child.processor_ns() - before
            except (Failed, OSError, ValueError, KeyError) as error:
                why[name] = str(error)
                continue
            by.setdefault((name, connections), []).append((octets * 8 / seconds / 1e9, spent / octets))
    return {key: by[key] for name in servers for n in BULK_CONNECTIONS if (key := (name, n)) in by and name not in why}


def run_bulk(lab):
    lab.program("lab/bulk")
    place = os.path.join(lab.scratch, "bulk")
    servers, why = start_bulk(lab, place, make_site(place, (20 if lab.quick else 100) * MIB))
    try:
        by = measure_bulk(lab, servers, why)
    finally:
        for server in servers.values():
            server.child.stop()
        shutil.rmtree(place)
    if not any(name.startswith("leat") for name, _ in by):
        raise Failed("; ".join(f"{name}: {text}" for name, text in why.items()))
    figures = []
    for (name, connections), rounds in by.items():
        of = {"server": name, "connections": connections}
        speed, cost = zip(*rounds)
        figures += [Figure("throughput", "Gbit/s", speed, "Octets of content that the client took a second.", of=of),
                    Figure("cpu_per_gb", "s/GB", cost, "Processor time of all the server's threads for 10^9 octets.",
                           of=of)]
        for base in ("nginx", "iperf3"):
            beside = by.get((base, connections))
            if beside and name != base and len(beside) == len(rounds):
                figures += [
                    paired_ratio(f"cpu_of_{base}", cost, [c for _, c in beside],
                                 f"Its processor time per octet over that of {base} in the same round.", of=of),
                    paired_ratio(f"throughput_of_{base}", speed, [s for s, _ in beside],
                                 f"Its throughput over that of {base} in the same round.", of=of)]
    return figures + [Figure("failed", "", [], "Why there are no figures of it.", of={"server": name}, notes=text)
                      for name, text in why.items()]


# ── Copies ──

WAYS = ("copy", "mmap", "memory", "sendfile", "splice", "zerocopy")


class Copy(NamedTuple):
    """Seconds of processor time for one transfer, and octets a second."""
    sender: float
    receiver: float
    speed: float


def sendfile_above():
    """The largest file that Leat sends from memory, by its source; None without the source."""
    try:
        with open(os.path.join(BESIDE, "src", "handler", "file_kept.h")) as f:
            return int(re.search(r"FILE_IN_MEMORY_MAX = (\d+)", f.read()).group(1))
    except (OSError, AttributeError):
        return None


def read_copies(text):
    """by[size][way] = [Copy], a round each; and what is said of the whole."""
    by, about = {}, {}
    for line in map(json.loads, text.splitlines()):
        if "way" not in line:
            about |= line
            continue
        count = line["transfers"]
        by.setdefault(line["size"], {}).setdefault(line["way"], []).append(Copy(
            line["sender_cpu_s"] / count, line["receiver_cpu_s"] / count, line["size"] * count / line["seconds"]))
    return {size: {way: by[size][way] for way in WAYS if way in by[size]} for size in sorted(by)}, about


def wins_from(by, ways, base):
    """Per way, from which size on it takes less than base, at that size and every larger one."""
    found = {}
    for way in ways:
        found[way] = None
        for size in sorted(by, reverse=True):
            if way not in by[size] or by[size][way].high is None or by[size][way].high >= 1:
                break
            found[way] = size
    return [Figure(f"cheaper_than_{base}_from", "octets", [] if size is None else [size],
                   f"From this size on, at every size measured, it takes less of the sender's processor time than "
                   f"{base}, beyond the spread of the rounds.", of={"way": way},
                   notes="from no size on" if size is None else "")
            for way, size in found.items()]


def compare_copies(by, base):
    """Ratios of every way to base by size, and from where on each is the cheaper one."""
    ratios = {size: {way: paired_ratio(f"cpu_of_{base}", [c.sender for c in rounds],
                                       [c.sender for c in ways[base]],
                                       f"The sender's processor time over that of {base} in the same round.",
                                       of={"way": way, "size": size})
                     for way, rounds in ways.items() if way != base}
              for size, ways in by.items()}
    names = list(dict.fromkeys(way for ways in ratios.values() for way in ways))
    return [ratio for ways in ratios.values() for ratio in ways.values()] + wins_from(ratios, names, base)


def run_copies(lab):
    rounds = lab.rounds(COPY_ROUNDS, 3)
    with Child([lab.program("lab/copies"), "--folder", lab.scratch, "--rounds", rounds, "--milliseconds",
                10 if lab.quick else COPY_MS, "--seed", random.randrange(1 << 30),
                "--cores", f"{lab.cores.server},{lab.cores.client}"]) as child:
        by, about = read_copies(ended(child, 240))
    figures = []
    for size, ways in by.items():
        for way, rounds in ways.items():
            of = {"way": way, "size": size}
            notes = ""
            if way == "zerocopy":
                copied, sends = about["zerocopy_copied"], about["zerocopy_sends"]
                notes = (f"the kernel said of {copied} of {sends} such sends that it copied all the same, as loopback "
                         "does: only a network card can show what this way spares")
            figures += [Figure("cpu_per_transfer", "µs", [c.sender * 1e6 for c in rounds],
                               "Processor time of the sender for one file.", of=of, notes=notes),
                        Figure("cpu_of_both_ends", "µs", [(c.sender + c.receiver) * 1e6 for c in rounds],
                               "The same and the receiver's: on loopback each does some of the other's work.", of=of),
                        Figure("throughput", "Gbit/s", [c.speed * 8 / 1e9 for c in rounds],
                               "Octets that the receiver took a second, sender and receiver on a core each.", of=of)]
    figures += compare_copies(by, "copy") + compare_copies(
        {size: {way: ways[way] for way in ("sendfile", "memory")} for size, ways in by.items()}, "memory")
    above = sendfile_above()
    return figures + [Figure("leat_sendfile_above", "octets", [] if above is None else [above],
                             "Files up to this size Leat reads whole and sends from memory, larger ones by sendfile.",
                             notes="FILE_IN_MEMORY_MAX in src/handler/file_kept.h" if above else "the source tells")]


def steps(lab):
    bulk = lab.rounds(BULK_ROUNDS) * 5 * len(BULK_CONNECTIONS) * 1.2 + 3
    copies = lab.rounds(COPY_ROUNDS, 3) * 45 * (0.012 if lab.quick else 0.035) + 2
    return [Step("network/bulk", "bulk throughput beside iperf3 and nginx's sendfile", bulk, run_bulk),
            Step("network/copies", "the ways to send a file, by size", copies, run_copies),
            *latency_steps(lab)]
