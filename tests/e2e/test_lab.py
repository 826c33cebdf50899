"""The lab's runner, with tables and peers that are made here: what fails, dies or is interrupted costs itself and no
more."""
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import conftest
import pytest
from conftest import PATIENCE_S, ROOT, program, wait_until

LAB = os.path.join(ROOT, "lab")
sys.path.insert(0, LAB)
import kit                                      # noqa: E402
from kit import Figure, figures, fit_line       # noqa: E402
from kit import runner as kit_runner            # noqa: E402

WATCHED = re.search(r"/(asan|tsan)$", conftest.BUILD)

TABLE = '''
"""A table of a test."""
import os, subprocess, sys, time
from kit import Child, Failed, Figure, Skip, Step
TITLE, ABOUT = "Trial", "Of no use."
PLACE = {place!r}

def note(word):
    with open(os.path.join(PLACE, "notes"), "a") as f:
        f.write(word + "\\n")

def steps(lab):
    peers = {{peer.name: peer for peer in lab.peers}}
    return [{steps}]

{code}
'''

SERVER = '''
import http.server, os, sys
served = 0
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        global served
        served += 1
        if served > {most}:
            os._exit(3)
        self.send_response(200)
        self.send_header("Content-Length", "13")
        self.end_headers()
        self.wfile.write(b"Hello, World!")
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["LAB_PORT"])), Handler).serve_forever()
'''


class Trial:
    """A lab of a test's own: tables, peers and results in a folder."""

    def __init__(self, place):
        self.place = place
        self.results = place / "results"
        for name in ("tables", "peers"):
            (place / name).mkdir()

    def table(self, steps, code, name="trial"):
        text = TABLE.format(place=str(self.place), steps=steps, code=textwrap.dedent(code))
        (self.place / "tables" / f"{name}.py").write_text(text)

    def peer(self, name, most=1000, **about):
        folder = self.place / "peers" / name
        folder.mkdir()
        (folder / "server.py").write_text(SERVER.format(most=most))
        (folder / "peer.json").write_text(json.dumps({
            "title": name.capitalize(), "language": "Python", "kind": "peer", "framework": "http.server",
            "version": "1", "tools": ["${PYTHON}"], "build": None, "run": ["${PYTHON}", "server.py"],
            "routes": ["plaintext"],
            "memory": "python", "workers": "one", "versions": [["${PYTHON}", "--version"]], **about}))

    def command(self, *arguments):
        return [program("leat"), "lab", "--tables", str(self.place / "tables"), "--peers", str(self.place / "peers"),
                "--results", str(self.results), *arguments]

    def run(self, *arguments, **options):
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S * 4, cwd=self.place, **options)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def result(self, name):
        with open(self.results / f"{name}.json") as f:
            return json.load(f)

    def notes(self):
        try:
            return (self.place / "notes").read_text().split()
        except FileNotFoundError:
            return []


@pytest.fixture
def trial(tmp_path):
    return Trial(tmp_path)


