"""latency.py: how soon small messages are answered under each TCP profile: on loopback, across a veth pair between two
network namespaces, and in a virtual machine whose veth pair delays and loses packets.

One server with a listener for each profile, so that nothing differs but the profile. A file of 13 octets is asked for
at a constant rate, and latency is counted from when a request was due. Rounds are interleaved: each measures every
profile once.
"""
import json
import os
import random
import re
import subprocess
import time

from kit import BESIDE, Child, Failed, Figure, Skip, Step, free_port, paired_ratio

from .namespaces import Pair

LOOPS = ("uring", "epoll")
ROUNDS, SECONDS, RATE, CONNECTIONS = 5, 2, 4000, 16
WARM_UP = 0.3
SHARES = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
BASE = "api"        # the profile that one has who chooses none

VM_ROUNDS, VM_SECONDS, VM_RATE, VM_CONNECTIONS, VM_WARM_UP = 3, 8, 250, 32, 1
DELAY_MS, JITTER_MS, LOSS_PERCENT = 20, 2, 1        # in each direction
VM_BOOT_S = 25
LINKS = {"plain": "the veth pair in the virtual machine as it is",
         "lossy": f"the same, {DELAY_MS} ms ± {JITTER_MS} ms late and {LOSS_PERCENT}% of packets lost each way"}
NOTES = "qemu imitates the processor (TCG): what its own slowness adds is seen in the figures of the plain link"
PROFILES_WORDS = re.compile(r"--tcp-profile ([a-z|-]+)")


def profiles(lab):
    """As the command names them."""
    said = subprocess.run([lab.program("leat"), "serve", "--help"], capture_output=True, text=True, check=False).stdout
    found = PROFILES_WORDS.search(said)
    if not found:
        raise Failed("leat serve --help names no profiles")
    return found.group(1).split("|")


def native():
    """What a reader must know of this kernel."""
    try:
        with open("/proc/sys/net/ipv4/tcp_congestion_control") as f:
            return f"congestion control, where the profile names none: {f.read().strip()}"
    except OSError:
        return ""


def make_site(lab):
    place = os.path.join(lab.scratch, "messages")
    os.makedirs(place, 0o755, exist_ok=True)
    with open(f"{place}/hello.txt", "w") as f:
        f.write("Hello, World!")
    return place


class Server:
    """A listener for each profile on an address. wrap: what stands before the command."""

    def __init__(self, lab, names, loop, address, wrap=()):
        self.address = address
        self.ports = {name: free_port() for name in names}
        command = [*wrap, lab.program("leat"), "serve", make_site(lab), "--shards", 1, "--loop", loop,
                   "--admin", "off"]
        for name, port in self.ports.items():
            command += ["--listen", f"{address}:{port}, profile={name}"]
        self.child = Child(command, core=lab.cores.server)
        try:
            self.child.wait_for_text("listening on")
        except Failed:
            self.child.stop()
            raise

    def url(self, name):
        return f"http://{self.address}:{self.ports[name]}/hello.txt"


def measure(lab, names, servers, wrap=()):
    """by[loop, profile] = what leat load said, a round each."""
    by, chance = {}, random.Random()
    count, seconds = lab.rounds(ROUNDS), 1 if lab.quick else SECONDS
    pairs = [(loop, name) for loop in servers for name in names]
    for number in range(count):
        for loop, name in chance.sample(pairs, len(pairs)):
            lab.tell(f"round {number + 1} of {count}: {name}, {loop}", number / count)
            told = lab.load(servers[loop].url(name), limit_s=60, wrap=wrap, rate=RATE, active=CONNECTIONS, threads=1,
                            duration=f"{seconds}s", warm_up=f"{int(WARM_UP * 1000)}ms", cores=lab.cores.client)
            if told["active"]["answers"] == 0:
                raise Failed(f"{name}, {loop}: no right answer: {told['first_error']}")
            by.setdefault((loop, name), []).append(told)
    return by


def figures_of(told, of, notes=""):
    """Latencies of some rounds of one profile; a share that too few answers tell of is left out of them."""
    figures = []
    for key, share in SHARES:
        enough = [t["active"]["latency"] for t in told if t["active"]["latency"]["count"] * (1 - share) >= 1]
        figures.append(Figure(f"latency_{key}", "µs", [latency[f"{key}_s"] * 1e6 for latency in enough],
                              f"{share * 100:g}% of the answers came at most so long after they were due.",
                              of=of, notes=notes if enough else "too few answers to tell"))
    return figures + [
        Figure("errors", "", [t["active"]["errors"]["all"] for t in told],
               "Requests without the right answer.", of=of),
        Figure("client_lateness_p99", "µs", [t["own"]["lateness"]["p99_s"] * 1e6 for t in told
                                             if t["own"]["lateness"]["p99_s"] is not None],
               "How late the client itself was with 1% of its requests: no latency below it means anything.", of=of)]


