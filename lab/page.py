"""page.py: a document as Markdown or as one HTML page; the same calls make either."""
import html
import re

import plot

STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6876; --paper: #fbfaf7; --line: #dcd8cf; --leat: #1f7a8c;
  --peer: #b08968; --bar: #7d8597; --floor: #c9c5bb; --claim: #d1495b; --other: #8a9a5b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e3db; --soft: #9aa5b1; --paper: #14191f; --line: #2d3640;
  --leat: #4fb3c6; --peer: #c9a07c; --bar: #8d97a8; --floor: #4a4f55; --claim: #ef7184; --other: #a3b56c; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 74rem; margin: 0 auto;
  padding: 1rem 1.5rem 4rem; }
h1 { font-size: 2.2rem; margin: 1.2rem 0 .4rem; } h2 { margin: 3rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1.2rem; }
h3 { margin: 2rem 0 .4rem; } code { font-size: .92em; } p { max-width: 52rem; } a { color: var(--leat); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; margin: .6rem 0; }
th, td { text-align: left; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td:not(:first-child) { white-space: nowrap; } table.text td { white-space: normal; }
ul.means { color: var(--soft); font-size: .88rem; max-width: 60rem; padding-left: 1.1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.6rem 2rem; margin: 1rem 0; }
svg.plot { width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); }
svg .head { font-weight: 600; font-size: 14px; } svg .unit, svg .mark { fill: var(--soft); } svg .unit { text-anchor: end; }
svg .mark { text-anchor: middle; font-size: 11px; } svg .label { text-anchor: end; } svg .none { fill: var(--soft); font-style: italic; }
svg .grid { stroke: var(--line); } svg .spread { stroke: var(--ink); fill: none; stroke-width: 1.4; } svg .value { font-size: 11px; }
svg .line { fill: none; stroke-width: 2; }
svg rect.leat { fill: var(--leat); } svg rect.peer { fill: var(--peer); } svg rect.bar { fill: var(--bar); }
svg rect.floor { fill: var(--floor); } svg rect.claim { fill: var(--claim); } svg rect.other { fill: var(--other); }
svg rect.projected { fill: none; stroke: var(--peer); stroke-dasharray: 4 3; }
svg .line.leat { stroke: var(--leat); } svg .line.peer { stroke: var(--peer); } svg .line.bar { stroke: var(--bar); }
svg .label.leat, svg .end.leat { fill: var(--leat); font-weight: 600; }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--soft); }
"""


class Markdown:
    def __init__(self):
        self.out = []

    def heading(self, level, text):
        self.out.append(f"{'#' * level} {text}\n")

    def text(self, text):
        self.out.append(text + "\n")

    def bars(self, *_):
        """Drawings are the page's."""

    def table(self, headers, rows):
        def line(cells):
            return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cells) + " |"
        self.out.append("\n".join([line(headers), "|" + "---|" * len(headers), *map(line, rows)]) + "\n")

    def notes(self, lines):
        if lines:
            self.out.append("\n".join(f"- {line}" for line in lines) + "\n")

    remarks = notes

    def folded(self, title, headers, rows):
        if rows:
            self.out.append(f"{title}: {len(rows)}, on the page.\n")

    def finish(self):
        return "\n".join(self.out)


class Html:
    def __init__(self):
        self.out, self.plots = [], []

    def heading(self, level, text):
        self.flush()
        self.out.append(f"<h{level}>{rich(text)}</h{level}>")

    def text(self, text):
        self.flush()
        self.out.append(f"<p>{rich(text)}</p>")

    def bars(self, title, unit, rows, log):
        self.plots.append(plot.bars(title, unit, rows, log))

    def flush(self):
        if self.plots:
            self.out.append('<div class="plots">' + "".join(self.plots) + "</div>")
            self.plots = []

    def table(self, headers, rows):
        self.flush()
        wordy = any(len(str(cell)) > 60 for row in rows for cell in row)
        self.out.append(f'<div class="wide"><table{" class=text" if wordy else ""}><thead><tr>' +
                        "".join(f"<th>{rich(h)}</th>" for h in headers) + "</tr></thead><tbody>" +
                        "".join("<tr>" + "".join(f"<td>{rich(str(c))}</td>" for c in row) + "</tr>" for row in rows) +
                        "</tbody></table></div>")

    def notes(self, lines):
        self.flush()
        if lines:
            self.out.append('<ul class="means">' + "".join(f"<li>{rich(line)}</li>" for line in lines) + "</ul>")

    def remarks(self, lines):
        if lines:
            self.flush()
            self.out.append(f"<details><summary>{len(lines)} remarks</summary>")
            self.notes(lines)
            self.out.append("</details>")

    def folded(self, title, headers, rows):
        if rows:
            self.flush()
            self.out.append(f"<details><summary>{html.escape(title)} ({len(rows)})</summary>")
            self.table(headers, rows)
            self.out.append("</details>")

    def finish(self):
        self.flush()
        return ('<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
                f"<title>Leat: the lab's report</title><style>{STYLE}</style><body>" + "\n".join(self.out) + "</body></html>\n")


def rich(text):
    """The little Markdown that the report uses, as HTML."""
    text = html.escape(text)
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\*([^*]+)\*", r"<i>\1</i>", text)
