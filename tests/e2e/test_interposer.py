"""The interposer counts every call of a program whose calls are known, through threads, forks and other programs, under
any allocator, and times them; and the program can't tell. Leat's own timed build is tried where it is built (./dev lab).
"""
import json
import os
import subprocess
import sys

import pytest

from conftest import BUILD, PATIENCE_S, ROOT, Server
from cookbook import cache

sys.path.insert(0, os.path.join(ROOT, "bench"))
from process import Child  # noqa: E402

pytestmark = pytest.mark.skipif(bool(cache("LEAT_SANITIZE")), reason="a sanitizer stands before the allocator itself")

READER, INTERPOSER = os.path.join(BUILD, "lab/latency"), os.path.join(BUILD, "lab/interpose.so")
KNOWN, SLOW = os.path.join(BUILD, "tests/interpose/known"), os.path.join(BUILD, "tests/interpose/slow.so")
ALLOCATORS = ("libmimalloc.so.2", "libjemalloc.so.2", "libtcmalloc_minimal.so.4")
EACH = {"malloc": 4, "calloc": 1, "realloc": 1, "posix_memalign": 1, "aligned_alloc": 1, "memalign": 1, "free": 7,
        "free_null": 1}     # what known.c's once() calls
BYTES = {"malloc": 64 + 200000 + 10, "calloc": 100, "realloc": 1000, "posix_memalign": 256, "aligned_alloc": 128,
         "memalign": 96}
THREADS = 3
TIMES = 2 * THREADS + 1     # known.c: two generations of threads, and a child


