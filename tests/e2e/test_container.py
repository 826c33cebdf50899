"""What a container asks of a server, without a container engine: to be process 1, to live within a control group, to
do without io_uring where a filter forbids it, and to be nobody in particular."""
import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess

import pytest

from conftest import PATIENCE_S, ROOT, Server, program, wait_until
from ordinary import AS_NOBODY, public_folder
from seccomp_filter import IO_URING, allowing, forbidding, names_of_unit

UNIT = os.path.join(ROOT, "packaging/systemd/leat.service")


@pytest.fixture
def serve(tmp_path):
    """serve("leat", "serve", …): a server on whichever loop its arguments say, stopped at the end."""
    servers = []

    def begin(name, *arguments, kind=Server, **options):
        servers.append(kind(tmp_path / f"server-{len(servers)}.log", name, *arguments, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


# ── Process 1 ──

class FirstProcess(Server):
    """A server that is process 1 of a namespace of its own. Signals go to it, not to unshare, whose status is its own."""

    def __init__(self, log, *command, **options):
        super().__init__(log, "/usr/bin/unshare", "--pid", "--fork", "--mount-proc", *command, **options)

    @property
    def first(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return int(file.read())

    def signal(self, number):
        os.kill(self.first, number)


def children_of(pid):
    """{pid: state} of the processes whose parent that is."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    state, parent = file.read().rsplit(")", 1)[1].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(parent) == pid:
                found[int(entry)] = state
    return found


def test_process_1_drains_when_it_is_told_to(serve, loop):
    server = serve(program("leat"), "serve", "--quiet", "--loop", loop, kind=FirstProcess)
    with open(f"/proc/{server.first}/status", encoding="ascii") as file:
        assert re.search(r"^NSpid:\s+\d+\s+1$", file.read(), re.MULTILINE)
    with server.connect() as client:
        assert client.get("/").status == 200
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "SIGTERM: draining" in server.output()


def test_process_1_buries_orphans(serve, loop):
    script = "(sleep 1000 & sleep 1000 &) ; exec \"$@\""
    server = serve("/bin/sh", "-c", script, "sh", program("leat"), "serve", "--quiet", "--loop", loop, kind=FirstProcess)
    first = server.first
    orphans = list(children_of(first))
    assert len(orphans) == 2
    for orphan in orphans:
        os.kill(orphan, signal.SIGKILL)
        wait_until("it is buried", lambda gone=orphan: gone not in children_of(first))
    assert server.connect().get("/").status == 200


# ── Control groups ──

def find_memory_group():
    """The folder in which a group with a limit on memory can be made, and the limit's file: version 2 or 1."""
    with open("/proc/self/cgroup", encoding="ascii") as file:
        rows = [line.strip().split(":", 2) for line in file]
    for _, controllers, path in rows:
        if "memory" in controllers.split(","):
            for place in ("/sys/fs/cgroup/memory" + path, "/sys/fs/cgroup/memory"):
                if os.path.exists(os.path.join(place, "memory.limit_in_bytes")):
                    return place, "memory.limit_in_bytes"
    try:
        with open("/sys/fs/cgroup/cgroup.subtree_control", encoding="ascii") as file:
            return ("/sys/fs/cgroup", "memory.max") if "memory" in file.read().split() else None
    except FileNotFoundError:
        return None


@pytest.fixture
def group():
    """A control group of 128 MiB: a preexec_fn that joins it."""
    place = find_memory_group()
    if place is None or not os.access(place[0], os.W_OK):
        pytest.skip("no control group for memory can be made here")
    folder = os.path.join(place[0], f"leat-test-{os.getpid()}")
    os.mkdir(folder)
    with open(os.path.join(folder, place[1]), "w", encoding="ascii") as file:
        file.write(str(128 << 20))
    processes = os.path.join(folder, "cgroup.procs")

    def join():
        with open(processes, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    yield join
    with open(processes, encoding="ascii") as file:
        assert file.read() == "", "all that were in the group have ended"
    os.rmdir(folder)


def test_a_control_groups_limit_is_the_machine(run, group):
    done = run("leat", "plan", "--json", preexec_fn=group)
    assert done.returncode == 0, done.stderr
    assert f'"machine_memory": {128 << 20},' in done.stdout
    done = run("leat", "serve", "--memory", "1g", "--connections", "10000", "--exchanges", "10000", "--listen",
               "127.0.0.1:0", preexec_fn=group)
    assert done.returncode == 78 and "128.0 MiB" in done.stderr, done.stderr


def test_it_serves_within_a_control_group(serve, group, loop):
    server = serve("leat", "serve", "--commit", "--loop", loop, preexec_fn=group)
    with server.connect() as client:
        assert client.get("/").status == 200
    server.stop()


# ── Filters ──

@pytest.mark.parametrize("error", (errno.EPERM, errno.ENOSYS))
def test_without_io_uring_it_falls_back_and_says_so(serve, error):
    server = serve("leat", "serve", "--quiet", preexec_fn=forbidding(IO_URING, error))
    lines = server.output().splitlines()
    assert len(lines) == 3 and "live page on" in lines[2], lines
    assert lines[0].startswith("leat: epoll instead of io_uring: ") and errno.errorcode[error] in lines[0]
    assert "loop epoll" in lines[1]
    with server.connect() as client:
        for _ in range(10):
            assert client.get("/").status == 200


@pytest.mark.parametrize("error", (errno.EPERM, errno.ENOSYS))
def test_without_io_uring_it_can_not_be_demanded(run, error):
    done = run("leat", "serve", "--loop", "uring", "--listen", "127.0.0.1:0", preexec_fn=forbidding(IO_URING, error))
    assert done.returncode == 71, done.stderr
    assert done.stderr.count("\n") == 1
    assert "--loop uring" in done.stderr and errno.errorcode[error] in done.stderr and "--loop epoll" in done.stderr


def test_the_doctor_says_who_forbids_it(run):
    done = run("leat", "doctor", "--listen", "127.0.0.1:0", preexec_fn=forbidding(IO_URING))
    assert done.returncode == 0, done.stdout
    assert "epoll, because io_uring" in done.stdout and "seccomp" in done.stdout
    done = run("leat", "doctor", "--loop", "uring", "--listen", "127.0.0.1:0", preexec_fn=forbidding(IO_URING))
    assert done.returncode == 78


def test_the_units_filter_lets_all_pass_that_we_call(serve, loop, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("here")
    (site / "large").write_bytes(os.urandom(1 << 20))
    names = names_of_unit(UNIT)
    assert "io_uring_setup" in names and "mount" not in names and "setuid" not in names
    # a sanitizer looks for leaks by ptrace, which no service may
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    server = serve("leat", "serve", str(site), "--quiet", "--loop", loop, preexec_fn=allowing(names), env=environment)
    with server.connect() as client:
        assert client.get("/").content == b"here"
        assert client.get("/large").content == (site / "large").read_bytes()
    with server.connect() as client:
        assert client.get("/absent").status == 404


# ── Nobody in particular ──

def test_the_unit_leaves_openat2_alone():
    with open(UNIT, encoding="utf-8") as unit:
        assert not re.search(r"^(DynamicUser|RestrictSUIDSGID)=", unit.read(), re.MULTILINE), "systemd takes it away then"


@pytest.mark.parametrize("error", (errno.EPERM, errno.ENOSYS))
def test_the_doctor_knows_that_a_filter_took_openat2_away(run, tmp_path, error):
    done = run("leat", "doctor", str(tmp_path), "--json", "--listen", "127.0.0.1:0",
               preexec_fn=forbidding(["openat2"], error))
    assert done.stdout, done.stderr
    finding, = [finding for finding in json.loads(done.stdout)["findings"] if finding["what"] == "openat2"]
    assert done.returncode == 78 and finding["state"] == "bad"
    assert "filter" in finding["found"] and "RestrictSUIDSGID" in finding["remedy"]


def test_an_ordinary_user_serves(serve, loop):
    def limits():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
    with public_folder() as folder:
        with open(os.path.join(folder, "index.html"), "w", encoding="ascii") as file:
            file.write("here")
        os.chmod(os.path.join(folder, "index.html"), 0o644)
        server = serve(f"{folder}/leat", "serve", folder, "--quiet", "--loop", loop, preexec_fn=limits, **AS_NOBODY)
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
            status = file.read()
        assert re.search(r"^Uid:(\s+65534){4}$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
        with server.connect() as client:
            assert client.get("/").content == b"here"
        server.stop()


def test_an_ordinary_user_has_a_low_port_by_the_units_capability(serve, loop):
    """As AmbientCapabilities= gives it: setpriv does the same."""
    with public_folder() as folder:
        grants = ("--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--inh-caps",
                  "-all,+net_bind_service", "--ambient-caps", "+net_bind_service", "--bounding-set",
                  "-all,+net_bind_service")
        server = serve("/usr/bin/setpriv", *grants, f"{folder}/leat", "serve", "--quiet", "--loop", loop, cwd="/",
                       listen=[f"127.0.0.1:{free_low_port()}"])
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
            assert re.search(r"^CapEff:\s+0+400$", file.read(), re.MULTILINE)
        with server.connect() as client:
            assert client.get("/").status == 200
        server.stop()


def free_low_port():
    for port in range(1023, 600, -1):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no port below 1024 is free")


def test_an_ordinary_user_in_a_filtered_container_serves(serve):
    with public_folder() as folder:
        server = serve(f"{folder}/leat", "serve", "--quiet", preexec_fn=forbidding(IO_URING), **AS_NOBODY)
        with server.connect() as client:
            assert client.get("/").status == 200
        server.stop()


# ── The files ──

def test_the_units_are_well_formed(tmp_path):
    for name in ("leat.service", "leat.socket"):
        with open(os.path.join(ROOT, "packaging/systemd", name), encoding="utf-8") as unit:
            text = unit.read().replace("/usr/bin/leat ", os.path.abspath(program("leat")) + " ")
        (tmp_path / name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / "leat.service"),
                           str(tmp_path / "leat.socket")], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                           str(tmp_path / "leat.service")], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False)
    assert done.returncode == 0, done.stdout[-300:]


def test_the_unit_and_the_image_give_options_that_there_are(run, tmp_path):
    config = tmp_path / "leat.conf"
    config.write_text("")
    with open(UNIT, encoding="utf-8") as unit:
        started, = re.findall(r"^ExecStart=/usr/bin/leat (.*)$", unit.read(), re.MULTILINE)
    done = run("leat", *started.replace("/etc/leat/leat.conf", str(config)).split(), "--check")
    assert done.returncode == 0, done.stderr
    with open(os.path.join(ROOT, "packaging/container/Containerfile"), encoding="utf-8") as file:
        command, = re.findall(r"^CMD (.*)$", file.read(), re.MULTILINE)
    done = run("leat", *[str(tmp_path) if word == "/srv" else word for word in json.loads(command)], "--check")
    assert done.returncode == 0, done.stderr


def test_the_container_file_stops_as_the_server_does():
    with open(os.path.join(ROOT, "packaging/container/Containerfile"), encoding="utf-8") as file:
        text = file.read()
    assert re.search(r"^STOPSIGNAL SIGTERM$", text, re.MULTILINE)
    assert re.search(r"^USER \d+", text, re.MULTILINE), "by number, so that runAsNonRoot can tell"
    assert re.search(r'^ENTRYPOINT \["/usr/bin/leat"', text, re.MULTILINE), "no shell in between: leat is process 1"
