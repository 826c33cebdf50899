"""The lab's table of the network: its programs tell the truth, its namespaces leave nothing behind, and what can't be
done is said to be so."""
import hashlib
import http.server
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading

import pytest
from conftest import BUILD, LOOPS, PATIENCE_S, ROOT, program, wait_until

sys.path.insert(0, os.path.join(ROOT, "lab"))
from kit import Child, Failed, Lab, Skip      # noqa: E402
from network import latency, namespaces       # noqa: E402
from kit.runner import load_tables            # noqa: E402

TABLE = dict(load_tables(os.path.join(ROOT, "lab", "tables")))["network"]
WAYS = ("copy", "mmap", "memory", "sendfile", "splice", "zerocopy")


@pytest.fixture
def lab():
    made = Lab(BUILD, quick=True)
    yield made
    made.close()


@pytest.fixture
def pair():
    try:
        with namespaces.Pair() as made:
            yield made
    except Skip as why:
        pytest.skip(str(why))


# ── The ways to send a file ──

@pytest.mark.parametrize("size", (1, 1000, 65537, (3 << 20) + 5))
@pytest.mark.parametrize("way", WAYS)
def test_a_way_delivers_the_very_octets(run, tmp_path, way, size):
    content = random.Random(size).randbytes(size)
    (tmp_path / "file").write_bytes(content)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        got = []

        def take():
            with listener.accept()[0] as s:
                while piece := s.recv(1 << 16):
                    got.append(piece)

        taker = threading.Thread(target=take)
        taker.start()
        done = run("lab/copies", "--send", way, "--file", tmp_path / "file", "--port", str(listener.getsockname()[1]))
        taker.join(PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")
    assert b"".join(got) == content


def test_copies_are_compared_before_anything_is_measured(run, tmp_path):
    done = run("lab/copies", "--folder", tmp_path, "--check", "--sizes", "1024,65536,300000")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    checked = {(line["checked"], line["size"]): line["same"] for line in lines if "checked" in line}
    assert done.returncode == 0 and all(checked.values())
    assert set(checked) == {(w, s) for w in WAYS for s in (1024, 65536, 300000) if (w, s) != ("zerocopy", 1024)}
    assert os.listdir(tmp_path) == []       # its files are gone


@pytest.mark.parametrize("arguments, said", (
    ((), "usage:"),
    (("--folder", "/tmp", "--ways", "teleport"), "--ways teleport"),
    (("--folder", "/tmp", "--rounds", "0"), "--rounds 0: wants a number of 1 to 10000"),
    (("--folder", "/tmp", "--sizes", "1k"), "--sizes 1k"),
))
def test_copies_refuses_in_a_line(run, arguments, said):
    done = run("lab/copies", *arguments)
    assert done.returncode == 64 and said in done.stderr and done.stdout == ""


def test_copies_says_what_file_is_not_there(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = run("lab/copies", "--send", "copy", "--file", tmp_path / "none", "--port", port)
    assert (done.returncode, done.stderr) == (66, f"copies: {tmp_path}/none: No such file or directory\n")


def test_the_step_has_every_way_at_every_size_it_is_for(lab, monkeypatch):
    monkeypatch.setattr(lab, "rounds", lambda *_: 2)
    figures = TABLE.run_copies(lab)
    spent = {(f.of["way"], f.of["size"]): f for f in figures if f.name == "cpu_per_transfer"}
    sizes = [1024 * 4 ** i for i in range(8)]
    assert set(spent) == {(w, s) for w in WAYS for s in sizes if w != "zerocopy" or s >= 16384}
    assert all(len(f.values) == 2 and min(f.values) > 0 for f in spent.values())
    assert [f.values for f in figures if f.name == "leat_sendfile_above"] == [[65536]]


def test_from_where_a_way_is_cheaper():
    """Only where it is at every larger size too, and beyond the spread."""
    def rounds(*seconds):
        return [TABLE.Copy(s, 0, 1) for s in seconds]

    base = rounds(10, 11, 10)
    by = {1: {"copy": base, "late": rounds(5, 5, 5), "never": rounds(5, 5, 5)},
          2: {"copy": base, "late": rounds(15, 15, 15), "never": rounds(5, 5, 5)},
          4: {"copy": base, "late": rounds(5, 6, 5), "never": rounds(5, 5, 5)},
          8: {"copy": base, "late": rounds(5, 5, 6), "never": rounds(9, 12, 10)}}
    found = {f.of["way"]: f.values for f in TABLE.compare_copies(by, "copy") if f.name == "cheaper_than_copy_from"}
    assert found == {"late": [4], "never": []}


# ── Bulk ──

@pytest.mark.parametrize("connections", ("1", "3"))
def test_bulk_counts_what_a_server_sends(start, run, tmp_path, connections):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "large.bin").write_bytes(bytes(500000))
    server = start("leat", "serve", str(tmp_path / "site"), "--admin", "off")
    for milliseconds in (100, 1000, 10000):     # as long as it takes on a machine that does much else
        done = run("lab/bulk", str(server.addresses[0][1]), "/large.bin", connections, str(milliseconds))
        told = json.loads(done.stdout)
        assert done.returncode == 0 and told["seconds"] >= milliseconds / 1000
        if told["answers"] > 0:
            break
    assert told["answers"] > 0
    assert 0 <= told["octets"] - told["answers"] * 500000 <= int(connections) * 500000
    done = run("lab/bulk", str(server.addresses[0][1]), "/nothing", connections, "200")
    assert done.returncode == 76 and "404" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("answer, status, said", (
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n0123456789", 76, "longer than its length"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n0123456789", 69, "closed"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 76, "not 200 with a length"),
))
def test_bulk_believes_no_server(run, answer, status, said):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def lie():
            with listener.accept()[0] as s:
                s.recv(4096)
                s.sendall(answer)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass

        liar = threading.Thread(target=lie)
        liar.start()
        done = run("lab/bulk", str(listener.getsockname()[1]), "/", "1", "2000")
        liar.join(PATIENCE_S)
    assert (done.returncode, done.stdout) == (status, "") and said in done.stderr


