"""What a server tells at /metrics, read strictly: the text format 0.0.4 and OpenMetrics 1.0. Whatever is not as those two say is
an AssertionError that names the line."""
import math
import re
from dataclasses import dataclass, field

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
ASK_OPEN = "application/openmetrics-text; version=1.0.0"

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"NaN|[+-]Inf|[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count"),
            "info": ("_info",)}


@dataclass
class Family:
    name: str
    type: str = None
    help: str = None
    unit: str = None
    samples: dict = field(default_factory=dict)     # (name, ((label, value), …)) → number, in order


def unescape(text, may):
    def one(match):
        assert match[0][1] in may, f"an escape that there is not: {match[0]!r}"
        return "\n" if match[0][1] == "n" else match[0][1]
    if "\\" not in text:
        return text
    return re.sub(r"\\.", one, text)


def labels_of(text):
    labels, at = [], 0
    while True:
        match = LABEL.match(text, at)
        assert match, f"no label at {text[at:]!r}"
        labels.append((match[1], unescape(match[2], '\\"n')))
        at = match.end()
        if at == len(text):
            break
        assert text[at] == ",", text
        at += 1
    assert len({name for name, _ in labels}) == len(labels), f"a label twice: {text}"
    return tuple(labels)


def sample_of(line):
    name = NAME.match(line)
    assert name, line
    rest = line[name.end():]
    labels = ()
    if rest.startswith("{"):
        end = re.match(r'\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\}', rest)
        assert end, line
        labels, rest = labels_of(end[1]), rest[end.end():]
    number = re.fullmatch(f" ({NUMBER.pattern})", rest)
    assert number, f"no value, or more than one: {line!r}"
    return (name[0], labels), float(number[1])


def is_canonical(text):
    """As OpenMetrics wants limits written, so that a series stays one series: Python's repr, or +Inf."""
    return text == "+Inf" or text == repr(float(text))


def without(labels, name):
    return tuple(label for label in labels if label[0] != name)


def check_histogram(family):
    groups = {}
    for (name, labels), value in family.samples.items():
        part = name[len(family.name):]
        groups.setdefault(without(labels, "le") if part == "_bucket" else labels, []).append((part, dict(labels).get("le"), value))
    for labels, parts in groups.items():
        buckets = [(le, value) for part, le, value in parts if part == "_bucket"]
        assert [part for part, _, _ in parts] == ["_bucket"] * len(buckets) + ["_sum", "_count"], (family.name, labels)
        limits = [math.inf if le == "+Inf" else float(le) for le, _ in buckets]
        assert all(is_canonical(le) for le, _ in buckets), buckets
        assert limits == sorted(set(limits)) and limits[-1] == math.inf, buckets
        counts = [value for _, value in buckets]
        assert counts == sorted(counts) and all(c == int(c) >= 0 for c in counts), (family.name, labels, counts)
        (total,), (sum_,) = ([v for p, _, v in parts if p == "_count"], [v for p, _, v in parts if p == "_sum"])
        assert total == counts[-1], (family.name, labels)
        assert sum_ >= 0 and (total > 0 or sum_ == 0), (family.name, labels)


def check_family(family, is_open):
    assert family.type and family.help and family.samples, family.name
    name = family.name
    for (sample, labels), value in family.samples.items():
        suffixes = SUFFIXES[family.type] if is_open or family.type != "info" else ("",)
        if is_open and family.type == "counter":
            suffixes = ("_total",)
        assert sample in [name + suffix for suffix in suffixes], f"{sample} is not of {name}"
        if family.type == "counter":
            assert sample.endswith("_total") and value >= 0 and math.isfinite(value), sample
        if family.type == "info":
            assert value == 1 and labels
        if family.type != "histogram":
            assert "le" not in dict(labels)
        assert ("quantile" in dict(labels)) == (family.type == "summary" and sample == name), sample
    if family.type == "gauge":
        assert not re.search(r"_(total|count|sum|bucket|created)$", name), name
    if family.type == "histogram":
        check_histogram(family)
    if family.unit is not None:
        assert is_open and name.endswith("_" + family.unit) and family.unit == family.unit.lower(), name


def parse(text, is_open):
    """{name: Family}, in order."""
    assert isinstance(text, str) and text.endswith("\n") and "\n\n" not in text and "\r" not in text
    lines = text[:-1].split("\n")
    if is_open:
        assert lines.pop() == "# EOF"
    assert "# EOF" not in lines
    families, family = {}, None
    for line in lines:
        meta = re.fullmatch(r"# (TYPE|HELP|UNIT) (\S+) (.+)", line)
        if meta:
            what, name, rest = meta.groups()
            assert NAME.fullmatch(name), line
            if family is None or family.name != name:
                assert name not in families, f"{name} comes in two places"
                family = families[name] = Family(name)
            assert not family.samples, f"{line}: behind the samples"
            key = what.lower()
            assert getattr(family, key) is None, f"{line}: twice"
            if what == "HELP":
                assert not is_open or '"' not in rest.replace('\\"', ""), line
                rest = unescape(rest, '\\n"' if is_open else "\\n")
            if what == "TYPE":
                assert rest in SUFFIXES and (is_open or rest != "info"), line
            setattr(family, key, rest)
            continue
        assert not line.startswith("#"), f"neither sample nor meta: {line!r}"
        key, value = sample_of(line)
        assert family is not None and key not in family.samples, f"{line}: twice, or of no family"
        family.samples[key] = value
    for family in families.values():
        check_family(family, is_open)
    return families


def values(families):
    """{(name, frozenset of labels): number} of all families."""
    return {(name, frozenset(labels)): value for family in families.values() for (name, labels), value in family.samples.items()}


class Scrape:
    """One answer of /metrics."""

    def __init__(self, text, is_open):
        self.text, self.families = text, parse(text, is_open)
        self.values = values(self.families)

    def get(self, name, **labels):
        return self.values[name, frozenset(labels.items())]

    def sum(self, name, **labels):
        """Of all series of the name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (n, have), value in self.values.items() if n == name and wanted <= have)