class Known:
    """The program, counted."""

    def __init__(self, folder, mode, behind=None):
        self.path = os.path.join(folder, "calls")
        preload = INTERPOSER + (f":{behind}" if behind else "")
        self.child = Child([KNOWN], talks=True, env={"LAB_INTERPOSE_OUT": self.path, "LAB_INTERPOSE": mode,
                                                     "LD_PRELOAD": preload})
        self.block = self.child.hear(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()

    def do(self, line):
        self.child.say(line)
        assert self.child.hear(PATIENCE_S) == "done"

    def ask(self, verb):
        return subprocess.run([READER, verb, self.path], capture_output=True, text=True, check=True).stdout

    def count(self, n):
        """What is counted of n of everything, and of nothing before."""
        self.ask("reset")
        self.do(f"{THREADS} {n}")
        return json.loads(self.ask("read"))


def check_counts(told, less, n):
    """n more calls of everything than in less: starting threads takes some too."""
    for name, each in EACH.items():
        assert told["places"][name]["calls"] - less["places"][name]["calls"] == each * n * TIMES, name
        assert told["places"][name]["bytes"] - less["places"][name]["bytes"] == BYTES.get(name, 0) * n * TIMES, name
    assert told["places"]["malloc"]["failures"] - less["places"]["malloc"]["failures"] == n * TIMES
    assert told["places"]["malloc"]["large"] - less["places"]["malloc"]["large"] == n * TIMES
    for name in ("valloc", "pvalloc", "reallocarray"):
        assert told["places"][name]["calls"] == 0
    assert told["allocates"]["calls"] - less["allocates"]["calls"] == 9 * n * TIMES
    assert told["frees"]["calls"] - less["frees"]["calls"] == 7 * n * TIMES
    assert told["all"]["failures"] - less["all"]["failures"] == n * TIMES
    assert told["lost"] == 0


@pytest.mark.parametrize("mode", ("count", "time"))
def test_every_call_is_counted(tmp_path, mode):
    with Known(tmp_path, mode) as known:
        known.do(f"{THREADS} 10")
        check_counts(known.count(300), known.count(100), 200)


def test_reset_forgets_what_was_and_nothing_that_comes(tmp_path):
    with Known(tmp_path, "time") as known:
        known.do(f"{THREADS} 500")
        first, second = known.count(20), known.count(20)
        for name, place in first["places"].items():
            assert second["places"][name]["calls"] == place["calls"], name
        assert second["places"]["free"]["calls"] == EACH["free"] * 20 * TIMES
        known.ask("reset")
        assert json.loads(known.ask("read"))["all"]["calls"] == 0


def test_ended_threads_leave_their_places_to_others(tmp_path):
    with Known(tmp_path, "count") as known:
        for _ in range(40):
            known.do("40 1")
        told = json.loads(known.ask("read"))
    assert told["threads"] <= 41 + 40   # those of one generation, and a child's one a line


def test_what_is_read_after_the_end_is_all_of_it(tmp_path):
    with Known(tmp_path, "count") as known:
        known.do(f"{THREADS} 50")
        known.child.process.kill()
        known.child.process.wait()
        assert json.loads(known.ask("read"))["places"]["realloc"]["calls"] == 50 * TIMES


def test_every_call_is_timed_and_a_slow_one_seen(tmp_path):
    with Known(tmp_path, "time", behind=SLOW) as known:
        told = known.count(100)
        known.ask("reset")
        known.do("slow")
        slow = json.loads(known.ask("read"))["places"]["malloc"]["latency"]
    for name in EACH:
        place = told["places"][name]
        assert place["latency"]["count"] == place["calls"]
        in_order = [place["latency"][f"{key}_ns"] for key in ("p50", "p99", "p999", "max")]
        assert in_order == sorted(in_order) and in_order[0] > 0
    assert told["floor"]["count"] >= told["all"]["calls"] / 16 - TIMES * 2
    assert slow["count"] >= 1 and slow["max_ns"] >= 20e6


@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_another_allocator_stands_behind(tmp_path, allocator):
    plain = subprocess.run([KNOWN], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           env={**os.environ, "LD_PRELOAD": allocator}, check=True)
    if "cannot be preloaded" in plain.stderr:
        pytest.skip(f"{allocator} is not there")
    with Known(tmp_path, "time", behind=allocator) as known:
        assert known.block == plain.stdout.strip()      # it is that one which gave the block
        known.do(f"{THREADS} 10")
        check_counts(known.count(300), known.count(100), 200)


def test_programs_that_are_started_are_counted_too(tmp_path):
    path = os.path.join(tmp_path, "calls")
    env = {**os.environ, "LAB_INTERPOSE_OUT": path, "LD_PRELOAD": INTERPOSER}
    line = f"echo '{THREADS} 100' | {KNOWN}"
    subprocess.run(["sh", "-c", f"{line}; {line}"], env=env, stdout=subprocess.DEVNULL, check=True)
    told = json.loads(subprocess.run([READER, "read", path], capture_output=True, check=True).stdout)
    assert told["places"]["memalign"]["calls"] == 2 * 100 * TIMES


@pytest.mark.parametrize("path", (None, "/nonexistent/calls", "/dev/null"))
def test_without_a_file_the_program_runs_as_ever(path):
    env = {**os.environ, "LD_PRELOAD": INTERPOSER, **({"LAB_INTERPOSE_OUT": path} if path else {})}
    done = subprocess.run([KNOWN], input="2 10\nslow\n", env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split()[1:] == ["done", "done"] and done.stderr == ""


def test_the_reader_says_what_is_wrong(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "other").write_bytes(b"x" * 10000)
    for arguments, status in ((["read", tmp_path / "none"], 66), (["read", tmp_path / "empty"], 66),
                              (["reset", tmp_path / "other"], 66), (["floor", "soon"], 64), (["read"], 64), ([], 64)):
        done = subprocess.run([READER, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == status and done.stderr.count("\n") == 1 and done.stdout == ""


def test_the_clock_tells_its_floor():
    told = json.loads(subprocess.run([READER, "floor", "0.2"], capture_output=True, check=True).stdout)
    for name in ("floor", "empty"):
        assert told[name]["count"] > 1000 and told[name]["max_ns"] >= told[name]["p999_ns"] >= told[name]["p50_ns"]


def is_of_this_tree(path):
    """Whether it was built since anything that it is made of was changed."""
    sources = (os.path.join(folder, name) for top in ("src", "lab/interpose", "include", "cli")
               for folder, _, names in os.walk(os.path.join(ROOT, top)) for name in names)
    return os.path.exists(path) and os.path.getmtime(path) > max(map(os.path.getmtime, sources))


@pytest.mark.parametrize("preset", ("timed", "timed-malloc"))
def test_a_timed_leat_serves_and_counts(tmp_path, loop, preset):
    leat = os.path.join(ROOT, "build", preset, "leat")
    if not is_of_this_tree(leat):
        pytest.skip(f"build/{preset} is not built, or is older than its sources")
    (tmp_path / "index.html").write_text("hello")
    path = os.path.join(tmp_path, "calls")
    server = Server(tmp_path / "log", leat, "serve", str(tmp_path), "--loop", loop, "--shards", "1", "--admin", "off",
                    env={**os.environ, "LAB_MEMORY_OUT": path})
    try:
        with server.connect() as client:
            for _ in range(100):
                assert client.get("/").status == 200
        told = json.loads(subprocess.run([READER, "read", path], capture_output=True, check=True).stdout)
    finally:
        server.stop()
    assert told["timing"] and told["places"]["buffer_acquire"]["calls"] >= 100
    assert told["places"]["arena_alloc"]["latency"]["count"] == told["places"]["arena_alloc"]["calls"] > 0
    assert told["all"]["failures"] == 0
