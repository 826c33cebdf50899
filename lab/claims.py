"""claims.py: beside each of the articles' claims what was found, and where Leat is not ahead of a row of tables 1 and 2."""
import json
import os

from words import told

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = ("leat-epoll", "leat-uring")

# Of each, less is better; who is not ahead in one of them is told so. (table/steps, figure, in words)
AHEAD_IN = (
    ("memory/quiet", "user_bytes_per_connection", "memory of a quiet connection"),
    ("memory/quiet", "base_pss", "memory at the start"),
    ("memory/quiet", "kernel_bytes_of_waiting", "kernel memory for waiting"),
    ("memory/churn", "resident_over_start", "memory after requests of all sizes, over that of the start"),
    ("memory/churn", "resident_after_churn", "memory after requests of all sizes"),
    ("memory/churn", "own_longest_pause", "the longest pause by its own report"),
    ("memory/churn", "churn_probe_p999", "a steady prober's p99.9"),
    ("memory/churn", "churn_probe_max", "a steady prober's longest wait"),
    ("memory/calls", "allocations_per_request", "allocations for a request"),
    ("memory/calls", "allocations_per_connection", "allocations for a connection"),
    ("allocation", "allocate_above_floor", "an allocation, above the clock's floor"),
    ("allocation", "allocate_mean", "an allocation, mean"),
    ("allocation", "allocate_p50", "an allocation, p50"),
    ("allocation", "allocate_p99", "an allocation, p99"),
    ("allocation", "allocate_p999", "an allocation, p99.9"),
    ("allocation", "allocate_max", "an allocation, longest"),
    ("allocation", "allocate_own_mean", "an allocation nobody disturbed, mean"),
    ("allocation", "allocate_own_max", "an allocation nobody disturbed, longest"),
    ("allocation", "free_p99", "giving back, p99"),
    ("allocation", "failures", "failed allocations"),
)


def read_claims():
    with open(os.path.join(HERE, "claims.json")) as f:
        return json.load(f)


def find(results, steps, peer, name):
    """A figure of a peer, or None."""
    for step in (f"{steps}/{peer}", steps):
        for figure in results.steps.get(step, {}).get("figures", []):
            if figure["name"] == name and figure.get("median") is not None:
                return figure
    return None


def others(results):
    """Rows that are not Leat's own: every peer, and Leat with another allocator."""
    named = [name.split("/")[-1] for name in results.steps]
    return sorted({n for n in named if n in results.peers and results.kind(n) in ("peer", "bar")} |
                  {n for n in named if n not in results.peers and results.peer_of(n) is not None})


def leats(results, claim):
    """Leat's own two figures for what is claimed."""
    steps, name = claim.get("leat_by", claim["measured_by"]), claim.get("leat_name", claim["name"])
    return [find(results, steps, ours, name) for ours in OURS]


def verdict(claim, found, ours):
    known = [f["median"] for f in ours if f]
    if not known:
        return "Leat was not measured"
    worst, said = max(known), []
    said.append("ahead of the claim" if worst < claim["value"] else
                "as the claim" if worst == claim["value"] else "**behind the claim**")
    if found:
        said.append("ahead of what was found" if worst < found["median"] else
                    "as what was found" if worst == found["median"] else "**behind what was found**")
    return ", ".join(said)


def write(results, document):
    claims = read_claims()
    rows = []
    for claim in claims["claims"]:
        if claim["value"] is None:
            continue
        if claim["peer"]:
            found = find(results, claim["measured_by"], claim["peer"], claim["name"])
            of = claim["of"]
        else:
            best = [(f["median"], n, f) for n in others(results) if results.kind(n) == "peer"
                    if (f := find(results, claim["measured_by"], n, claim["name"]))]
            _, of, found = min(best, key=lambda b: b[:2], default=(0, None, None))
            of = f"{claim['of']} (here: {results.of(of)})" if found else claim["of"]
        ours = leats(results, claim)
        rows.append([of, claim["claim"], told(found) or "not measured", *(told(f) or "not measured" for f in ours),
                     verdict(claim, found, ours)])
    document.heading(2, "What is claimed, and what was found")
    document.text(f"The claims come from {claims['source']}. Their conditions: {claims['conditions']}.")
    document.table(["claimed for", "claim", "found", "Leat, epoll", "Leat, io_uring", "Leat is"], rows)
    write_behind(results, document)


def write_behind(results, document):
    """Every figure of tables 1 and 2 in which another row is better than Leat's worse loop."""
    lines, compared = [], 0
    for steps, name, words in AHEAD_IN:
        ours = [f for o in OURS if (f := find(results, steps, o, name))]
        if not ours:
            continue
        worst = max(ours, key=lambda f: f["median"])
        better = [(f, n) for n in others(results) if (f := find(results, steps, n, name))]
        compared += len(better)
        for figure, who in better:
            if figure["median"] < worst["median"]:
                overlap = figure.get("high") is not None and worst.get("low") is not None and figure["high"] >= worst["low"]
                lines.append([words, results.of(who), told(figure), told(worst),
                              "their spreads overlap" if overlap else "clear"])
    document.heading(3, "Where Leat is not ahead")
    if not compared:
        document.text("Nothing was measured to compare.")
    elif not lines:
        document.text(f"In none of the {compared} comparisons of {len(AHEAD_IN)} figures of tables 1 and 2.")
    else:
        document.text(f"In {len(lines)} of {compared} comparisons of tables 1 and 2; Leat's figure is that of its worse "
                      "loop.")
        document.table(["in", "better is", "with", "Leat", "difference"], lines)
