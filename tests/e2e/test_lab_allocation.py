"""Table 2 of the lab: figures are calculated from what was counted, a server's calls are those that it makes, and what
can't be told is said not to be."""
import os
import shutil
import sys

import pytest

import conftest
from conftest import ROOT
from test_lab_peers import PEERS, is_release

LAB = os.path.join(ROOT, "lab")
sys.path.insert(0, LAB)
from kit import Lab, Skip       # noqa: E402
from tables import allocation   # noqa: E402

pytestmark = pytest.mark.skipif(not is_release(), reason="the lab measures the release build")


@pytest.fixture
def lab():
    lab = Lab(conftest.BUILD, quick=True)
    yield lab
    lab.close()


def latency(mean, longest):
    return {"count": 100, "mean_ns": mean, "calm_mean_ns": mean - 1, "p50_ns": 20.0, "p99_ns": 30.0, "p999_ns": 40.0,
            "max_ns": longest, "switched": 2, "own_mean_ns": mean - 2, "own_max_ns": longest / 2}


def counted(mean):
    none = {"calls": 0, "failures": 0, "large": 0, "bytes": 0, "latency": None}
    asks = {"calls": 300, "failures": 3, "large": 0, "bytes": 6400, "latency": latency(mean, 1000.0)}
    frees = {"calls": 200, "failures": 0, "large": 0, "bytes": 0, "latency": latency(mean + 5, 2000.0)}
    return {"places": {"malloc": asks, "calloc": none, "free": frees}, "allocates": asks, "frees": frees,
            "all": {**asks, "calls": 500}, "floor": latency(21.0, 50.0)}


def test_figures_are_of_what_was_counted():
    found = allocation.figures([(counted(40.0), 100), (counted(44.0), 100)])
    by = {(figure.name, figure.of.get("place")): figure.values for figure in found}
    assert by["allocate_mean", None] == [40.0, 44.0]
    assert by["allocate_above_floor", None] == [19.0, 23.0]
    assert by["free_above_floor", None] == [24.0, 28.0]
    assert by["allocate_own_max", None] == [500.0, 500.0]
    assert by["calls_per_request", None] == [5.0, 5.0]
    assert by["allocations_per_request", None] == [3.0, 3.0] and by["frees_per_request", None] == [2.0, 2.0]
    assert by["bytes_per_request", None] == [64.0, 64.0]
    assert by["failures", None] == [3, 3]
    assert by["place_calls_per_request", "free"] == [2.0, 2.0]
    assert ("place_p99", "calloc") not in by        # it was never called
    assert all(figure.means.endswith(".") for figure in found)


def test_a_kernel_that_does_not_tell_of_switches_leaves_no_figure():
    told = counted(40.0)
    for kind in ("allocates", "frees"):
        told[kind]["latency"].update(switched=None, own_mean_ns=None, own_max_ns=None)
    by = {figure.name: figure.values for figure in allocation.figures([(told, 100)])}
    assert by["allocate_own_mean"] == [] and by["allocate_mean"] == [40.0]


@pytest.mark.parametrize("name", ("leat-epoll", "leat-uring", "asyncio"))
def test_calls_of_a_request(lab, name):
    """Leat calls malloc for no request; a program in Python does, more than once."""
    peer = PEERS[name]
    try:
        peer.build(lab)
    except Skip as why:
        pytest.skip(str(why))
    by = {figure.name: figure for figure in allocation.interposed(peer)(lab) if not figure.of}
    each = by["calls_per_request"].median
    assert by["failures"].median == 0
    if name == "asyncio":
        assert each > 2 and by["allocate_p50"].median > 0 and "PYTHONMALLOC" in by["allocate_p50"].notes
    else:
        assert each == 0 and by["allocate_p50"].median is None and by["allocate_p50"].notes


def test_a_runtime_that_tells_no_latency_has_none(lab):
    peer = PEERS["go-std"]
    try:
        peer.build(lab)
    except Skip as why:
        pytest.skip(str(why))
    by = {figure.name: figure for figure in allocation.told_by_runtime(peer)(lab)}
    assert by["allocate_p99"].values == [] and "does not time" in by["allocate_p99"].notes
    assert by["allocations_per_request"].median > 1


@pytest.mark.skipif(shutil.which("taskset") is None, reason="taskset is not there")
def test_the_clock_has_a_row_of_its_own(lab):
    by = {figure.name: figure.median for figure in allocation.clock(lab)}
    assert 0 < by["floor_p50"] <= by["floor_p99"] <= by["floor_p999"] <= by["floor_max"]
    assert by["empty_p50"] >= by["floor_p50"]


def test_an_allocator_that_is_not_there_is_skipped_by_name(lab, monkeypatch):
    monkeypatch.setitem(allocation.ALLOCATORS, "mimalloc", "libnowhere.so.9")
    with pytest.raises(Skip, match="libnowhere.so.9 is not there: install libmimalloc2.0"):
        allocation.leat(PEERS["leat-epoll"], "timed-malloc", "mimalloc")(lab)


def test_every_server_but_the_floors_has_a_row(lab):
    names = {step.id for step in allocation.steps(lab)}
    assert names >= {f"allocation/{peer.name}" for peer in PEERS.values() if peer.kind != "floor"}
    assert {f"allocation/{loop}-{a}" for loop in ("leat-epoll", "leat-uring") for a in allocation.ALLOCATORS} <= names
