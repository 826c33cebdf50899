"""memory.py: table 1: what servers hold, what becomes of it, how long they stand still for it, how often they ask for
it.

Each peer has three steps: quiet connections, churn, allocator calls; and Leat two more, a million connections on each
loop.
"""
import json
import os
import sys
import time

from kit import Child, Failed, Figure, Skip, Step, fit_line, free_port
from kit import million, resident
from kit.interposer import Interposer
from kit.load import before_others
from kit.peers import descriptors, get, runtime_figures
from slab import growth, settled_slab

TITLE = "Memory"
ABOUT = ("What a quiet connection costs, what is left after an hour's worth of requests of all sizes, how long "
         "nobody is answered, and how often the allocator is asked. One worker on one core, clients on another.")

KIT = os.path.dirname(os.path.abspath(resident.__file__))
MILLION = 1_000_000
WARM, COUNTED_CONNECTIONS = 40, 200
LEAST_HELD = 500        # quiet connections; who can't hold so many has no figure
BARE = 10_000
CHURN, CHURN_RATE, CHURN_LIMIT_S = 30_000, 1500, 45
PROBE_RATE, PROBE_QUIET_S = 1000, 3     # requests a second
REST_S, LATER_S = 10, 35
COUNTED = 10_000        # requests over which allocator calls are counted


def steps(lab):
    peers = [peer for peer in lab.peers if peer.kind != "floor"]
    floors = [peer for peer in lab.peers if peer.kind == "floor"]

    def step(kind, what, function, seconds, quick_seconds, peer):
        return Step(f"memory/{kind}/{peer.name}", f"{peer.title}: {what}", quick_seconds if lab.quick else seconds,
                    lambda lab: function(lab, peer), peer)

    found = []
    for peer in peers:
        found += [step("quiet", "memory of quiet connections", quiet, 22, 7, peer),
                  step("churn", "after requests of all sizes", churn,
                       38 + (LATER_S if peer.memory == "leat" else 0), 10, peer),
                  step("calls", "allocator calls", calls, 6, 3, peer)]
    found += [step("probe", "a steady prober", probe_floor, 8, 4, floor) for floor in floors]
    found += [step("million", "a million quiet connections", many, 120, 55, peer)
              for peer in peers if peer.kind == "leat"]
    return found


# ── Quiet connections ────────────────────────────────────────────────────────────────────────────────────────────


def bare_sockets(lab):
    """Slab bytes of a pair of bare sockets; asked once in a run."""
    if not hasattr(lab, "bare_pair"):
        port, count = free_port(), 2000 if lab.quick else BARE
        program = lab.program("bench/million_client")
        with Child([program, "bare", port, 1], core=lab.cores.server) as bare:
            bare.wait_for_text("listening")
            with resident.Holder(lab, port) as holder:
                before = settled_slab()
                holder.open(count)
                lab.bare_pair = sum(growth(before, settled_slab(), count).values())
    return lab.bare_pair


def warm(lab, port, count=WARM):
    """A few requests and their connections, so that what a program touches once in its life is not charged to those
    that are counted."""
    with resident.Holder(lab, port) as holder:
        holder.open(count)
        holder.close()


def hold(lab, peer, counts):
    """One server, connections added to it: base, [(connections, PSS above the warm server's)], slab bytes a pair."""
    with peer.start(lab, core=lab.cores.server) as server, resident.Holder(lab, server.port) as holder:
        base = resident.settled(server.pid)
        warm(lab, server.port)
        slab = settled_slab()
        points = [(0, resident.settled(server.pid)["pss"])]
        for count in counts:
            lab.tell(f"{peer.title}: {count:,} connections")
            holder.open(count)
            points.append((count, resident.settled(server.pid)["pss"]))
        kernel = sum(growth(slab, settled_slab(), counts[-1]).values())
        if (alive := holder.alive()) != counts[-1]:
            raise Failed(f"{counts[-1] - alive:,} of {counts[-1]:,} quiet connections were closed by the server")
    return base, points, kernel


