"""load.py: `leat load URL --json`, as a function."""
import json
import subprocess
import time

from process import Child, Failed

SOME_WRONG = 1


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


def before_others():
    """Words before a command that put it before the usual programs of its core; [] where that is not allowed."""
    words = ["chrt", "--fifo", "5"]
    try:
        allowed = subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    return words if allowed else []


def run(leat, url, core, seconds, wrap, options):
    """Answers what it says. Failed: a status that is no result, no JSON, or it took longer than seconds."""
    with Child([*wrap, leat, "load", url, "--json", "--quiet", *arguments(options)], core=core) as load:
        end = time.monotonic() + seconds
        while load.alive():
            if time.monotonic() > end:
                load.fail(f"did not end in {seconds:.0f} s")
            time.sleep(0.02)
        if load.process.returncode not in (0, SOME_WRONG):      # that some answers were wrong is a result
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