def test_a_server_that_sends_something_else_is_not_measured(lab):
    class Other(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"other")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(Failed, match="does not send the file as it is"):
            TABLE.HttpServer(lab, "other", ["sleep", "60"], server.server_port, hashlib.sha256(b"that").digest())
        server.shutdown()


# ── Namespaces ──

def ends(pids):
    """The processes are gone, or wait to be reaped, which is in no namespace."""
    def gone():
        for pid in pids:
            try:
                namespaces.namespace(pid)
                return False
            except OSError:
                pass
        return True
    wait_until("the holders of the namespaces end", gone)


def of_this_machine():
    with open("/proc/self/net/dev") as f:
        return {line.split(":")[0].strip() for line in f if ":" in line}


def in_namespaces(inodes):
    """Processes of this machine that are in one of these."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if namespaces.namespace(pid) in inodes:
                found.append(pid)
        except OSError:
            pass
    return found


def test_a_pair_is_reached_from_its_other_side_only(pair):
    before = of_this_machine()
    listener = ("import socket; s = socket.create_server(('198.18.0.1', 4444)); print('ready', flush=True); "
                "s.accept()[0].send(b'here')")
    client = "import socket; print(socket.create_connection(('198.18.0.1', 4444), 30).recv(9).decode())"
    with Child([*pair.left, sys.executable, "-c", listener]) as server:
        server.wait_for_text("ready")
        with Child([*pair.right, sys.executable, "-c", client]) as other:
            assert other.process.wait(PATIENCE_S) == 0 and other.output() == "here\n"
    assert {"left", "right"} & before == set()


def test_nothing_is_left_of_a_pair_even_after_a_failure(pair):
    before = of_this_machine()
    inodes, pids = set(), []
    with pytest.raises(KeyError):
        with namespaces.Pair() as second:      # while the first one is there: they don't meet
            pids = [holder.pid for holder in second.holders]
            inodes = {namespaces.namespace(pid) for pid in pids}
            assert len(inodes) == 2 and namespaces.namespace("self") not in inodes
            raise KeyError
    ends(pids)
    assert in_namespaces(inodes) == [] and of_this_machine() == before


def test_nothing_is_left_of_a_pair_whose_maker_is_killed(pair, tmp_path):
    script = ("from network.namespaces import Pair\nimport time\n"
              "with Pair() as pair:\n    print(*(h.pid for h in pair.holders), flush=True)\n    time.sleep(1000)\n")
    maker = subprocess.Popen([sys.executable, "-c", "import kit\n" + script], cwd=os.path.join(ROOT, "lab"),
                             stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in maker.stdout.readline().split()]
    inodes = {namespaces.namespace(pid) for pid in pids}
    assert len(inodes) == 2
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    ends(pids)
    assert in_namespaces(inodes) == []


def test_why_there_is_no_pair(monkeypatch):
    monkeypatch.setattr(namespaces, "PATH", "/nonexistent")
    with pytest.raises(Skip, match="is not installed .Debian package"):
        namespaces.Pair()


def test_an_ordinary_user_is_told_what_a_pair_takes(tmp_path):
    if os.getuid() != 0:
        pytest.skip("takes root, to be someone else")
    script = ("import kit\nfrom network.namespaces import Pair\ntry:\n    with Pair(): print('made')\n"
              "except kit.Skip as why: print(why)\n")
    try:
        done = subprocess.run([sys.executable, "-B", "-c", script], cwd=os.path.join(ROOT, "lab"), text=True, user=65534,
                              group=65534, extra_groups=[], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except PermissionError as error:
        pytest.skip(f"an ordinary user can't run this here: {error}")
    if "PermissionError" in done.stderr or "ModuleNotFoundError" in done.stderr:
        pytest.skip("an ordinary user can't read this folder")
    assert done.stdout.startswith("no network namespace can be made here, which takes root") and done.stderr == ""


# ── Latency ──

def test_profiles_are_the_commands_own(lab):
    with open(os.path.join(ROOT, "src", "net", "profiles.def")) as f:
        named = [line.split('"')[1] for line in f if line.startswith("PROFILE(")]
    assert latency.profiles(lab) == named


@pytest.mark.parametrize("link", LOOPS + ("veth",))
def test_small_messages_are_timed_under_each_profile(lab, monkeypatch, link, request):
    monkeypatch.setattr(latency, "RATE", 200)
    monkeypatch.setattr(latency, "LOOPS", (link,))
    monkeypatch.setattr(lab, "rounds", lambda *_: 1)
    monkeypatch.setattr(latency, "profiles", lambda _: ["games", "streaming"])
    if link == "veth":
        request.getfixturevalue("pair")
    figures = latency.run_veth(lab) if link == "veth" else latency.run_loopback(lab)
    median = {f.of["profile"]: f.median for f in figures if f.name == "latency_p50"}
    assert set(median) == {"games", "streaming"} and all(value > 0 for value in median.values())
    assert all(f.median == 0 for f in figures if f.name == "errors")


def test_what_the_guest_sends_is_read_whole():
    told = {"active": {"answers": 1}}
    text = (f"result plain api 1\r\n{json.dumps(told)}\r\nend\r\n"
            f"result lossy many-idle 2\n{json.dumps(told)}\nend\nresult cut")
    assert latency.read_results(text) == {("plain", "api"): [told], ("lossy", "many-idle"): [told]}
    with pytest.raises(Failed, match="no JSON"):
        latency.read_results("result plain api 1\n{\nend\n")


def test_why_there_is_no_virtual_machine(lab, monkeypatch, tmp_path):
    """Without qemu; everything else that the script needs first is there."""
    for name in ("bash", "realpath", "dirname", "uname"):
        os.symlink(subprocess.check_output(["which", name], text=True).strip(), tmp_path / name)
    script = os.path.join(ROOT, "lab", "network", "vm")
    (tmp_path / "vm").write_text(open(script).read().replace("PATH=$PATH:/usr/sbin:/sbin\n", ""))
    done = subprocess.run([tmp_path / "bash", tmp_path / "vm", program("leat"), tmp_path, tmp_path], text=True,
                          env={"PATH": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 69
    assert done.stdout == "qemu-system-x86_64 is not installed (Debian package qemu-system-x86)\n"
