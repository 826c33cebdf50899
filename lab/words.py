"""words.py: names and numbers for people."""

BYTES = (("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30))
TIMES = (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1))
IN_SECONDS = dict(TIMES)


def short_name(name):
    return str(name).replace("_", " ").replace("-", " ")


def digits(value):
    """Three that count."""
    value = round(value, 9)     # what a unit's factor leaves behind is no digit
    size = abs(value)
    if size >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def in_unit(value, unit):
    """A value and the unit it is best told in."""
    if unit == "bytes":
        name, factor = next(((n, f) for n, f in reversed(BYTES) if abs(value) >= f), BYTES[0])
        return value / factor, name
    if unit in IN_SECONDS:
        seconds = value * IN_SECONDS[unit]
        name, factor = next(((n, f) for n, f in reversed(TIMES) if abs(seconds) >= f), TIMES[0])
        return seconds / factor, name
    return value, unit


def told(figure):
    """A cell: the median with its unit, and its spread in brackets."""
    if figure is None:
        return ""
    if figure.get("median") is None:
        return "–"
    value, unit = in_unit(figure["median"], figure["unit"])
    factor = value / figure["median"] if figure["median"] else 1
    text = f"{digits(value)} {unit}".rstrip() if unit not in ("1/s",) else digits(value)
    low, high = figure.get("low"), figure.get("high")
    if low is not None and high is not None and low != high:
        text += f" [{digits(low * factor)}, {digits(high * factor)}]"
    return text + (" *(projected)*" if figure.get("projected") else "")
