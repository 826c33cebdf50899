"""allocation.py: Table 2: how long an allocation takes while a server works, and how many a request takes.

Every row is one server on one core under the same load: GET /plaintext on 64 connections, each asking again when it
has been answered. Leat is built to time its own pools and arenas, inlined as they are (LEAT_TIME_MEMORY), and once more
with malloc in place of its pools (LEAT_POOLS=malloc), under four allocators. Servers that use malloc are timed by
lab/interpose, with the same clock. What is in every row beside it is the clock with nothing between, in the same
threads under the same load: a figure means as much as it is above that.
"""
import copy
import json
import os
import subprocess

from kit import BESIDE, Failed, Figure, Skip, Step
from kit.interposer import Calls, Interposer
from kit.peers import Peer, runtime_figures

TITLE = "Allocation"
ABOUT = ("How long an allocation takes in a server under load, beside the clock's own floor; and how many calls a "
         "request takes. One core for the server, 64 connections that ask for plaintext.")

CONNECTIONS = 64
ROUNDS, SECONDS, WARM_UP = 3, 3.0, 0.5
BUILD_SECONDS = 120
ALLOCATORS = {"glibc": None, "mimalloc": "libmimalloc.so.2", "jemalloc": "libjemalloc.so.2",
              "tcmalloc": "libtcmalloc_minimal.so.4"}
PACKAGES = {"mimalloc": "libmimalloc2.0", "jemalloc": "libjemalloc2", "tcmalloc": "libtcmalloc-minimal4"}
PARTS = (("mean", "mean_ns"), ("calm_mean", "calm_mean_ns"), ("p50", "p50_ns"), ("p99", "p99_ns"), ("p999", "p999_ns"),
         ("max", "max_ns"), ("own_mean", "own_mean_ns"), ("own_max", "own_max_ns"), ("switched", "switched"))
SAYS = {
    "mean": "the mean, whatever came between",
    "calm_mean": "the mean of the 99.9% that were quickest: without what the machine did meanwhile",
    "p50": "half took at most so long",
    "p99": "99% took at most so long",
    "p999": "99.9% took at most so long",
    "max": "the longest; who is preempted meanwhile waits for the scheduler, so it means nothing without the floor's",
    "own_mean": "the mean of those during which nobody else ran on the core",
    "own_max": "the longest of those during which nobody else ran on the core; interrupts are in it",
    "switched": "in a round so many were not alone: meanwhile somebody else ran on the core",
}
WHAT = {"allocate": "One call that asks for memory", "free": "One call that gives it back",
        "floor": "Two readings of the clock with nothing between, in the same threads under the same load"}
CLOCK = {"floor": "Two readings of the clock with nothing between, on the server's core and without a server",
         "empty": "A call of an empty function between two readings, on the server's core and without a server"}
RUNTIMES = {"go": "Go's runtime counts its allocations and does not time them",
            "v8": "V8 does not count what it allocates, nor does it time it"}
PYTHON = ("with PYTHONMALLOC=malloc, so that every object is asked of malloc: CPython's own allocator, which it asks "
          "otherwise, neither counts nor times")


# ── The load ──

def load(lab, server, seconds):
    """Answers to this load; no other answer than 200 and the same content counts."""
    told = lab.load(f"http://127.0.0.1:{server.port}/plaintext", limit_s=60, active=CONNECTIONS, warm_up="0s",
                    duration=f"{int(seconds * 1000)}ms")
    answers = told["active"]["answers"]
    if answers == 0:
        raise Failed(f"no right answer: {told['first_error']}")
    return answers


def seconds_of(lab):
    return SECONDS / 3 if lab.quick else SECONDS


def measure(lab, start, calls):
    """[(what was counted, answers)], a start of the server each round. calls(): an open file that it counts in."""
    told = []
    for number in range(count := lab.rounds(ROUNDS, 1)):
        lab.tell(f"round {number + 1} of {count}", number / count)
        with calls() as counted, start(counted.env) as server:
            load(lab, server, WARM_UP)
            counted.reset()
            answers = load(lab, server, seconds_of(lab))
            told.append((counted.read(), answers))
    return told


# ── Figures ──

def latency(told, name, what, of=None):
    """told: the "latency" of each round, of one kind of call."""
    told = [t for t in told if t is not None]
    return [Figure(f"{name}_{part}", "" if part == "switched" else "ns", [t[key] for t in told if t[key] is not None],
                   f"{what}: {SAYS[part]}.", of=of or {}, notes="" if told else "there was no such call")
            for part, key in PARTS]


