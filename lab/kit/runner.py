"""runner.py: does the steps, one after the other, whatever becomes of each, and keeps what came of them.

Three things end a step early and never the lab: Skip (it can't be done here), a failure of any kind, and a limit on
its time. What a step has started is ended with it. An interrupt ends the lab; what is done stays done.
"""
import importlib.util
import os
import signal
import sys
import threading
import time
import traceback

from process import Failed

from . import machine
from .figures import short
from .steps import DONE, FAILED, SKIPPED, Skip

ORDER = ("memory", "allocation", "speed", "network")    # tables of other names follow
LIMIT_TIMES, LIMIT_LEAST = 4, 120       # a step may take so many times its estimate, and at least these seconds
BUILD_LIMIT, BUILD_TOLD = 900, 5      # seconds: at most; after these it is said that it is being built


class TooLong(Failed):
    """The step's time is over."""


def load_tables(folder):
    """[(name, module)], in order; a module that can't be read is a Failed with its own words."""
    names = sorted((n[:-3] for n in os.listdir(folder) if n.endswith(".py") and not n.startswith("_")),
                   key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))
    tables = []
    for name in names:
        spec = importlib.util.spec_from_file_location(f"tables.{name}", os.path.join(folder, name + ".py"))
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:      # whoever wrote the table is told, in a line
            raise Failed(f"{name}.py: {words_of(error)}") from error
        if not all(hasattr(module, wanted) for wanted in ("TITLE", "ABOUT", "steps")):
            raise Failed(f"{name}.py: a table has TITLE, ABOUT and steps(lab)")
        tables.append((name, module))
    return tables


class limit:
    """with limit(seconds): what is in it ends with TooLong when it takes longer."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        def over(*_):
            raise TooLong(f"took longer than {self.seconds:.0f} s and was ended")
        self.before = signal.signal(signal.SIGALRM, over)
        signal.alarm(max(1, int(self.seconds)))

    def __exit__(self, *_):
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self.before)


def children():
    with open("/proc/thread-self/children") as f:
        return [int(pid) for pid in f.read().split()]


def end_children():
    """What a step has started and left behind, and nothing else."""
    for pid in children():
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def words_of(error):
    """One failure in words: ours as they are, those of Python's with the place in the table where they came up."""
    if isinstance(error, (Failed, Skip)):
        return str(error).strip()
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{text} ({os.path.basename(place.filename)}:{place.lineno})"


class Runner:
    def __init__(self, lab, results, budget_s, out=sys.stdout):
        self.lab, self.results, self.out = lab, results, out
        self.end = time.monotonic() + budget_s
        self.commit = machine.commit(os.path.join(lab.leat, "leat"))
        self.built = {}         # by the peer's name: None, or why it can't be
        self.count = {DONE: 0, SKIPPED: 0, FAILED: 0, "kept": 0}

    def say(self, text):
        self.lab.progress.clear()
        print(text, file=self.out, flush=True)

    def run(self, steps, fresh=False):
        waiting = [(t, s) for t, s in steps if fresh or not self.results.is_done(s, self.commit, self.lab.quick)]
        self.count["kept"] = len(steps) - len(waiting)
        if self.count["kept"]:
            self.say(f"{self.count['kept']} of {len(steps)} steps were done before, for this commit: --fresh does "
                     "them anew")
        for at, (table, step) in enumerate(waiting):
            left = sum(s.seconds for _, s in waiting[at:])
            self.lab.scale = min(1.0, max(0.1, (self.end - time.monotonic()) / max(left, 1)))
            self.step(table, step, len(steps) - len(waiting) + at + 1, len(steps), left)

    def step(self, table, step, number, total, left):
        head = f"{number:{len(str(total))}} of {total}  {step.id}"
        self.lab.progress = type(self.lab.progress)()
        self.lab.tell(f"{head}: {step.title} (about {step.seconds:.0f} s; all: {minutes(left)})")
        result = {"id": step.id, "table": table, "title": step.title, "peer": step.peer.name if step.peer else None,
                  "commit": self.commit, "quick": self.lab.quick, "scale": round(self.lab.scale, 3),
                  "load_average": machine.load_average(), "at": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())}
        state, why, figures = self.attempt(step, head)
        result |= {"state": state, "why": why, "figures": figures, "seconds": round(self.took, 1)}
        self.results.write(step.id, result)
        self.count[state] += 1
        what = "; ".join(f"{f['name'].replace('_', ' ')} {short(f.get('median'))} {f['unit']}" for f in figures[:3])
        told = {DONE: what or "done", SKIPPED: f"skipped: {first(why)}", FAILED: f"FAILED: {first(why)}"}[state]
        self.say(f"{head}: {told} ({self.took:.0f} s; {minutes(left - step.seconds)} left)")

    def attempt(self, step, head):
        """What came of it: state, why, figures."""
        begin = time.monotonic()
        try:
            if step.peer:
                self.build(step.peer, head)
                begin = time.monotonic()
            with limit(max(LIMIT_LEAST, LIMIT_TIMES * step.seconds)):
                figures = [f.to_json() for f in step.run(self.lab)]
            return DONE, "", figures
        except Skip as skip:
            return SKIPPED, words_of(skip), []
        except Exception as error:      # whatever it is, it is this step's alone
            return FAILED, words_of(error), []
        finally:
            self.took = time.monotonic() - begin
            end_children()

    def build(self, peer, head):
        """Once in a run; a second step of a peer that can't be built says the same."""
        if peer.name not in self.built:
            long = threading.Timer(BUILD_TOLD, self.say, [f"{head}: building {peer.title}: minutes, the first time"])
            long.start()
            try:
                with limit(BUILD_LIMIT):
                    peer.build(self.lab)
                self.built[peer.name] = None
            except Skip as skip:
                self.built[peer.name] = skip
            except Failed as failed:
                self.built[peer.name] = Skip(f"it can't be built: {failed}")
            finally:
                long.cancel()
        if self.built[peer.name] is not None:
            raise self.built[peer.name]


def minutes(seconds):
    seconds = max(0, seconds)
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def first(text):
    """The first line, for a screen; the whole is in the result."""
    line = text.strip().split("\n")[0]
    return line if len(line) <= 160 else line[:157] + "…"