def quiet(lab, peer):
    limit = descriptors()
    counts, remark = resident.sizes(limit, lab.quick), ""
    bare = bare_sockets(lab)
    try:
        rounds = [hold(lab, peer, counts)]
    except resident.Refused as refused:     # it can't hold so many here: as many as it can, with room to spare
        if refused.held < LEAST_HELD:
            raise
        counts, remark = resident.spread(refused.held * 9 // 10), f" More it did not hold: {refused}."
        rounds = [hold(lab, peer, counts)]
    rounds += [hold(lab, peer, counts) for _ in range(lab.rounds(2, least=1) - 1)]
    rows = [(n, pss - points[0][1]) for _, points, _ in rounds for n, pss in points if n]
    line = fit_line(rows)
    slopes = [fit_line([(n, pss) for n, pss in points if n]).slope for _, points, _ in rounds]
    base = [b["pss"] for b, _, _ in rounds]
    most, warmed = counts[-1], min(points[0][1] for _, points, _ in rounds)
    each = [(points[-1][1] - points[0][1]) / most for _, points, _ in rounds]
    above = [kernel - bare for _, _, kernel in rounds if kernel > bare]     # else others were at work meanwhile
    if len(above) < len(rounds):
        bare_note = f"In {len(rounds) - len(above)} of {len(rounds)} rounds others were at work: slab fell."
    else:
        bare_note = f"A pair of bare sockets took {bare:,.0f} bytes, half of it on each side; {most:,} connections."
    places = ", ".join(f"{n:,}" for n in counts)
    held = f"One process, {limit:,} descriptors at most (RLIMIT_NOFILE); {places} connections.{remark}"
    return [
        Figure("base_pss", "bytes", base, "Memory of the server that has just started and answered once (PSS)."),
        Figure("base_rss", "bytes", [b["rss"] for b, _, _ in rounds],
               "The same, with shared pages counted whole (RSS)."),
        Figure("user_bytes_per_connection", "bytes", slopes,
               "What one more quiet connection adds to the server's memory, each having been answered once: the "
               "slope of the line through several sizes.", median=line.slope, low=line.low, high=line.high, notes=held,
               points=rows),
        Figure("mean_user_bytes_per_connection", "bytes", each,
               f"Memory above that of the warm server, over {most:,} quiet connections."),
        Figure("projected_bytes_at_a_million", "bytes", [], "The line carried on to a million connections, with the "
               "warm server's memory: projected, not measured.", median=warmed + MILLION * line.slope,
               low=None if line.low is None else warmed + MILLION * line.low,
               high=None if line.high is None else warmed + MILLION * line.high, projected=True),
        Figure("kernel_bytes_per_connection", "bytes", [bare / 2 + a for a in above],
               "What a quiet connection takes of the kernel's memory (slab) on the server's side: its socket, and "
               "what it waits by.", notes=bare_note),
        Figure("kernel_bytes_of_waiting", "bytes", above,
               "The part of it that is not the bare socket: what the server has the kernel do while it waits.",
               notes=bare_note),
    ]


# ── Churn ────────────────────────────────────────────────────────────────────────────────────────────────────────


def told_by(child, seconds):
    """The JSON that a program of ours says at its end."""
    end = time.monotonic() + seconds
    while child.alive():
        if time.monotonic() > end:
            child.fail(f"did not end in {seconds:.0f} s")
        time.sleep(0.05)
    if child.process.returncode != 0:
        child.fail(f"ended with status {child.process.returncode}")
    return json.loads(child.output().strip().split("\n")[-1])


def probe(lab, port, seconds):
    """A steady prober: one connection, an open loop, before other programs on its core where that is allowed."""
    wrap = before_others()
    told = lab.load(f"http://127.0.0.1:{port}/plaintext", wrap=wrap, rate=PROBE_RATE, active=1, threads=1,
                    warm_up="200ms", duration=f"{seconds:.0f}s", timeout="20s")
    return {**told["active"], "own": told["own"], "first": bool(wrap)}


def probe_figures(prefix, told, when, note=""):
    note += f" The prober itself was late by {told['own']['lateness']['max_s'] * 1e6:,.0f} µs at most."
    if not told["first"]:
        note += " It could not be given a place before other programs on its core."
    return [
        *(Figure(f"{prefix}_{name}", "s", [told["latency"][key]], f"{what} of {PROBE_RATE:,} requests a second on one "
                 f"connection, {when}; counted from when a request was due.", notes=note.strip())
          for name, key, what in (("p50", "p50_s", "The middle answer"), ("p999", "p999_s", "999 of 1,000 answers"),
                                  ("max", "max_s", "The latest answer"))),
        Figure(f"{prefix}_errors", "", [told["errors"]["all"]], "Its requests that were not answered rightly.")]


def probe_floor(lab, floor):
    """What the prober sees of a program that looks at nothing: its own scale."""
    with floor.start(lab, core=lab.cores.server) as server:
        told = probe(lab, server.port, 2 if lab.quick else 6)
    return probe_figures("probe", told, "to a server that looks at nothing")


def live(port):
    """A Leat server's own figures."""
    return json.loads(get(port, "/leat/live.json"))


def own_pauses(peer, server, admin):
    """What the server tells of its own pauses, named as what it is."""
    if peer.memory == "leat":
        turn = live(admin)["histograms"]["turn"]
        return [Figure("own_longest_pause", "s", [turn["max_s"]], "The longest turn of the loop, from waking to "
                       "sleeping, since the start: as long as everybody else had to wait.",
                       notes="Leat's leat_loop_turn_seconds: all that a turn does, and the time of others who were "
                       "let run meanwhile; a collector's pauses have neither in them.")]
    if peer.memory == "malloc":
        return []
    told = runtime_figures(server)
    notes = " ".join(str(told[key]) for key in ("source", "gc_pause_max_is") if told.get(key))
    figures = []
    for name, key, unit, means in (
            ("own_longest_pause", "gc_pause_max_s", "s", "The longest pause of its collector since the start, by the "
             "runtime's own report: so long nobody was answered."),
            ("own_pauses_in_all", "gc_pause_total_s", "s", "All pauses of its collector, by its own report."),
            ("collections", "gc_count", "", "Collections since the start, by the runtime's own report."),
            ("live_heap_after_churn", "heap_bytes", "bytes", "What the runtime itself says its heap holds.")):
        if told.get(key) is not None:
            figures.append(Figure(name, unit, [told[key]], means, notes=notes))
    return figures


def rested_later(lab, server, start):
    lab.tell(f"{LATER_S} s more of rest")
    time.sleep(LATER_S)
    return [Figure("resident_over_start_later", "", [resident.memory(server.pid)["pss"] / start],
                   f"The same {REST_S + LATER_S} s after the end: Leat gives back after 30 s of little to do. The others "
                   "were not watched for so long.")]


def over_live(figures, rested):
    """What is resident for each octet that the runtime says is in use; who asks malloc does not tell."""
    live = next((f.median for f in figures if f.name == "live_heap_after_churn"), None)
    return [Figure("resident_over_live", "", [rested / live], "Memory after the churn and its rest, over what the "
                   "runtime says its heap holds then: fragmentation, and what is kept for later.")] if live else []


def churn(lab, peer):
    admin = free_port()
    env = {"LEAT_ADMIN": f"127.0.0.1:{admin}"} if peer.memory == "leat" else {}
    count, rest = (CHURN // 10, REST_S // 5) if lab.quick else (CHURN, REST_S)
    seconds = count / CHURN_RATE
    with peer.start(lab, core=lab.cores.server, env=env) as server:
        start = resident.settled(server.pid)["pss"]
        before = probe(lab, server.port, PROBE_QUIET_S)
        with Child([sys.executable, os.path.join(KIT, "churn.py"), server.port, count, CHURN_RATE, CHURN_LIMIT_S,
                    ",".join(peer.routes)], core=lab.cores.client) as client:
            lab.tell(f"{peer.title}: {count:,} requests of all sizes")
            during = probe(lab, server.port, seconds)
            high = resident.memory(server.pid)["pss"]
            done = told_by(client, CHURN_LIMIT_S + 60)
        if not done["answers"]:
            raise Failed(f"no request was answered: {done['first_error']}")
        lab.tell(f"{peer.title}: {rest} s of rest")
        time.sleep(rest)
        rested = resident.memory(server.pid)["pss"]
        pauses = own_pauses(peer, server, admin)
        later = rested_later(lab, server, start) if peer.memory == "leat" and not lab.quick else []
    return [*churn_figures(peer, done, rest, start, high, rested),
            *probe_figures("probe", before, "to a server with nothing else to do"),
            *probe_figures("churn_probe", during, "while requests of all sizes come", late_note(done, count)), *pauses,
            *over_live(pauses, rested), *later]


def late_note(done, count):
    note = f"{done['answers']:,} of {count:,} requests answered in {done['seconds']:.0f} s."
    if done["late_s"] > 1:
        note += f" It could not keep up with {CHURN_RATE:,} a second: requests were up to {done['late_s']:.0f} s late."
    return note


def churn_figures(peer, done, rest, start, high, rested):
    errors = f" The first: {done['first_error']}." if done["errors"] else ""
    note = "" if "upload" in peer.routes else "It has no upload, so half of the requests fetched text instead."
    if peer.memory == "leat":
        note += " Leat begins to give memory back after 30 s of little to do, so this is what it keeps in readiness."
    return [
        Figure("resident_over_start", "", [rested / start],
               f"Memory after {done['requests']:,} requests of all sizes on {done['connections']:,} connections, "
               f"all closed, and {rest} s of rest, over its memory after the start: what has not come back.",
               notes=note.strip()),
        Figure("resident_after_churn", "bytes", [rested], "The same in bytes (PSS)."),
        Figure("resident_in_churn", "bytes", [high], "Memory at the end of the churn, connections open (PSS)."),
        Figure("churn_errors", "", [done["errors"]], "Requests that were not answered, or not rightly." + errors),
    ]


# ── Allocator calls ──────────────────────────────────────────────────────────────────────────────────────────────


def counted(lab, port, count):
    """So many GET /plaintext one after the other on one connection."""
    with resident.Holder(lab, port) as holder:
        holder.open(1)
        if (answered := holder.ask(f"again {count}")) != count:
            raise Failed(f"{answered:,} of {count:,} requests were answered")


def call_figures(told, requests, connections, by, start):
    """told: what came of requests and of connections: {"allocations", "frees"}."""
    figures = []
    for what, over in (("request", requests), ("connection", connections)):
        for key in ("allocations", "frees"):
            if told[what].get(key) is not None:
                figures.append(Figure(f"{key}_per_{what}", "", [told[what][key] / over],
                                      f"{key.capitalize()} for each {what}" +
                                      ("" if what == "request" else ", with one request on it and its end") +
                                      f", over {over:,}.", notes=by))
    in_all = start + told["request"]["allocations"] + told["connection"]["allocations"]
    figures += [
        Figure("allocations_at_start", "", [start],
               f"Allocations from its start to the end of its first {connections} connections.", notes=by),
        Figure("allocations_in_all", "", [in_all], f"All of them: the start, {requests:,} requests on one "
               f"connection, and {connections} connections more.", notes=by)]
    return figures


def calls(lab, peer):
    count = COUNTED // 10 if lab.quick else COUNTED
    by = "Counted by a library that stands before malloc and its like"
    if peer.memory in ("malloc", "leat"):
        return calls_by_interposer(lab, peer, count, by + ".")
    if peer.memory == "python":     # its runtime does not count, but can be told to ask malloc for every object
        by += ", with PYTHONMALLOC=malloc: every object is then asked of it."
        return calls_by_interposer(lab, peer, count, by, {"PYTHONMALLOC": "malloc"})
    return calls_by_runtime(lab, peer, count)


def calls_by_interposer(lab, peer, count, by, env=None):
    def take(interposer):
        told = interposer.read()
        return {"allocations": told["allocates"]["calls"], "frees": told["frees"]["calls"]}

    with Interposer(lab) as interposer, \
            peer.start(lab, core=lab.cores.server, env={**interposer.env, **(env or {})}) as server:
        warm(lab, server.port, COUNTED_CONNECTIONS)
        start = take(interposer)["allocations"]
        interposer.reset()
        counted(lab, server.port, count)
        told = {"request": take(interposer)}
        interposer.reset()
        warm(lab, server.port, COUNTED_CONNECTIONS)
        time.sleep(1)
        told["connection"] = take(interposer)
    return call_figures(told, count, COUNTED_CONNECTIONS, by, start)


def calls_by_runtime(lab, peer, count):
    def difference(before, after):
        return {key: after[key] - before[key] for key in ("allocations", "frees")
                if before.get(key) is not None and after.get(key) is not None}

    with peer.start(lab, core=lab.cores.server) as server:
        warm(lab, server.port, COUNTED_CONNECTIONS)
        first = runtime_figures(server)
        if first.get("allocations") is None:
            raise Skip(f"its runtime does not tell how often it allocates ({first.get('source', 'no source named')})")
        before = runtime_figures(server)
        reading = difference(first, before)     # what asking costs by itself
        counted(lab, server.port, count)
        after = runtime_figures(server)
        told = {"request": difference(before, after)}
        warm(lab, server.port, COUNTED_CONNECTIONS)
        told["connection"] = difference(after, runtime_figures(server))
    for one in told.values():
        for key in one:
            one[key] -= reading.get(key, 0)
    by = f"Told by the runtime: {first.get('source', '')}."
    return call_figures(told, count, COUNTED_CONNECTIONS, by, first["allocations"])


# ── A million ────────────────────────────────────────────────────────────────────────────────────────────────────


def many(lab, peer):
    return million.figures(lab, peer, 100_000 if lab.quick else MILLION)
