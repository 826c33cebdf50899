"""Table 1 of the lab: its instruments, held against servers whose memory, answers and ends are known."""
import json
import os
import re
import subprocess
import sys

import conftest
import pytest
from conftest import PATIENCE_S, ROOT, program

LAB = os.path.join(ROOT, "lab")
sys.path.insert(0, LAB)
from kit import Child, Failed, Lab, Skip, free_port     # noqa: E402
from kit import million, resident                       # noqa: E402
from kit.churn import draw                              # noqa: E402
from kit.peers import Peer                              # noqa: E402
from tables import memory                               # noqa: E402

WATCHED = re.search(r"/(asan|tsan)$", conftest.BUILD)

# A server of asyncio's. EACH: octets that a connection holds. LAST: after so many requests a connection is closed.
# UPLOAD: what it says of an upload of so many octets. REFUSE: how many connections it takes in its life.
SERVER = '''
import asyncio, json, os, re
EACH, LAST, UPLOAD, REFUSE = {each}, {last}, lambda size: {upload}, {refuse}
there = 0
async def serve(reader, writer):
    global there
    there += 1
    if there > REFUSE:
        return writer.close()
    held, served = bytearray(os.urandom(1) * EACH), 0
    while head := await reader.readuntil(b"\\r\\n\\r\\n"):
        length = re.search(rb"Content-Length: (\\d+)", head)
        content = await reader.readexactly(int(length[1])) if length else b""
        if head.startswith(b"POST"):
            answer = str(UPLOAD(len(content))).encode()
        elif b"/lab" in head:
            told = {{"heap_bytes": 1000, "gc_count": 3, "gc_pause_max_s": 0.25, "source": "a guess"}}
            answer = json.dumps(told).encode()
        else:
            answer = b"Hello, World!"
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(answer), answer))
        served += 1
        if served == LAST or b"Connection: close" in head:
            break
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["LAB_PORT"]), limit=1 << 22, backlog=500)
    await server.serve_forever()
asyncio.run(main())
'''


@pytest.fixture
def lab(tmp_path):
    lab = Lab(conftest.BUILD, quick=True, build_folder=str(tmp_path / "built"))
    yield lab
    lab.close()


@pytest.fixture
def make_peer(tmp_path):
    def make(each=0, last=-1, upload="size", refuse=1_000_000):
        (tmp_path / "server.py").write_text(SERVER.format(each=each, last=last, upload=upload, refuse=refuse))
        (tmp_path / "peer.json").write_text(json.dumps({
            "title": "Known", "language": "Python", "kind": "peer", "framework": "asyncio", "version": "1",
            "tools": ["${PYTHON}"], "build": None, "run": ["${PYTHON}", "server.py"],
            "routes": ["plaintext", "upload"], "memory": "python", "workers": "one", "versions": []}))
        return Peer(str(tmp_path))
    return make


def test_what_a_connection_holds_is_found(lab, make_peer):
    slopes = []
    for each in (0, 100_000):
        base, points, _ = memory.hold(lab, make_peer(each=each), [100, 300, 600])
        assert base["rss"] >= base["pss"] > 1_000_000 and [n for n, _ in points] == [0, 100, 300, 600]
        slopes.append(memory.fit_line(points[1:]).slope)
    assert 0 < slopes[0] < 50_000
    assert 90_000 < slopes[1] - slopes[0] < 115_000


def test_who_cannot_hold_so_many_is_measured_at_fewer(lab, make_peer, monkeypatch):
    lab.bare_pair = 8000
    monkeypatch.setattr(memory, "LEAST_HELD", 50)
    figures = {f.name: f for f in memory.quiet(lab, make_peer(refuse=1000))}
    notes = figures["user_bytes_per_connection"].notes
    assert "More it did not hold: connection 9" in notes and " 8" in notes, notes
    assert 0 < figures["user_bytes_per_connection"].median < 50_000
    with pytest.raises(resident.Refused):
        memory.quiet(lab, make_peer(refuse=60))


def test_connections_that_the_server_closes_are_no_figure(lab, make_peer):
    with pytest.raises(Failed, match="60 of 60 quiet connections were closed by the server"):
        memory.hold(lab, make_peer(last=1), [30, 60])


