"""figures.py: what a step answers: figures, each with its unit, its spread and a sentence that says what it means.

A figure's spread is the bootstrap interval of 95% of the median where there are several values; where there is one
value there is none, and none is made up. A slope's spread is that of the least-squares line (Student's t, 95%).
"""
import math
import statistics
from dataclasses import asdict, dataclass, field

from medians import interval

# Student's t, 97.5%, by degrees of freedom; the last one stands for all that follow.
STUDENT = (math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145)

ALWAYS = ("name", "unit", "values", "means", "median", "low", "high")      # in a result, also when empty or 0


@dataclass
class Figure:
    """name: stable, for programs. means: one sentence, for people. median, low, high: of values, unless they are
    given. of: what tells it from others of the same name in the same step ({"loop": "uring"}). points: [[x, y]…], to
    draw. projected: not measured at the size it is named for, but calculated from smaller ones."""
    name: str
    unit: str
    values: list
    means: str
    median: float | None = None
    low: float | None = None
    high: float | None = None
    projected: bool = False
    notes: str = ""
    of: dict = field(default_factory=dict)
    points: list = field(default_factory=list)

    def __post_init__(self):
        self.values = list(self.values)
        measured = [v for v in self.values if v is not None]
        if self.median is None and measured:
            self.median = statistics.median(measured)
            if len(measured) > 1 and self.low is None and self.high is None:
                self.low, self.high = interval(measured)

    def to_json(self):
        """Without what is empty; and without NaN and infinity, which JSON has not."""
        return {key: plain(value) for key, value in asdict(self).items()
                if value not in ("", [], {}, False) or key in ALWAYS}

    def __str__(self):
        text = f"{self.name.replace('_', ' ')} {short(self.median)} {self.unit}".rstrip()
        return text + (" (projected)" if self.projected else "")


def plain(value):
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def short(value):
    """A number as people read it: three figures that count, thousands parted."""
    if value is None:
        return "unknown"
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}"


def paired_ratio(name, values, base, means, **more):
    """A figure of the ratios of rounds: what the machine did in a round cancels in it."""
    if len(values) != len(base):
        raise ValueError(f"{name}: {len(values)} rounds beside {len(base)}")
    return Figure(name, "", [a / b for a, b in zip(values, base)], means, **more)


@dataclass
class Line:
    """y = intercept + slope x, by least squares; low and high: of the slope, None with fewer than three points."""
    slope: float
    intercept: float
    low: float | None
    high: float | None

    def at(self, x):
        return self.intercept + self.slope * x


def fit_line(points):
    n = len(points)
    if n < 2 or len({x for x, _ in points}) < 2:
        raise ValueError("a line takes two places at least")
    mean_x, mean_y = (sum(column) / n for column in zip(*points))
    spread_x = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread_x
    line = Line(slope, mean_y - slope * mean_x, None, None)
    if n > 2:
        rest = sum((y - line.at(x)) ** 2 for x, y in points)
        reach = STUDENT[min(n - 2, len(STUDENT) - 1)] * math.sqrt(rest / (n - 2) / spread_x)
        line.low, line.high = slope - reach, slope + reach
    return line