def one_line(done, status, *words):
    assert done.returncode == status, done
    assert done.stderr.startswith("leat: lab: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


THREE = '''Step("trial/good", "Good", 1, good), Step("trial/not-here", "Not here", 1, not_here),
    Step("trial/bad", "Bad", 1, bad), Step("trial/last", "Last", 1, last)'''
THREE_CODE = '''
    def good(lab):
        note("good")
        return [Figure("speed", "ns", [3, 1, 2], "What is measured."), Figure("zero", "", [0], "Nothing.")]
    def not_here(lab):
        note("not_here")
        raise Skip("there is no moon here\\nsecond line")
    def bad(lab):
        note("bad")
        return {}["nothing"]
    def last(lab):
        note("last")
        return [Figure("rounds", "", [lab.rounds(10)], "How many rounds.")]
'''


def test_every_step_has_a_result_whatever_becomes_of_it(trial):
    trial.table(THREE, THREE_CODE)
    done = trial.run()
    assert done.returncode == 1, done
    good = trial.result("trial/good")
    assert (good["state"], good["why"], good["table"], good["peer"]) == ("done", "", "trial", None)
    assert good["quick"] is False
    assert good["commit"] and good["seconds"] >= 0 and good["at"].endswith("UTC")
    speed, zero = good["figures"]
    assert (speed["name"], speed["unit"], speed["median"], speed["means"]) == ("speed", "ns", 2, "What is measured.")
    assert zero["median"] == 0
    skipped, failed = trial.result("trial/not-here"), trial.result("trial/bad")
    assert (skipped["state"], skipped["why"]) == ("skipped", "there is no moon here\nsecond line")
    assert failed["state"] == "failed" and "KeyError: 'nothing' (trial.py:" in failed["why"]
    assert trial.result("trial/last")["state"] == "done"
    assert "2 done, 1 skipped, 1 failed" in done.stdout and "4 of 4  trial/last" in done.stdout
    run = trial.result("run")
    assert run["steps"] == ["trial/good", "trial/not-here", "trial/bad", "trial/last"]
    assert run["machine"]["commit"] == good["commit"] and run["tables"][0]["title"] == "Trial"


def test_what_is_done_is_not_done_again(trial):
    trial.table(THREE, THREE_CODE)
    trial.run()
    again = trial.run()
    assert trial.notes() == ["good", "not_here", "bad", "last", "not_here", "bad"]
    assert "2 of 4 steps were done before" in again.stdout and "2 from before" in again.stdout
    trial.run("--fresh", "--only", "trial/good")
    assert trial.notes()[6:] == ["good"]
    stale = trial.result("trial/last")
    stale["commit"] = "another"
    (trial.results / "trial/last.json").write_text(json.dumps(stale))
    (trial.results / "trial/good.json").write_text("{ broken")
    trial.run("--only", "trial/good", "--only", "*/last")
    assert trial.notes()[7:] == ["good", "last"]


def test_quick_results_do_not_pass_for_others(trial):
    trial.table(THREE, THREE_CODE)
    trial.run("--quick", "--only", "trial/last")
    assert trial.result("trial/last")["quick"] and trial.result("trial/last")["figures"][0]["median"] == 2
    trial.run("--only", "trial/last")
    assert not trial.result("trial/last")["quick"] and trial.result("trial/last")["figures"][0]["median"] == 10


def test_rounds_are_fewer_where_time_is_short(trial):
    trial.table('Step("trial/long", "Long", 600, last), Step("trial/other", "Other", 600, last)', THREE_CODE)
    assert trial.run("--budget", "6").returncode == 0
    told = trial.result("trial/long")
    assert 0.2 < told["scale"] < 0.35 and told["figures"][0]["median"] == 3
    trial.run("--budget", "0.001", "--fresh")
    assert trial.result("trial/other")["figures"][0]["median"] == 2     # never none


def test_list_shows_and_does_nothing(trial):
    trial.table(THREE, THREE_CODE)
    done = trial.run("--list")
    assert done.returncode == 0 and done.stdout.count("[not yet]") == 4 and "4 steps" in done.stdout
    assert trial.notes() == [] and not trial.results.exists()
    trial.run("--only", "trial/[gn]*")
    said = trial.run("--list").stdout
    assert "[done]" in said and "[skipped: there is no moon here]" in said and said.count("[not yet]") == 2
    assert "--quick" not in said and "done for" in trial.run("--list", "--quick").stdout


PEERS = 'Step("trial/one", "One", 1, one, peers["one"]), Step("trial/two", "Two", 1, two, peers["one"]), ' \
        'Step("trial/last", "Last", 1, last)'
PEERS_CODE = THREE_CODE + '''
    def ask(lab):
        peer = lab.peers[0]
        with peer.start(lab) as child:
            note(str(child.pid))
            for _ in range(20):
                child.wait_until_serving(child.port, target="/plaintext")
        return [Figure("asked", "", [20], "Answers.")]
    one = two = ask
'''


def test_a_peer_that_answers_is_measured(trial):
    trial.peer("one")
    trial.table(PEERS, PEERS_CODE)
    assert trial.run().returncode == 0
    assert trial.result("trial/one")["peer"] == "one" and trial.result("trial/two")["state"] == "done"
    told = trial.result("run")["peers"][0]
    assert told["state"] == "built" and told["versions"]
    assert not any(os.path.exists(f"/proc/{pid}") for pid in trial.notes() if pid.isdigit())
    trial.run("--only", "trial/last")       # asks for no peer: what is known of it stays
    assert trial.result("run")["peers"][0] == told


@pytest.mark.parametrize("about, why", (
    ({"build": ["sh", "-c", "echo built >> ../../notes; echo no such header >&2; exit 3"]}, "no such header"),
    ({"tools": ["no-such-compiler"], "needs": ["some-package"]}, "some-package")))
def test_a_peer_that_cannot_be_built_is_left_out(trial, about, why):
    trial.peer("one", **about)
    trial.table(PEERS, PEERS_CODE)
    done = trial.run(env={**os.environ, "XDG_CACHE_HOME": str(trial.place / "cache")})
    assert done.returncode == 0, done
    for step in ("trial/one", "trial/two"):
        assert trial.result(step)["state"] == "skipped" and why in trial.result(step)["why"]
    assert trial.result("trial/last")["state"] == "done"
    assert trial.notes().count("built") == ("build" in about)       # and tried once
    told = trial.result("run")["peers"][0]
    assert told["state"] == "skipped" and why in told["why"]


def test_a_peer_that_dies_costs_its_own_rows(trial):
    trial.peer("one", most=7)
    trial.table(PEERS, PEERS_CODE)
    done = trial.run()
    assert done.returncode == 1 and "1 done, 0 skipped, 2 failed" in done.stdout
    assert "ended with status 3" in trial.result("trial/two")["why"]
    assert trial.result("trial/last")["state"] == "done"


def test_a_peer_that_is_described_wrongly_is_told(trial):
    trial.peer("one", kind="pear")
    trial.table(THREE, THREE_CODE)
    one_line(trial.run(), 69, "peer.json", "kind must be one of")


HANGS = '''
    def left(lab):
        child = subprocess.Popen(["sleep", "600"])
        note(str(child.pid))
        raise Failed("left a child behind")
    def hang(lab):
        if os.environ.get("TRIAL") == "goes":
            return []
        with Child(["sleep", "600"]) as child:
            note(str(child.pid))
            time.sleep(600)
'''


def children_gone(trial):
    return not any(os.path.exists(f"/proc/{pid}") for pid in trial.notes() if pid.isdigit())


def test_what_a_step_leaves_behind_is_ended(trial):
    trial.table('Step("trial/left", "Left", 1, left)', HANGS)
    trial.run()
    assert trial.result("trial/left")["why"] == "left a child behind"
    assert len(trial.notes()) == 1 and children_gone(trial)


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
def test_an_interrupt_ends_it_and_it_goes_on_from_there(trial, number):
    trial.table('Step("trial/good", "Good", 1, good), Step("trial/hang", "Hang", 1, hang)', THREE_CODE + HANGS)
    def heed():     # who runs these tests in the background may have us ignore it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(trial.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as lab:
        wait_until("the second step", lambda: len(trial.notes()) == 2)
        lab.send_signal(number)
        _, said = lab.communicate(timeout=PATIENCE_S)
    wait_until("its child to end", lambda: children_gone(trial))
    assert not (trial.results / "trial/hang.json").exists()
    if number != signal.SIGKILL:
        assert lab.returncode == 130 and "the same command goes on" in said and "Traceback" not in said
    done = trial.run(env={**os.environ, "TRIAL": "goes"})
    assert done.returncode == 0 and trial.notes().count("good") == 1
    assert trial.result("trial/hang")["state"] == "done"


def test_two_labs_do_not_share_results(trial):
    trial.table('Step("trial/hang", "Hang", 1, hang)', HANGS)
    with subprocess.Popen(trial.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as lab:
        try:
            wait_until("the step", lambda: len(trial.notes()) == 1)
            one_line(trial.run(), 69, "another lab is at work", "--results")
        finally:
            lab.terminate()


def test_a_step_has_a_limit():
    with pytest.raises(kit_runner.TooLong, match="longer than 1 s"):
        with kit_runner.limit(1):
            time.sleep(PATIENCE_S)
    with kit_runner.limit(100):
        pass
    assert signal.alarm(0) == 0      # none is left


def test_mistakes_are_one_line(trial, run):
    trial.table(THREE, THREE_CODE)
    one_line(trial.run("--only", "nothing/*"), 64, "nothing/*", "--list")
    one_line(trial.run("--slow"), 64, "--slow")
    one_line(trial.run("--budget", "-3"), 64, "--budget")
    one_line(trial.run("--budget", "nan"), 64, "--budget")
    one_line(trial.run("--budget", "0"), 64, "--budget")
    one_line(trial.run("--build", "/nowhere"), 64, "/nowhere")
    trial.results.write_text("in the way")
    one_line(trial.run(), 71, str(trial.results))
    trial.results.unlink()
    trial.table('Step("trial/good", "Good", 1, good), Step("trial/good", "Again", 1, good)', THREE_CODE)
    one_line(trial.run(), 69, "two steps are called trial/good")
    whole = "TITLE = ABOUT = ''\ndef steps(lab):\n    return lab.nothing"
    for name, text in (("broken", "def"), ("raises", "1 / 0"), ("lacks", ""), ("late", whole)):
        (trial.place / "tables" / f"{name}.py").write_text(text)
        one_line(trial.run(), 69, f"{name}.py")
        (trial.place / "tables" / f"{name}.py").unlink()
    assert run("leat", "lab", "--help").returncode == 0
    assert "--quick" in run("leat", "help", "lab").stdout


@pytest.mark.skipif(bool(WATCHED), reason="a copy of the program looks for what watches it")
def test_a_command_without_a_lab_says_so(tmp_path):
    (tmp_path / "bin").mkdir()
    alone = shutil.copy(program("leat"), tmp_path / "bin")
    done = subprocess.run([alone, "lab"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    one_line(done, 71, "../share/leat/lab/run", "./dev lab")
    (tmp_path / "share/leat/lab").mkdir(parents=True)
    (tmp_path / "share/leat/lab/run").write_text("import os, sys\nprint(os.environ['LEAT_BUILD'], *sys.argv[1:])\n")
    done = subprocess.run([alone, "lab", "--one", "two three"], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False)
    assert done.stdout == f"{tmp_path}/bin --one two three\n"
    done = subprocess.run([alone, "lab"], env={"PATH": str(tmp_path)}, capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    one_line(done, 71, "python3")


# ── Figures ──


def test_a_spread_comes_of_several_values_and_never_of_one():
    one = Figure("a", "ns", [5], "m")
    assert (one.median, one.low, one.high) == (5, None, None)
    none = Figure("a", "ns", [], "m")
    assert (none.median, none.low, none.high) == (None, None, None)
    many = Figure("a", "ns", list(range(1, 102)), "m")
    assert many.median == 51 and 30 < many.low < 51 < many.high < 72
    same = Figure("a", "ns", [7] * 9, "m")
    assert (same.median, same.low, same.high) == (7, 7, 7)
    given = Figure("a", "ns", [1, 2], "m", median=9, low=8, high=10)
    assert (given.median, given.low, given.high) == (9, 8, 10)


def test_the_bootstrap_interval_covers_as_often_as_it_says():
    import random
    chance, covered = random.Random(4), 0
    for _ in range(60):
        figure = Figure("a", "", [chance.gauss(10, 3) for _ in range(15)], "m")
        covered += figure.low <= 10 <= figure.high
    assert covered >= 50


def test_a_line_is_fitted_with_its_spread():
    exact = fit_line([(x, 7 + 32 * x) for x in (2000, 6000, 12000, 18000)])
    assert math.isclose(exact.slope, 32) and math.isclose(exact.intercept, 7, abs_tol=1e-6)
    assert math.isclose(exact.low, 32, abs_tol=1e-6) and math.isclose(exact.at(1_000_000), 32_000_007)
    # Worked by hand: slope 0.6, squares of what is left 2.4, of x about its mean 10; t(3) = 3.182.
    noisy = fit_line([(1, 2), (2, 4), (3, 5), (4, 4), (5, 5)])
    assert math.isclose(noisy.slope, 0.6) and math.isclose(noisy.intercept, 2.2)
    reach = 3.182 * math.sqrt(2.4 / 3 / 10)
    assert math.isclose(noisy.low, 0.6 - reach) and math.isclose(noisy.high, 0.6 + reach)
    assert fit_line([(1, 1), (2, 3)]).low is None
    with pytest.raises(ValueError):
        fit_line([(1, 1), (1, 3)])


def test_ratios_are_paired_and_json_has_no_infinity():
    ratio = kit.paired_ratio("r", [2, 40, 6], [1, 20, 3], "m")
    assert ratio.values == [2, 2, 2] and (ratio.low, ratio.high) == (2, 2)
    with pytest.raises(ValueError):
        kit.paired_ratio("r", [1], [1, 2], "m")
    told = Figure("a", "", [math.inf, 1.0], "m", projected=True, points=[(1, math.nan)]).to_json()
    assert told["values"] == [None, 1.0] and told["points"] == [[1, None]] and told["projected"] is True
    json.dumps(told, allow_nan=False)
    assert figures.short(1234567) == "1,234,567" and figures.short(0.0321) == "0.0321"
    assert figures.short(None) == "unknown"