def test_a_server_that_ends_is_told(lab, make_peer):
    with make_peer().start(lab) as server, resident.Holder(lab, server.port) as holder:
        holder.open(10)
        assert holder.alive() == 10 and holder.ask("again 25") == 25
        server.process.kill()
        server.process.wait()
        with pytest.raises(Failed, match="connection 11 of 20 was not answered"):
            holder.open(20)
        with pytest.raises(Failed, match="has ended"):
            resident.memory(server.pid)
        assert holder.alive() == 0


def test_all_processes_of_a_server_count():
    hold = "import os, subprocess, sys; block = b'x' * 30_000_000; "
    inner = hold + "print('ready', flush=True); sys.stdin.read()"
    outer = hold + f"subprocess.run([sys.executable, '-c', {inner!r}])"
    with Child([sys.executable, "-c", outer], talks=True) as child:
        assert child.hear(PATIENCE_S) == "ready"
        assert len(resident.family(child.pid)) == 2
        assert 60_000_000 < resident.memory(child.pid)["anonymous"] < 120_000_000


def churn(port, count, routes="plaintext,upload", limit_s=20):
    done = subprocess.run([sys.executable, os.path.join(LAB, "kit", "churn.py"), str(port), str(count), "100000",
                           str(limit_s), routes], capture_output=True, text=True, timeout=PATIENCE_S * 2, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done


def test_churn_is_the_same_for_every_server(lab, make_peer):
    told = []
    for _ in range(2):
        with make_peer().start(lab) as server:
            told.append(churn(server.port, 300))
    for one in told:
        assert (one["requests"], one["answers"], one["errors"]) == (300, 300, 0), one
        assert one["connections"] >= 300 / 20
    uploads = [size for _, (_, size) in zip(range(300), draw(("plaintext", "upload"))) if size]
    assert 100 < len(uploads) < 200 and min(uploads) >= 1024 and max(uploads) <= 1 << 20
    assert all(0 < one["octets_out"] - sum(uploads) < 300 * 200 for one in told)


def test_churn_sees_answers_that_are_wrong(lab, make_peer):
    with make_peer(upload="size - (size > 100_000)").start(lab) as server:
        told = churn(server.port, 200)
    assert 0 < told["errors"] < 150 and told["errors"] + told["answers"] == 200
    assert re.search(r"/upload of \d+ octets: answered b'\d+'", told["first_error"])


def test_churn_counts_what_a_server_leaves_owing(lab, make_peer):
    with make_peer(last=5).start(lab) as server:       # it closes behind every fifth answer, without a word before
        told = churn(server.port, 300)
    assert told["requests"] == told["answers"] + told["errors"] == 300 and told["answers"] > 200
    assert churn(free_port(), 10).returncode == 1


def test_own_reports_are_named_as_what_they_are(lab, make_peer):
    peer = make_peer()
    with peer.start(lab) as server:
        figures = {f.name: f for f in memory.own_pauses(peer, server, None)}
    assert figures["own_longest_pause"].median == 0.25 and "a guess" in figures["own_longest_pause"].notes
    assert figures["collections"].median == 3 and "own_pauses_in_all" not in figures     # it was not told
    live = memory.over_live(list(figures.values()), 4000)
    assert live[0].median == 4


def test_shards_for_a_million_fit_their_tables():
    for count in (100_000, 1_000_000):
        shards = million.shards_for(count, 20_000)
        each = count / shards
        assert each + 6 * each ** 0.5 <= 19_500
    assert million.shards_for(1_000_000, 20_000) == 54
    with pytest.raises(Skip, match="RLIMIT_NOFILE"):
        resident.sizes(1024, False)
    assert resident.sizes(20_000, False) == [1666, 5000, 10000, 15000]


@pytest.mark.skipif(bool(WATCHED) or not os.path.exists(program("lab/interpose.so")),
                    reason="needs lab/interpose, and no sanitizer")
@pytest.mark.parametrize("peer", ("leat-epoll", "leat-uring", "asyncio"))
def test_allocator_calls_are_counted(lab, peer):
    peer = next(p for p in lab.peers if p.name == peer)
    peer.build(lab)
    figures = {f.name: f.median for f in memory.calls(lab, peer)}
    assert figures["allocations_at_start"] > 0
    if peer.memory == "leat":       # promised: none once it serves
        for of in ("request", "connection"):
            assert figures[f"allocations_per_{of}"] == figures[f"frees_per_{of}"] == 0
    else:
        assert figures["allocations_per_request"] > 5 and figures["frees_per_request"] > 5
        assert figures["allocations_in_all"] > figures["allocations_at_start"]
