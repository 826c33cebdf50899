"""layout.py: which figures make which table of the report, in which order and under which heading."""


class Part:
    """A table of the report. steps: only of those whose ids begin so. columns: (figure, heading), a figure's "of" may stand
    behind it: ("resident loop=uring", …). across: columns are also told apart by this key of "of"; else it tells rows apart.
    drawn: figures that are drawn as bars too."""

    def __init__(self, title, columns, first="server", about="", steps="", across="", drawn=()):
        self.title, self.first, self.about, self.steps, self.across = title, first, about, steps, across
        self.names = [name for name, _ in columns]
        self.headings = dict(columns)
        self.drawn = set(drawn)

    def column_of(self, figure):
        if figure["name"] not in self.headings:
            return None
        if not self.across:
            return figure["name"], ""
        value = figure.get("of", {}).get(self.across)
        return None if value is None else (figure["name"], value)

    def row_of(self, figure):
        of = figure.get("of", {})
        return tuple(of[key] for key in sorted(of) if key not in ("peer", "subject", self.across))

    def columns_in_order(self, cells):
        there = {column for cell in cells.values() for column in cell}
        return sorted(there, key=lambda c: (self.names.index(c[0]), isinstance(c[1], str), c[1]))

    def heading(self, column):
        name, value = column
        if not self.across:
            return self.headings[name]
        return f"{self.headings[name]} {value}".strip()

    def is_drawn(self, column):
        return column[0] in self.drawn

    # A drawing has one unit for all its bars: that in which the middle one reads best.
    def unit(self, column, rows):
        return next(cell[column]["unit"] for _, cell in rows if column in cell)

    @staticmethod
    def scaled(_, value):
        return value


SPEED_COLUMNS = [
    ("cpu_per_request", "processor time"), ("cpu_of_leat", "of Leat's"), ("requests_per_second", "requests/s"),
    ("latency_p50", "p50"), ("latency_p90", "p90"), ("latency_p99", "p99"), ("latency_p999", "p99.9"),
    ("latency_p9999", "p99.99"), ("latency_max", "longest"), ("missed", "missed"), ("errors", "errors"),
    ("resident", "resident")]
SPEED_DRAWN = ("cpu_per_request", "latency_p99")


def speed(title, steps, about=""):
    return Part(title, SPEED_COLUMNS, about=about, steps=steps, drawn=SPEED_DRAWN)


PARTS = {
    "speed": [
        speed("Plaintext", "plaintext", "One small request at a time on 64 kept connections; latency at 4,000 a second."),
        speed("Pipelined", "pipelined", "16 requests at a time on each of 64 connections."),
        speed("Short-lived connections", "short-lived", "A new connection for every ten requests; latency at 1,000 a second."),
        speed("JSON", "json", "Serialised at each request; latency at 4,000 a second."),
        speed("A file of 4 KiB", "small-file", "Latency at 4,000 a second."),
        speed("A file of 1 MiB", "large-file", "On 8 connections; latency at 100 a second."),
        speed("An upload of 1 MiB", "upload", "On 8 connections; latency at 100 a second."),
    ],
}


def parts(table):
    return PARTS.get(table, [])
