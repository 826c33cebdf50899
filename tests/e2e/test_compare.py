"""leat compare: real servers, in short comparisons; what it says, and that it ends everything it started."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from conftest import PATIENCE_S, program, wait_until

SHORT = ("--", "--count", "400", "--warm-up", "20ms", "--active", "4")     # a count: a busy machine takes longer
MINUTES = 240       # only bounds how long a failure takes


def busy(loop, **settings):
    words = [f"{name.upper()}={value}" for name, value in settings.items()]
    return " ".join(["env", *words, program("tests/apps/busy"), "--listen 127.0.0.1:{port} --quiet --loop", loop])


def compare(*arguments, load=SHORT):
    return subprocess.run([program("leat"), "compare", *arguments, *load], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=MINUTES)


def compare_json(*arguments):
    done = compare("--json", "--quiet", "--seed", "1", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def children_of(name):
    """Processes whose command line has these words."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if name.encode() in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def one_line(done, status, *parts):
    lines = done.stderr.strip().split("\n")
    assert done.returncode == status, done.stderr
    assert all(part in lines[-1] for part in parts), done.stderr
    assert lines[-1].startswith("leat: compare: ")
    assert "Traceback" not in done.stderr and "assert" not in done.stderr.lower()
    return lines


def test_a_planted_difference_is_found(loop):
    told = compare_json("--rounds", "8", busy(loop, burn=100), busy(loop, burn=150000))
    slower = told["candidates"][1]
    assert slower["verdict"] == "more" and "more processor time per request than A" in slower["sentence"]
    assert slower["figures"]["cpu_us_per_request"]["to_base"]["low"] > 1.1
    told = compare_json("--rounds", "8", busy(loop, burn=150000), busy(loop, burn=100))
    faster = told["candidates"][1]
    assert faster["verdict"] == "less" and "less processor time per request than A" in faster["sentence"]
    assert faster["figures"]["cpu_us_per_request"]["to_base"]["high"] < 0.9


def test_both_loops_against_each_other_are_told_with_every_round():
    told = compare_json("--rounds", "3", busy("epoll"), busy("uring"))
    assert [c["name"] for c in told["candidates"]] == ["A", "B"]
    assert len(told["measured"]) == told["rounds"] == 3
    for one in told["measured"]:
        assert sorted(one["order"]) == [0, 1] and len(one["measures"]) == 2
        for measure in one["measures"]:
            assert measure["answers"] > 0 and measure["cpu_us_per_request"] > 0 and measure["resident_kib"] > 500
            assert measure["p50_us"] <= measure["p99_us"] <= measure["p999_us"]
    assert told["candidates"][1]["verdict"] == "too few rounds"
    assert "give --rounds more" in told["candidates"][1]["sentence"]


def test_the_same_seed_has_the_same_order():
    first, again = (compare_json("--rounds", "3", busy("epoll"), busy("epoll"), busy("epoll")) for _ in range(2))
    assert [one["order"] for one in first["measured"]] == [one["order"] for one in again["measured"]]


def test_people_are_told_who_what_and_the_verdict(loop):
    done = compare("--rounds", "8", busy(loop, burn=100), busy(loop, burn=200000))
    assert done.returncode == 0, done.stderr
    assert re.search(r"^  B  env BURN=200000 ", done.stdout, re.M)
    assert re.search(r"^  cpu/request µs +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ to +[\d.]+ +\d/\d \*$", done.stdout, re.M)
    assert re.search(r"^B uses [\d.]+% to [\d.]+% more processor time per request than A$", done.stdout, re.M)
    assert "round 8 of 8: B " in done.stderr


def test_a_sweep_has_the_product_of_the_settings(tmp_path):
    report = tmp_path / "sweep.html"
    told = compare_json("--rounds", "2", "--report", str(report), "--vary", "loop=uring,epoll", "--vary", "n=10,200000",
                        busy("{loop}", burn="{n}"))
    assert [c["name"] for c in told["candidates"]] == ["loop=uring n=10", "loop=uring n=200000", "loop=epoll n=10",
                                                      "loop=epoll n=200000"]
    assert told["candidates"][3]["settings"] == {"loop": "epoll", "n": "200000"}
    ratios = [c["figures"]["cpu_us_per_request"]["to_base"]["ratio"] for c in told["candidates"][1:]]
    assert ratios[0] > 1.3 and ratios[2] > 1.3
    page = report.read_text()
    assert page.count("<svg") == 6 and "loop=epoll n=200000" in page


def test_looks_end_it_before_the_time_is_over(loop):
    told = compare_json("--at-most", "24s", busy(loop, burn=100), busy(loop, burn=100000))
    assert told["candidates"][1]["verdict"] == "more"
    assert told["rounds"] == told["rule"]["looks"][0]["round"] < told["rule"]["rounds"]


def test_servers_that_run_already_are_compared(start):
    servers = [start("tests/apps/busy") for _ in range(2)]
    told = compare_json("--rounds", "2", *(f"{server.url}/@{server.process.pid}" for server in servers))
    assert told["primary"] == "cpu_us_per_request" and told["candidates"][0]["url"].startswith("http://127.0.0.1:")
    told = compare_json("--rounds", "2", *(server.url for server in servers))
    assert told["primary"] == "requests_per_second"
    assert told["measured"][0]["measures"][0]["cpu_us_per_request"] is None
    assert told["candidates"][1]["figures"]["resident_kib"]["median"] is None


