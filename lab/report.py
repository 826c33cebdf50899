#!/usr/bin/env python3
"""lab/report.py RESULTS [--to FOLDER]: the results of the lab as LAB.md, for reading in the tree, and lab.html, one page with
drawings that needs nothing else. What stands in which table is told in layout.py; a figure that no table names is in the
last part of the page, so nothing that was measured is left out.
"""
import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

# ruff: noqa: E402
import claims
import layout
import page
from words import short_name, told


class Results:
    """What a folder holds: run (run.json), steps by id, and figures by table and subject."""

    def __init__(self, folder):
        self.folder = folder
        self.run = self.read("run.json") or {}
        self.steps = {}
        for step in self.run.get("steps", []):
            found = self.read(step + ".json")
            if isinstance(found, dict):
                self.steps[step] = found
        self.peers = {p["name"]: p for p in self.run.get("peers", [])}

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name)) as f:
                return json.load(f)
        except (OSError, ValueError):
            return None

    def figures(self, table, steps=""):
        """(step, figure) of a table's steps that are done, and whose ids begin with table/steps."""
        for name, step in self.steps.items():
            if step.get("table") == table and name.startswith(f"{table}/{steps}"):
                for figure in step.get("figures", []):
                    yield step, figure

    def peer_of(self, name):
        """A subject is a peer, or a peer with something else: leat-epoll-jemalloc."""
        found = [peer for peer in self.peers if name == peer or str(name).startswith(peer + "-")]
        return max(found, key=len, default=None)

    def of(self, name):
        """A subject in words."""
        peer = self.peer_of(name)
        if peer is None:
            return f"{name:,}" if isinstance(name, int) else short_name(name)
        rest = name[len(peer) + 1:]
        return self.peers[peer]["title"] + (f" with {short_name(rest)}" if rest else "")

    def kind(self, name):
        return self.peers[name]["kind"] if name in self.peers else "other"

    def order(self, name):
        names, peer = list(self.peers), self.peer_of(name)
        return (names.index(peer), str(name)) if peer else (len(names), name if isinstance(name, int) else 0, str(name))


def subject(step, figure, who=""):
    """Whose figure it is: a peer's, or what the step or the figure says."""
    of = figure.get("of", {})
    return of.get(who) or of.get("peer") or step.get("peer") or step["id"].split("/", 1)[1]


def rest_of(figure):
    return tuple(sorted((k, v) for k, v in figure.get("of", {}).items() if k != "peer"))


def table_of(results, name, part):
    """A part of the layout as (headers, rows, meanings, used): a row per subject, a column per figure."""
    cells, meanings, used = {}, {}, set()
    for step, figure in results.figures(name, part.steps):
        column = part.column_of(figure)
        if column is None:
            continue
        used.add(id(figure))
        row = (subject(step, figure, part.who), part.row_of(figure))
        if column not in cells.setdefault(row, {}) or figure.get("median") is not None:
            cells[row][column] = figure
        meanings.setdefault(column, figure.get("means", ""))
    columns = [c for c in part.columns_in_order(cells) if any(c in cell for cell in cells.values())]
    rows = sorted(cells, key=lambda row: (results.order(row[0]), row[1]))
    return columns, [(row, cells[row]) for row in rows], meanings, used


def drawings(results, part, columns, rows):
    for column in columns:
        if not part.is_drawn(column):
            continue
        bars = []
        for (who, rest), cell in rows:
            figure = cell.get(column)
            if figure is None:
                continue
            label = " ".join([results.of(who), *(str(v) for v in rest)])
            kind = "projected" if figure.get("projected") else results.kind(who)
            note = "(projected)" if figure.get("projected") else ""
            bars.append((label[:24], part.scaled(column, figure.get("median")), part.scaled(column, figure.get("low")),
                         part.scaled(column, figure.get("high")), kind, note))
        drawn = [b for b in bars if b[1] is not None]
        if len(drawn) > 1:
            values = [b[1] for b in drawn if b[1] > 0]
            log = bool(values) and max(values) / min(values) > 30
            yield part.heading(column), part.unit(column, rows), bars, log


def write_table(results, document, name, part):
    columns, rows, meanings, used = table_of(results, name, part)
    if not rows:
        return used, {}
    document.heading(3, part.title)
    if part.about:
        document.text(part.about)
    for title, unit, bars, log in drawings(results, part, columns, rows):
        document.bars(title, unit, bars, log)
    lines = []
    for (who, rest), cell in rows:
        head = " · ".join([results.of(who), *(str(v) for v in rest)])
        lines.append([head] + [told(cell.get(c)) for c in columns])
    document.table([part.first] + [part.heading(c) for c in columns], lines)
    remarks = {}
    for (who, rest), cell in rows:
        for c in columns:
            if note := cell.get(c, {}).get("notes"):
                remarks.setdefault(note, {})[results.of(who)] = True
    document.remarks([note if len(of) == len(rows) else f"{'; '.join(of)}: {note}" for note, of in remarks.items()])
    return used, {f"**{part.heading(c)}**: {meanings[c]}": True for c in columns if meanings.get(c)}