def above_floor(rounds, key, what):
    """The clock's own share taken off; what is below a step of the clock shows in a mean all the same."""
    values = [told[key]["latency"]["calm_mean_ns"] - told["floor"]["calm_mean_ns"] for told, _ in rounds
              if told[key]["latency"] and told["floor"]]
    name = {"allocates": "allocate", "frees": "free"}[key]
    return Figure(f"{name}_above_floor", "ns", values,
                  f"{what}: the mean of the quickest 99.9% less that of the clock's floor in the same round: what it "
                  "takes beyond the reading of the clock.")


def per_request(rounds):
    def of(key, field):
        return [told[key][field] / answers for told, answers in rounds]
    return [
        Figure("calls_per_request", "", of("all", "calls"), "Calls of either kind, over the requests."),
        Figure("allocations_per_request", "", of("allocates", "calls"),
               "Calls that ask for memory, over the requests answered meanwhile."),
        Figure("frees_per_request", "", of("frees", "calls"), "Calls that give it back, over the requests."),
        Figure("bytes_per_request", "bytes", of("allocates", "bytes"), "Bytes asked for, over the requests."),
        Figure("calls", "", [told["all"]["calls"] for told, _ in rounds], "Calls that were timed, in a round."),
        Figure("failures", "", [told["allocates"]["failures"] for told, _ in rounds],
               "Calls that asked for memory and got none, in a round.")]


def places(rounds):
    """Each kind of call that was made: how many a request, and how long."""
    names = [name for name, place in rounds[0][0]["places"].items() if place["calls"]]
    figures = []
    for name in names:
        some = [(told["places"][name], answers) for told, answers in rounds]
        figures += [
            Figure("place_calls_per_request", "", [place["calls"] / answers for place, answers in some],
                   "Calls of this one over the requests.", of={"place": name}),
            Figure("place_calm_mean", "ns", [p["latency"]["calm_mean_ns"] for p, _ in some if p["latency"]],
                   f"A call of this one, the clock's floor not taken off: {SAYS['calm_mean']}.", of={"place": name}),
            Figure("place_p99", "ns", [p["latency"]["p99_ns"] for p, _ in some if p["latency"]],
                   f"A call of this one, the clock's floor not taken off: {SAYS['p99']}.", of={"place": name})]
    return figures


def figures(rounds):
    return [*latency([t["allocates"]["latency"] for t, _ in rounds], "allocate", WHAT["allocate"]),
            *latency([t["frees"]["latency"] for t, _ in rounds], "free", WHAT["free"]),
            *latency([t["floor"] for t, _ in rounds], "floor", WHAT["floor"]),
            above_floor(rounds, "allocates", WHAT["allocate"]), above_floor(rounds, "frees", WHAT["free"]),
            *per_request(rounds), *places(rounds)]


# ── Steps ──

def clock(lab):
    reader, told = lab.program("lab/latency"), []
    for number in range(count := lab.rounds(ROUNDS, 1)):
        lab.tell(f"round {number + 1} of {count}", number / count)
        done = subprocess.run(["taskset", "-c", str(lab.cores.server), reader, "floor", str(seconds_of(lab))],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"latency floor: ended with status {done.returncode}: {done.stderr.strip()}")
        told.append(json.loads(done.stdout))
    return [*latency([t["floor"] for t in told], "floor", CLOCK["floor"]),
            *latency([t["empty"] for t in told], "empty", CLOCK["empty"])]


def build_of(preset):
    """A build of Leat that measures itself, in the tree's build folder."""
    if not os.path.exists(os.path.join(BESIDE, "CMakePresets.json")):
        raise Skip("Leat has to be built anew for this, which takes its source tree: ./dev lab")
    folder = os.path.join(BESIDE, "build", preset)
    for command in (["cmake", "--preset", preset], ["cmake", "--build", folder, "--target", "libleat"]):
        try:
            done = subprocess.run(command, cwd=BESIDE, capture_output=True, text=True, check=False)
        except OSError as error:
            raise Skip(f"{command[0]}: {error.strerror}")
        if done.returncode != 0:
            said = (done.stdout + done.stderr)[-2000:]
            raise Failed(f"{' '.join(command)}: ended with status {done.returncode}\n{said}")
    return folder


def with_build(lab, preset):
    """The same lab, with another build of Leat."""
    folder = lab.files and build_of(preset)     # what is made once is made before there are two
    view = copy.copy(lab)
    view.leat, view.build_folder = folder, os.path.join(lab.build_folder, preset)
    return view