def test_addresses_that_lead_nowhere_are_told(start):
    server = start("tests/apps/busy")
    gone = subprocess.Popen(["true"])
    gone.wait()
    one_line(compare(server.url, f"{server.url}/@{gone.pid}"), 69, f"B: there is no process {gone.pid}")
    one_line(compare(server.url, "https://127.0.0.1:1/"), 64, "B: ", "https")
    one_line(compare(server.url, "http://127.0.0.1:1/", "--start-within", "200ms"), 69,
             "B: no HTTP/1.1 answer from http://127.0.0.1:1", "within 0.2 s")


def test_a_server_that_does_not_start_is_told(tmp_path):
    good = busy("epoll")
    one_line(compare(good, "/no/such/program {port}"), 69, "B: /no/such/program", "No such file")
    one_line(compare(good, "sh -c 'echo nope {port} >&2; exit 7'"), 69,
             "B: its server ended with status 7 before it answered", "its last words: nope")
    one_line(compare("--start-within", "300ms", "sleep 60{port}", good), 69,
             "A: no HTTP/1.1 answer from http://127.0.0.1:", "within 0.3 s")
    one_line(compare(good, "sh -c 'kill -9 $$ {port}'"), 69, "was ended by signal 9")


def test_a_server_that_hides_in_the_background_is_found_out_and_ended(tmp_path):
    mark = f"d{os.getpid()}{time.monotonic_ns()}"
    server = program("tests/apps/busy")
    hidden = f"sh -c 'MARK={mark} setsid {server} --listen 127.0.0.1:{{port}} --quiet & true'"
    one_line(compare("--rounds", "2", hidden, hidden), 69, "A: its server ended with status 0",
             "stay in the foreground")
    assert not servers_of(mark)


def test_a_server_that_dies_midway_is_tried_again_and_then_told(loop):
    done = compare("--rounds", "3", busy(loop), busy(loop, die_after=1))
    one_line(done, 69, "B: its server ended with status 3", "had enough")
    done = compare("--rounds", "3", busy(loop), busy(loop, die_after=20))
    one_line(done, 69, "B: its server ended with status 3 midway", "had enough")


def test_a_round_is_repeated_when_a_server_died_in_it(tmp_path):
    """The third start dies midway: the first is the round that does not count."""
    script = tmp_path / "third"
    script.write_text(f"echo >>{tmp_path}/starts\n[ $(wc -l <{tmp_path}/starts) -ne 3 ] || DIE_AFTER=20\n"
                      f"export DIE_AFTER\nexec {program('tests/apps/busy')} --loop epoll --listen 127.0.0.1:$1\n")
    done = compare("--rounds", "2", "--json", busy("epoll"), f"sh {script} {{port}}")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^leat: compare: round \d is repeated: B: its server ended with status 3 midway; .*enough$",
                     done.stderr, re.M)
    assert json.loads(done.stdout)["repeated"] == 1


def test_wrong_answers_are_no_speed(loop):
    one_line(compare("--rounds", "2", busy(loop), busy(loop, wrong_after=10)), 69, "B: ", "requests failed")


@pytest.mark.parametrize("arguments, part", [
    ([], "give two commands or addresses"),
    (["a {port}"], "give two commands or addresses"),
    (["a", "b {port}"], "a: it has no {port}"),
    (["a {port} | b", "c {port}"], "| is for a shell"),
    (["a {port} 'b", "c {port}"], "never closed"),
    (["--vary", "x=1,2", "a {port}"], "has no {x}"),
    (["--rounds", "many", "a {port}", "b {port}"], "--rounds many: give a whole number"),
    (["--active", "3", "a {port}", "b {port}"], "--active is the load's: write it behind --"),
    (["--roundz", "3"], "did you mean --rounds?"),
])
def test_wrong_usage_is_one_line(arguments, part):
    lines = one_line(compare(*arguments, load=()), 64, part)
    assert len(lines) == 1


def test_wrong_load_options_are_told_before_anything_starts():
    for load, part in (("--active", "0"), "--active 0"), (("--nope",), "--nope"):
        lines = one_line(compare("sleep {port}", "sleep {port}", load=("--", *load)), 64, "behind --", part)
        assert len(lines) == 1


def begin_long(tmp_path, mark):
    out = open(tmp_path / "out", "wb")
    words = [program("leat"), "compare", "--rounds", "400", busy("epoll", mark=mark), busy("epoll", mark=mark), *SHORT]
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    wait_until("a few rounds", lambda: b"round 2 of 400" in (tmp_path / "out").read_bytes())
    return child


def servers_of(mark):
    """env becomes the program, whose environment keeps the mark."""
    found = []
    for pid in children_of("tests/apps/busy"):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if f"MARK={mark}".encode() in f.read():
                    found.append(pid)
        except OSError:
            pass
    return found


def test_an_interruption_tells_what_is_there_and_leaves_nothing_behind(tmp_path):
    mark = f"i{os.getpid()}{time.monotonic_ns()}"
    child = begin_long(tmp_path, mark)
    child.send_signal(signal.SIGINT)
    assert child.wait(PATIENCE_S) == 130
    said = (tmp_path / "out").read_text()
    assert "no verdict: the comparison ended after" in said and said.strip().endswith("leat: compare: interrupted")
    wait_until("all servers are gone", lambda: not servers_of(mark))


def test_servers_die_with_it(tmp_path):
    mark = f"k{os.getpid()}{time.monotonic_ns()}"
    child = begin_long(tmp_path, mark)
    child.kill()
    child.wait()
    wait_until("all servers are gone", lambda: not servers_of(mark))


def test_help_is_whole(run):
    done = run("leat", "compare", "--help")
    assert done.returncode == 0 and "Exit status: 0 done" in done.stdout and done.stderr == ""