def write_tables(results, document):
    for number, table in enumerate(results.run.get("tables", []), 1):
        document.heading(2, f"Table {number}: {table['title']}")
        document.text(table["about"])
        used, meanings = set(), {}
        for part in layout.parts(table["name"]):
            shown, means = write_table(results, document, table["name"], part)
            used |= shown
            meanings |= means
        document.notes(list(meanings))
        write_failures(results, document, table["name"])
        write_rest(results, document, table["name"], used)


def write_failures(results, document, table):
    """Steps without figures, and peers that failed within one."""
    lines = [[short_name(name.split("/", 1)[1]), step["state"], step["why"].split("\n")[0]]
             for name, step in results.steps.items() if step.get("table") == table and step["state"] != "done"]
    for step, figure in results.figures(table):
        if figure["name"] == "failed":
            lines.append([f"{short_name(step['id'].split('/', 1)[1])}: {results.of(subject(step, figure))}", "failed",
                          figure.get("notes", "").split("\n")[0]])
    missing = [name for name in results.run.get("steps", []) if name.startswith(table + "/") and name not in results.steps]
    lines += [[short_name(name.split("/", 1)[1]), "not measured", "the run ended before it"] for name in missing]
    if lines:
        document.heading(3, "What could not be measured")
        document.table(["step", "", "why"], lines)


def write_rest(results, document, table, used):
    lines = [[short_name(step["id"].split("/", 1)[1]), results.of(subject(step, f)),
              short_name(f["name"]) + "".join(f", {k} {v}" for k, v in rest_of(f)), told(f), f.get("means", "")]
             for step, f in results.figures(table) if id(f) not in used and f["name"] != "failed"]
    document.folded("Figures that no table above shows", ["step", "of", "figure", "", "means"], lines)


def write_head(results, document):
    run, where = results.run, results.run.get("machine", {})
    document.heading(1, "The lab's report")
    document.text(f"Measured {where.get('at', 'at an unknown time')}, commit `{where.get('commit', 'unknown')}`, by "
                  "`./dev lab`" + (" in its quick form: **these figures are for trying, not for quoting**"
                                   if run.get("quick") else "") +
                  ". What a figure means, and what may not be concluded from it, is in "
                  "[lab/README.md](../lab/README.md).")
    memory = where.get("memory_bytes", 0) / 2**30
    document.table(["the machine", ""], [
        ["processor", f"{where.get('processor', 'unknown')}, {where.get('processors', '?')} of them; virtual: "
                      f"{where.get('virtual', 'unknown')}"],
        ["memory", f"{memory:.1f} GiB"], ["system", f"{where.get('distribution', '')}, Linux {where.get('kernel', '')}"],
        ["descriptors for a process", f"{where.get('descriptors', {}).get('hard', 0):,}"],
        ["load average at the begin", f"{where.get('load_average', 0):.2f}"],
        ["cores", f"server {run.get('cores', {}).get('server')}, clients {run.get('cores', {}).get('client')}"]])
    document.text("Every figure is a median; behind it, in brackets, stands the bootstrap interval of 95% where there were "
                  "several rounds. Times on this kind of machine swing by a factor of two within minutes, so compare ratios "
                  "of one round, processor time and counts, and not requests per second of different runs.")


def write_peers(results, document):
    lines = []
    for peer in results.peers.values():
        versions = peer.get("versions") or {}
        said = "; ".join(f"{v['says']}" + (f" ({v['released']})" if v.get("released") else "") +
                         (" **old**" if v.get("old") else "") for v in versions.values()) or peer.get("why", "")
        lines.append([peer["title"], peer.get("kind", ""), peer.get("state", ""), said.split("\n")[0]])
    if lines:
        document.heading(2, "Who was measured")
        document.text("What is over two years old is marked **old**: a newer one may well do better.")
        document.table(["server", "as", "", "versions and their dates"], lines)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS")
    parser.add_argument("--to", metavar="FOLDER", help="where LAB.md and lab.html go; else to RESULTS")
    return parser.parse_args()


def main():
    options = read_arguments()
    results = Results(options.results)
    if not results.steps:
        print(f"leat: lab: {options.results} has no results; ./dev lab makes them", file=sys.stderr)
        return 66
    to = options.to or options.results
    for document, name in ((page.Markdown(), "LAB.md"), (page.Html(), "lab.html")):
        write_head(results, document)
        claims.write(results, document)
        write_peers(results, document)
        write_tables(results, document)
        try:
            os.makedirs(to, exist_ok=True)
            with open(os.path.join(to, name), "w") as f:
                f.write(document.finish())
        except OSError as error:
            print(f"leat: lab: {os.path.join(to, name)}: {error.strerror}", file=sys.stderr)
            return 73
    print(f"the report is in {os.path.join(to, 'lab.html')} and {os.path.join(to, 'LAB.md')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