def find_library(name):
    """Where the loader would find it; None: nowhere."""
    done = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False)
    found = [line.split()[-1] for line in done.stdout.splitlines() if line.split()[:1] and
             (line.split()[0] == name or line.split()[0].startswith(name + "."))]
    return found[0] if found else None


def leat(peer, preset, allocator=None):
    """Leat with its own pools (timed), or with malloc's (timed-malloc) under an allocator."""
    def run(lab):
        preload = {}
        if allocator and ALLOCATORS[allocator]:
            path = find_library(ALLOCATORS[allocator])
            if path is None:
                raise Skip(f"{ALLOCATORS[allocator]} is not there: install {PACKAGES[allocator]}")
            preload = {"LD_PRELOAD": path}
        lab.tell(f"building Leat ({preset})")
        view = with_build(lab, preset)
        own = Peer(peer.folder)
        own.build(view)
        rounds = measure(lab, lambda env: own.start(view, core=lab.cores.server, env={**env, **preload}),
                         lambda: Calls(lab, "LAB_MEMORY_OUT"))
        return figures(rounds)
    return run


def interposed(peer):
    more = {"PYTHONMALLOC": "malloc"} if peer.memory == "python" else {}

    def run(lab):
        rounds = measure(lab, lambda env: peer.start(lab, core=lab.cores.server, env={**env, **more}),
                         lambda: Interposer(lab, timing=True))
        found = figures(rounds)
        for figure in found:
            figure.notes = figure.notes or (PYTHON if more else "")
        return found
    return run


def told_by_runtime(peer):
    """A runtime with memory of its own: what it says of itself, and nothing for what it does not say."""
    def run(lab):
        rounds = []
        for number in range(count := lab.rounds(ROUNDS, 1)):
            lab.tell(f"round {number + 1} of {count}", number / count)
            with peer.start(lab, core=lab.cores.server) as server:
                load(lab, server, WARM_UP)
                before = runtime_figures(server)
                answers = load(lab, server, seconds_of(lab))
                rounds.append((before, runtime_figures(server), answers))
        why = RUNTIMES[peer.memory]
        source = rounds[0][1].get("source", "its runtime")

        def change(key):
            return [(after[key] - before[key]) / answers for before, after, answers in rounds
                    if before.get(key) is not None and after.get(key) is not None]
        found = [Figure("allocations_per_request", "", values := change("allocations"),
                        f"Allocations that the runtime counted, over the requests ({source}).",
                        notes="" if values else why),
                 Figure("frees_per_request", "", values := change("frees"),
                        f"Frees that the runtime counted, over the requests ({source}).", notes="" if values else why),
                 Figure("gc_pause_max", "ns", values := [a["gc_pause_max_s"] * 1e9 for _, a, _ in rounds
                                                         if a.get("gc_pause_max_s") is not None],
                        f"The longest pause that its collector reports since the start ({source}).",
                        notes="" if values else "its runtime does not tell")]
        return [Figure(f"allocate_{part}", "ns", [], f"{WHAT['allocate']}: {SAYS[part]}.", notes=why)
                for part, _ in PARTS] + found
    return run


def steps(lab):
    each = lab.rounds(ROUNDS, 1) * (seconds_of(lab) + WARM_UP + 1)
    found = [Step("allocation/clock", "the clock itself, and an empty loop", lab.rounds(ROUNDS, 1) * seconds_of(lab),
                  clock)]
    own = [peer for peer in lab.peers if peer.kind == "leat"]
    for i, peer in enumerate(own):
        found.append(Step(f"allocation/{peer.name}", f"{peer.title}: its pools and arenas",
                          each + (BUILD_SECONDS if i == 0 else 0), leat(peer, "timed")))
    for i, peer in enumerate(own):
        for j, name in enumerate(ALLOCATORS):
            found.append(Step(f"allocation/{peer.name}-{name}", f"{peer.title}, {name} in place of its pools",
                              each + (BUILD_SECONDS if i + j == 0 else 0), leat(peer, "timed-malloc", name)))
    for peer in lab.peers:
        if peer.kind in ("leat", "floor"):
            continue
        has_malloc = peer.memory in ("malloc", "python")
        found.append(Step(f"allocation/{peer.name}",
                          f"{peer.title}: {'malloc and its like' if has_malloc else 'what its runtime tells'}", each,
                          interposed(peer) if has_malloc else told_by_runtime(peer), peer=peer))
    return found
