"""The peers of the lab: each answers every route that it declares with the very same octets, and behaves as it must to
be measured; and what kit/peers.py says when a peer is not as it should be.

Leat's own, Go, Node.js and Python always run where their tools are, and so does what needs no building. The others run
where they have been built already: LAB_PEERS=all builds all of them first (minutes), LAB_PEERS=tokio,hyper some.
"""
import json
import os
import signal
import socket
import sys
import time

import pytest

from conftest import BUILD, PATIENCE_S, ROOT, Client

sys.path.insert(0, os.path.join(ROOT, "lab"))
from kit import Failed, Lab, Skip                           # noqa: E402
from kit.peers import Peer, load_peers, runtime_figures     # noqa: E402

PEERS = {peer.name: peer for peer in load_peers(os.path.join(ROOT, "lab", "peers"))}
ALWAYS = ("leat-epoll", "leat-uring", "go-std", "node", "asyncio")
CHOSEN = os.environ.get("LAB_PEERS", "")
SERVERS = [name for name, peer in PEERS.items() if peer.kind != "floor"]
IDLE_S = 7          # over what Node.js, Rocket and Hyperlane close after by default: 5, 5 and 6 s
UPLOAD = 5 << 20
TYPES = {"plaintext": "text/plain", "json": "application/json", "small.html": "text/html"}


def is_release():
    """Peers of kind leat are linked against it, as anybody's program would be: a sanitizer's build is not for that."""
    cache = os.path.join(BUILD, "CMakeCache.txt")
    if not os.path.exists(cache):
        return False
    with open(cache) as f:
        return "CMAKE_BUILD_TYPE:STRING=RelWithDebInfo" in f.read()


pytestmark = pytest.mark.skipif(not is_release(), reason="the lab measures the release build")


def is_wanted(peer, lab):
    if CHOSEN == "all" or peer.name in CHOSEN.split(",") or peer.name in ALWAYS or not peer.about["build"]:
        return True
    return os.path.exists(peer.fill(peer.about["run"][0], peer.values(lab)))


class Started:
    """All that have been started, each with a connection that was answered once and is quiet since."""

    def __init__(self):
        self.lab = Lab(BUILD)
        self.children, self.quiet, self.why = {}, {}, {}

    def child(self, name):
        """Skips the test when the peer can't be had here."""
        if name not in self.children and name not in self.why:
            peer = PEERS[name]
            if is_wanted(peer, self.lab):
                try:
                    self.children[name] = peer.start(self.lab, core=None)
                    self.quiet[name] = self.ask_once(name), time.monotonic()
                except Skip as skip:
                    assert peer.kind != "leat", skip
                    self.why[name] = str(skip)
            else:
                self.why[name] = "it is not built: LAB_PEERS=all builds it"
        if name in self.why:
            pytest.skip(f"{name}: {self.why[name]}")
        return self.children[name]

    def ask_once(self, name):
        client = Client(("127.0.0.1", self.children[name].port))
        assert client.get("/plaintext").content == b"Hello, World!"
        return client

    def close(self):
        for client, _ in self.quiet.values():
            client.socket.close()
        for child in self.children.values():
            child.stop()
        self.lab.close()


@pytest.fixture(scope="module")
def started():
    everything = Started()
    yield everything
    everything.close()


@pytest.fixture
def connect(started):
    """connect(name): a new connection to a peer that runs."""
    clients = []

    def to(name):
        clients.append(Client(("127.0.0.1", started.child(name).port)))
        return clients[-1]

    yield to
    for client in clients:
        client.socket.close()


def expected(lab, route):
    """Targets of a route, and the content of each."""
    if route == "files":
        for name in ("small.html", "large.bin"):
            with open(os.path.join(lab.files, name), "rb") as f:
                yield f"/files/{name}", f.read()
    elif route == "plaintext":
        yield "/plaintext", b"Hello, World!"
    elif route == "json":
        yield "/json", b'{"message":"Hello, World!"}'


@pytest.mark.parametrize("name", SERVERS)
def test_every_route_has_the_same_octets_on_one_connection(started, connect, name):
    client = connect(name)
    for route in PEERS[name].routes:
        for target, content in expected(started.lab, route):
            for _ in range(3):
                answer = client.get(target)
                found = answer.content.removesuffix(b"\n") if route == "json" else answer.content
                assert answer.status == 200 and found == content, target
                assert answer["Content-Encoding"] is None
                kind = TYPES.get(target.rsplit("/", 1)[1], "application/octet-stream")
                assert answer["Content-Type"].startswith(kind), target


