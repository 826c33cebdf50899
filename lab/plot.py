"""plot.py: the report's drawings: SVG as text, of a fixed width that scales, in the page's colours (style sheet of page.py).

Every drawing has a title and a description for those who hear it, says its unit, and draws a figure's spread as a line through
the end of its bar. What is projected and not measured is hatched.
"""
import html
import math

WIDTH, LABEL, ROW, BAR = 720, 150, 26, 16
VALUE = 130         # room for the figure in words, behind the longest bar


def number(value):
    """Three digits, for people: 0.0123, 4.56, 78.9, 1,234."""
    if value == 0:
        return "0"
    digits = max(0, 2 - int(math.floor(math.log10(abs(value)))))
    return f"{value:,.{min(digits, 6)}f}"


def steps_of(low, high):
    """Round numbers between the two, some five of them."""
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
    first = math.ceil(low / step)
    return [i * step for i in range(first, int(high / step) + 1)]


class Scale:
    """From a value to a place, straight or by powers of ten."""

    def __init__(self, values, start, end, log):
        self.start, self.end, self.log = start, end, log
        positive = [v for v in values if v > 0] or [1]
        if log:
            self.low = 10 ** math.floor(math.log10(min(positive)) - 0.001)
            self.high = max(max(positive), self.low * 10)
        else:
            self.low, self.high = 0, max(positive)

    def __call__(self, value):
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = value / self.high
        return self.start + share * (self.end - self.start)

    def marks(self):
        if not self.log:
            return steps_of(0, self.high)
        powers = range(round(math.log10(self.low)), int(math.floor(math.log10(self.high) + 0.001)) + 1)
        return [10.0 ** p for p in powers]


def opening(height, title, about):
    return [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" class="plot">',
            f"<title>{html.escape(title)}</title><desc>{html.escape(about)}</desc>"]


def bars(title, unit, rows, log=False):
    """rows: (label, value or None, low, high, kind, note); kind colours it: leat, peer, bar, floor, claim, projected …"""
    known = [r for r in rows if r[1] is not None]
    if not known:
        return ""
    scale = Scale([x for r in known for x in (r[1], r[3]) if x is not None], LABEL, WIDTH - VALUE, log)
    height = 30 + ROW * len(rows) + 26
    about = f"{unit}: " + "; ".join(f"{r[0]} {number(r[1])}" if r[1] is not None else f"{r[0]} none" for r in rows)
    out = opening(height, title, about)
    out.append(f'<text x="0" y="14" class="head">{html.escape(title)}</text>'
               f'<text x="{WIDTH}" y="14" class="unit">{html.escape(unit)}{", by powers of ten" if log else ""}</text>')
    foot = 30 + ROW * len(rows)
    for mark in scale.marks():
        x = scale(mark)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="26" y2="{foot}" class="grid"/>'
                   f'<text x="{x:.1f}" y="{foot + 16}" class="mark">{number(mark)}</text>')
    for i, (label, value, low, high, kind, note) in enumerate(rows):
        y = 30 + ROW * i
        middle = y + BAR / 2 + 4
        out.append(f'<text x="{LABEL - 8}" y="{middle}" class="label {kind}">{html.escape(label)}</text>')
        if value is None:
            out.append(f'<text x="{LABEL + 4}" y="{middle}" class="none">{html.escape(note or "not measured")}</text>')
            continue
        end = scale(value)
        out.append(f'<rect x="{LABEL}" y="{y}" width="{max(end - LABEL, 1):.1f}" height="{BAR}" class="{kind}"/>')
        if low is not None and high is not None and high > low:
            a, b, m = scale(low), scale(high), y + BAR / 2
            out.append(f'<path d="M{a:.1f} {m - 4}v8M{a:.1f} {m}H{b:.1f}M{b:.1f} {m - 4}v8" class="spread"/>')
            end = max(end, b)
        out.append(f'<text x="{end + 6:.1f}" y="{middle}" class="value">{number(value)}'
                   f'{" " + html.escape(note) if note else ""}</text>')
    return "".join(out) + "</svg>"


def percentiles(title, unit, series):
    """series: (label, kind, [(share, value)…]): latency by share, which runs towards 1 by powers of ten, both axes so."""
    series = [s for s in series if s[2]]
    if not series:
        return ""
    height, left, top, foot, right = 340, 64, 30, 300, WIDTH - 130
    values = [v for s in series for _, v in s[2]]
    shares = [1 / (1 - p) for s in series for p, _ in s[2] if p < 1]
    y_of = Scale(values, foot, top, True)
    x_of = Scale(shares, left, right, True)
    about = f"{unit}: " + "; ".join(f"{s[0]} from {number(s[2][0][1])} to {number(s[2][-1][1])}" for s in series)
    out = opening(height, title, about)
    out.append(f'<text x="0" y="14" class="head">{html.escape(title)}</text>'
               f'<text x="{WIDTH}" y="14" class="unit">{html.escape(unit)}</text>')
    for mark in y_of.marks():
        y = y_of(mark)
        out.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
                   f'<text x="{left - 6}" y="{y + 4:.1f}" class="label">{number(mark)}</text>')
    for share, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")):
        if 1 / (1 - share) <= max(shares) * 1.001:
            x = x_of(1 / (1 - share))
            out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{foot}" class="grid"/>'
                       f'<text x="{x:.1f}" y="{foot + 18}" class="mark">{name}</text>')
    ends = []
    for label, kind, points in series:
        way = [(x_of(1 / (1 - p)), y_of(v)) for p, v in points if p < 1]
        out.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in way)}" class="line {kind}"/>')
        ends.append([way[-1][1], label, kind])
    for i, (y, label, kind) in enumerate(sorted(ends)):      # names stand beside the ends, without covering each other
        y = max(y, ends_floor) if i else y
        ends_floor = y + 13
        out.append(f'<text x="{right + 8}" y="{y + 4:.1f}" class="end {kind}">{html.escape(label)}</text>')
    return "".join(out) + "</svg>"