def all_figures(by, of, notes):
    """Of every profile on one link, and beside the one that is the default."""
    figures = []
    for name, told in by.items():
        figures += figures_of(told, of | {"profile": name}, notes)
        if name != BASE and len(told) == len(by.get(BASE, [])):
            for key in ("p50", "p99"):
                mine, base = ([t["active"]["latency"][f"{key}_s"] for t in rounds] for rounds in (told, by[BASE]))
                figures.append(paired_ratio(f"latency_{key}_of_{BASE}", mine, base,
                                            f"Its {key} over that of {BASE} in the same round.",
                                            of=of | {"profile": name}))
    return figures


def run_loopback(lab):
    names, servers = profiles(lab), {}
    try:
        for loop in LOOPS:
            servers[loop] = Server(lab, names, loop, "127.0.0.1")
        by = measure(lab, names, servers)
    finally:
        for server in servers.values():
            server.child.stop()
    return [figure for loop in LOOPS for figure in all_figures(
        {name: by[loop, name] for name in names}, {"loop": loop, "link": "loopback"}, native())]


def run_veth(lab):
    names = profiles(lab)
    with Pair() as pair:
        server = Server(lab, names, "auto", pair.address, pair.left)
        try:
            by = measure(lab, names, {"auto": server}, pair.right)
        finally:
            server.child.stop()
    return all_figures({name: by["auto", name] for name in names}, {"link": "veth"}, native())


# ── The virtual machine ──

def read_results(text):
    """by[link, profile] = what leat load said, a round each, from the guest's second serial line."""
    by = {}
    for part in re.findall(r"^result (.*?)^end\s*$", text.replace("\r", ""), re.MULTILINE | re.DOTALL):
        head, _, told = part.partition("\n")
        link, profile, _ = head.split()
        try:
            by.setdefault((link, profile), []).append(json.loads(told))
        except ValueError:
            raise Failed(f"what the guest sent of {link}, {profile} is no JSON: {told[:200]}")
    return by


def watch(lab, child, seconds, total):
    """Until the guest is switched off; what it says stands on the line that changes."""
    end = time.monotonic() + seconds
    while child.alive():
        said = re.findall(r"^guest: (.*)", child.output(), re.MULTILINE)
        if said:
            lab.tell(f"in the virtual machine: {said[-1].strip()}", min(1, len(said) / total))
        if time.monotonic() > end:
            child.fail(f"the virtual machine did not end in {seconds:.0f} s")
        time.sleep(0.2)
    said = child.output()
    if child.process.returncode == 69:
        raise Skip(said.strip().splitlines()[-1])
    if child.process.returncode != 0 or not re.search(r"^guest: done", said, re.MULTILINE):
        child.fail("the virtual machine came to no good end")


def vm_plan(lab):
    """Rounds on each link, and seconds of one measurement."""
    return {"plain": 1, "lossy": 1 if lab.quick else lab.rounds(VM_ROUNDS)}, 2 if lab.quick else VM_SECONDS


def run_vm(lab):
    names, (rounds, seconds) = profiles(lab), vm_plan(lab)
    place = os.path.join(lab.scratch, "vm")
    os.makedirs(place, exist_ok=True)
    settings = {"profiles": " ".join(names), "plain_rounds": rounds["plain"], "lossy_rounds": rounds["lossy"],
                "seconds": seconds, "warm_up": VM_WARM_UP, "rate": VM_RATE, "connections": VM_CONNECTIONS,
                "limits": f"delay {DELAY_MS}ms {JITTER_MS}ms loss {LOSS_PERCENT}%"}
    with open(f"{place}/settings", "w") as f:
        f.writelines(f'{name}="{value}"\n' for name, value in settings.items())
    kernels = os.path.join(BESIDE, "build", "kernel")       # ./dev kernel's: one copy for both
    total = len(names) * sum(rounds.values())
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vm")
    if not os.path.exists(script):
        raise Skip("the virtual machine is made in the source tree only (./dev lab)")
    with Child([script, lab.program("leat"), kernels, place]) as child:
        watch(lab, child, 120 + 3 * total * (seconds + VM_WARM_UP), total)
    with open(f"{place}/results", errors="replace") as f:
        by = read_results(f.read())
    lacking = [f"{link}, {name}" for link, n in rounds.items() for name in names if len(by.get((link, name), [])) != n]
    if lacking:
        raise Failed("the virtual machine sent no result of " + "; ".join(lacking))
    return [figure for link, words in LINKS.items() for figure in all_figures(
        {name: by[link, name] for name in names}, {"link": f"vm-{link}"}, f"{words}; {NOTES}")]


def latency_steps(lab):
    each = (1 if lab.quick else SECONDS) + WARM_UP + 0.3
    count = 5 * lab.rounds(ROUNDS) * each       # of profiles, about
    rounds, seconds = vm_plan(lab)
    vm = VM_BOOT_S + 5 * sum(rounds.values()) * (seconds + VM_WARM_UP + 1)
    return [Step("network/latency-loopback", "small messages under each TCP profile, on loopback", 2 * count,
                 run_loopback),
            Step("network/latency-veth", "the same across a veth pair between two namespaces", count, run_veth),
            Step("network/latency-lossy", "the same with loss and delay, in a virtual machine", vm, run_vm)]