@pytest.mark.parametrize("name", SERVERS)
def test_pipelined_requests_are_answered_in_order(connect, name):
    client = connect(name)
    targets = ["/plaintext", "/json", "/json", "/plaintext"] * 4
    client.send("".join(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" for target in targets))
    for target in targets:
        answer = client.response()
        assert answer.status == 200
        expects = b"Hello, World!" if target == "/plaintext" else b'{"message":"Hello, World!"}'
        assert answer.content.removesuffix(b"\n") == expects


@pytest.mark.parametrize("name", SERVERS)
def test_a_request_that_comes_in_pieces_is_one_request(connect, name):
    client = connect(name)
    for piece in ("GET /plain", "text HTTP/1.1\r\nHo", "st: 127.0.0.1\r", "\n\r\n"):
        client.send(piece)
        time.sleep(0.02)
    assert client.response().content == b"Hello, World!"


def chunks_of(content, size):
    for at in range(0, len(content), size):
        piece = content[at:at + size]
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


@pytest.mark.parametrize("name", [n for n in SERVERS if "upload" in PEERS[n].routes])
def test_uploads_are_counted(connect, name):
    client = connect(name)
    content = os.urandom(1 << 16) * (UPLOAD >> 16)
    for size in (1, 70000, UPLOAD):
        answer = client.ask("POST", "/upload", content[:size], Content_Type="application/octet-stream")
        assert (answer.status, answer.content) == (200, b"%d" % size)
    assert client.get("/plaintext").content == b"Hello, World!"


@pytest.mark.parametrize("name", [n for n in SERVERS if "upload" in PEERS[n].routes])
def test_uploads_in_chunks_are_counted_or_refused(connect, name):
    client = connect(name)
    lacks = "chunked" in PEERS[name].lacks
    for size, piece in ((1000, 7), (100_000 if lacks else UPLOAD, 50_000)):
        head = "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        if lacks:       # it may close before all has come
            client.send(head)
            assert not client.more() or not client.pending.startswith(b"HTTP/1.1 200")
            return
        client.send(head, *chunks_of(os.urandom(size), piece))
        answer = client.response()
        assert (answer.status, answer.content) == (200, b"%d" % size)
    assert client.get("/plaintext").content == b"Hello, World!"


@pytest.mark.parametrize("name", [n for n in SERVERS if PEERS[n].memory in ("go", "v8", "python")])
def test_a_runtime_tells_of_its_memory(started, connect, name):
    child = started.child(name)
    before = runtime_figures(child)
    assert {"allocations", "frees", "heap_bytes", "source"} <= set(before)
    assert {"gc_count", "gc_pause_max_s", "gc_pause_total_s"} <= set(before)
    client = connect(name)
    for _ in range(100):
        client.get("/json")
    after = runtime_figures(child)
    if PEERS[name].memory == "go":
        assert after["allocations"] >= before["allocations"] + 100 and after["frees"] >= before["frees"]
    assert after["gc_pause_total_s"] >= after["gc_pause_max_s"] >= 0 or after["gc_count"] > 256


@pytest.mark.parametrize("name", SERVERS)
def test_a_quiet_connection_is_kept(started, name):
    started.child(name)
    client, since = started.quiet[name]
    time.sleep(max(0, since + IDLE_S - time.monotonic()))
    assert client.get("/plaintext").content == b"Hello, World!"


@pytest.mark.parametrize("name", SERVERS)
def test_sigterm_ends_it(started, name):
    child = started.child(name)
    started.quiet[name][0].socket.close()       # h2o waits for it as long as it would keep it
    child.process.send_signal(signal.SIGTERM)
    child.process.wait(PATIENCE_S)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", child.port)).close()


@pytest.mark.parametrize("name", [n for n in PEERS if PEERS[n].kind == "floor"])
def test_a_floor_answers_as_often_as_it_is_asked(started, name):
    request = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    try:
        child = PEERS[name].start(started.lab, core=None, env={"LAB_REQUEST": len(request)})
    except Skip as skip:
        pytest.skip(f"{name}: {skip}")
    with child, Client(("127.0.0.1", child.port)) as client:
        client.send(request * 16)
        for _ in range(16):
            assert client.response().content == b"Hello, World!"


def test_each_tells_its_versions_and_has_a_lock_file_where_it_has_dependencies(started):
    folder = os.path.join(ROOT, "lab", "peers")
    for name, lock in (("Cargo.toml", "Cargo.lock"), ("package.json", "package-lock.json")):
        for peer in os.listdir(folder):
            place = os.path.join(folder, peer)
            assert not os.path.exists(os.path.join(place, name)) or os.path.exists(os.path.join(place, lock))
    for peer in PEERS.values():
        assert peer.about["versions"] and peer.notes and peer.version


# ── What kit/peers.py says ──

ABOUT = {"title": "Trial", "language": "Python", "kind": "peer", "framework": "none", "version": "1.0.0", "tools": [],
         "build": None, "run": ["${PYTHON}", "-c", "0"], "routes": ["plaintext"], "memory": "malloc", "workers": "one",
         "versions": []}


@pytest.fixture
def trial(tmp_path):
    """trial(build=…): a peer made for the test, with a lab that builds it where the test's files are."""
    lab = Lab(BUILD, build_folder=str(tmp_path / "build"))

    def make(**changes):
        folder = tmp_path / "trial"
        folder.mkdir(exist_ok=True)
        (folder / "peer.json").write_text(json.dumps({**ABOUT, **changes}))
        return Peer(str(folder)), lab

    yield make
    lab.close()


def test_a_build_that_fails_is_a_skip_with_its_last_words(trial):
    peer, lab = trial(build=["sh", "-c", "echo nothing fits; exit 3"])
    with pytest.raises(Skip, match=r"(?s)can't be built: sh ended with status 3.*nothing fits"):
        peer.build(lab)


def test_a_tool_that_is_missing_is_a_skip_that_names_it(trial):
    peer, lab = trial(tools=["leat-no-such-tool"], needs=["leat-no-such-package"])
    with pytest.raises(Skip, match="leat-no-such-tool is not there: install leat-no-such-package"):
        peer.build(lab)


def test_it_is_built_once_and_outside_of_the_tree(trial, tmp_path):
    peer, lab = trial(build=["sh", "-c", 'echo x >> "$LAB_BUILD/times"'])
    peer.build(lab)
    peer.build(lab)
    assert (tmp_path / "build" / "trial" / "times").read_text() == "x\n"


def test_a_server_that_dies_says_why(trial):
    peer, lab = trial(run=["${PYTHON}", "-c", "import sys; sys.exit('no memory for ' + sys.argv[1])", "${LAB_PORT}"])
    with pytest.raises(Failed, match=r"(?s)ended with status 1.*no memory for \d+"):
        peer.start(lab, core=None)


def test_more_workers_than_it_can_have_are_a_skip(trial):
    peer, lab = trial()
    with pytest.raises(Skip, match="Trial has one worker"):
        peer.start(lab, workers=2)


@pytest.mark.parametrize("changes, says", [
    ({"kind": "other"}, "kind must be one of leat, peer, bar, floor"),
    ({"routes": ["json"]}, "plaintext is one of them"),
    ({"port": 1}, "has port, which mean nothing"),
    ({"run": "server"}, "run must be a list of words"),
])
def test_a_peer_json_that_is_wrong_says_what(trial, changes, says):
    with pytest.raises(Failed, match=says):
        trial(**changes)


def test_dates_are_found_where_the_tool_does_not_tell(trial):
    peer, lab = trial(versions=[["sh", "-c", "echo tool 1.2.3"], ["echo", "of 2001-02-04"]],
                      dated={"sh": {"1.2.3": "2001-02-03"}})
    assert peer.versions(lab) == {"sh": {"says": "tool 1.2.3", "released": "2001-02-03", "old": True},
                                  "echo": {"says": "of 2001-02-04", "released": "2001-02-04", "old": True}}
    peer, lab = trial(versions=[["sh", "-c", "echo tool 1.2.3"]], dated={"sh": ["echo", "none"]})
    assert peer.versions(lab)["sh"] == {"says": "tool 1.2.3", "released": None, "old": None}
