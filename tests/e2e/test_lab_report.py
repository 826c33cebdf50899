"""The lab's report: what is in the results is in the report, with its unit and its spread, and nothing else is; claims are
judged by the figures; where Leat is not ahead, the report says so."""
import json
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

LAB = os.path.join(ROOT, "lab")
PEERS = [("leat-epoll", "Leat, epoll", "leat"), ("leat-uring", "Leat, io_uring", "leat"), ("tokio", "Tokio", "peer"),
         ("nginx", "nginx", "bar")]


def figure(name, value, unit="", of=None, **more):
    return {"name": name, "unit": unit, "values": [value], "means": f"It is {name}.", "median": value, "of": of or {}, **more}


class Results:
    def __init__(self, folder):
        self.folder = str(folder)
        self.run = {"machine": {"at": "2026-01-02 03:04:05 UTC", "commit": "c0ffee", "processors": 2}, "quick": False,
                    "steps": [], "tables": [{"name": t, "title": t.title(), "about": f"About {t}."}
                                            for t in ("memory", "allocation", "speed")],
                    "peers": [{"name": n, "title": t, "kind": k, "state": "built", "why": ""} for n, t, k in PEERS]}

    def add(self, step, *figures, peer=None, state="done", why=""):
        self.run["steps"].append(step)
        path = os.path.join(self.folder, step + ".json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            json.dump({"id": step, "table": step.split("/")[0], "title": step, "peer": peer, "state": state, "why": why,
                       "figures": figures}, f)

    def report(self, status=0):
        with open(os.path.join(self.folder, "run.json"), "w") as f:
            json.dump(self.run, f)
        done = subprocess.run([sys.executable, os.path.join(LAB, "report.py"), self.folder], capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        if status != 0:
            return done.stderr
        with open(f"{self.folder}/LAB.md") as text, open(f"{self.folder}/lab.html") as page:
            return text.read(), page.read()


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


def quiet(results, peer, each, **more):
    results.add(f"memory/quiet/{peer}", figure("user_bytes_per_connection", each, "bytes", **more),
                figure("projected_bytes_at_a_million", each * 1e6, "bytes", projected=True), peer=peer)


def test_figures_with_units_spread_and_meaning(results):
    quiet(results, "tokio", 4300, low=4200, high=4500)
    text, page = results.report()
    assert "4.20 KiB [4.10, 4.39]" in text and "4.20 KiB [4.10, 4.39]" in page
    assert "4.00 GiB *(projected)*" in text and "It is user_bytes_per_connection." in text
    assert "c0ffee" in text and "2026-01-02" in text
    assert not re.search(r"<(script|link|img)|https?://", page), "the page needs nothing else"


def test_what_no_table_names_is_on_the_page(results):
    results.add("speed/plaintext", figure("strange_thing", 7, "µs", {"peer": "tokio"}))
    text, page = results.report()
    assert "strange thing" in page and "7 µs" in page
    assert "Figures that no table above shows: 1" in text


def test_what_failed_was_skipped_or_never_begun(results):
    results.add("memory/quiet/tokio", peer="tokio", state="skipped", why="cargo is not there\nmore")
    results.add("speed/json", figure("failed", None, of={"peer": "nginx"}, notes="it died"))
    results.run["steps"].append("memory/churn/tokio")
    text, _ = results.report()
    assert "| quiet/tokio | skipped | cargo is not there |" in text
    assert "| json: nginx | failed | it died |" in text
    assert "| churn/tokio | not measured |" in text


def rows(text, heading):
    """The cells of the table under a heading."""
    part = text.split(heading, 1)[1].split("\n#", 1)[0]
    return [[c.strip() for c in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("ours, verdict", [
    (38_000_000, "ahead of the claim, ahead of what was found"),
    (130_000_000, "**behind the claim**, ahead of what was found"),
    (5e9, "**behind the claim**, **behind what was found**")])
def test_a_claim_is_judged_by_the_worse_loop(results, ours, verdict):
    quiet(results, "tokio", 4300)
    results.add("memory/million/leat-epoll", figure("resident_in_all", 1000, "bytes"), peer="leat-epoll")
    results.add("memory/million/leat-uring", figure("resident_in_all", ours, "bytes"), peer="leat-uring")
    text, _ = results.report()
    tokio = next(r for r in rows(text, "## What is claimed") if r[0] == "Tokio")
    assert tokio[-1] == verdict and "128 MB" in tokio[1]


def test_where_leat_is_not_ahead(results):
    for peer, each in (("leat-epoll", 32), ("leat-uring", 40), ("tokio", 4300), ("nginx", 36)):
        quiet(results, peer, each)
    text, _ = results.report()
    assert rows(text, "### Where Leat is not ahead") == [["memory of a quiet connection", "nginx", "36 B", "40 B", "clear"]]
    assert "In 1 of 2 comparisons" in text


def test_leat_is_ahead_everywhere(results):
    quiet(results, "leat-epoll", 32)
    quiet(results, "tokio", 4300)
    text, _ = results.report()
    assert "In none of the 1 comparisons" in text


def test_leat_with_another_allocator_is_a_row_of_its_own(results):
    results.add("allocation/leat-epoll", figure("allocate_p99", 30, "ns"))
    results.add("allocation/leat-epoll-jemalloc", figure("allocate_p99", 20, "ns"))
    text, _ = results.report()
    assert "| Leat, epoll with jemalloc | 20 ns |" in text
    assert ["an allocation, p99", "Leat, epoll with jemalloc", "20 ns", "30 ns", "clear"] in rows(text, "### Where Leat")


def test_no_results(results):
    assert "has no results; ./dev lab makes them" in results.report(66)
