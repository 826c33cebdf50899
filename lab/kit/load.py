"""load.py: `leat load URL --json`, as a function."""
import json
import time

from process import Child, Failed


def arguments(options):
    """rate=1000, no_verify=True, request=["a", "b"] → --rate 1000 --no-verify --request a --request b; None and False
    are left out."""
    words = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is None or one is False:
                continue
            words += [flag] if one is True else [flag, str(one)]
    return words


def run(leat, url, core, seconds, options):
    """Answers what it says. Failed: it ended with another status than 0, said no JSON, or took longer than seconds."""
    with Child([leat, "load", url, "--json", *arguments(options)], core=core) as load:
        end = time.monotonic() + seconds
        while load.alive():
            if time.monotonic() > end:
                load.fail(f"did not end in {seconds:.0f} s")
            time.sleep(0.02)
        if load.process.returncode != 0:
            load.fail(f"ended with status {load.process.returncode}")
        text = load.output()
    return told(text)


def told(text):
    """The JSON object in what was said; before it may stand lines for people."""
    for at, line in enumerate(lines := text.splitlines()):
        if line.startswith("{"):
            try:
                return json.loads("\n".join(lines[at:]))
            except ValueError:
                break
    raise Failed("leat load --json said no JSON:\n" + text[-1000:])
