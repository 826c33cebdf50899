"""The configuration: a table of wrong ones, each told in one line; sources and their order; printing; reloading."""
import json
import os
import re
import signal
import socket
import struct
import subprocess

import pytest

from conftest import PATIENCE_S, ROOT, program, wait_until

with open(os.path.join(ROOT, "tests", "config", "wrong.json"), encoding="utf-8") as table:
    WRONG = json.load(table)


def clean_environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEAT_")}
    return {**kept, **more}


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def fill(text, names):
    for name, value in names.items():
        text = text.replace("{" + name + "}", str(value))
    return text


@pytest.mark.parametrize("case", WRONG, ids=[case["name"].replace(" ", "-") for case in WRONG])
def test_a_wrong_configuration_is_told_in_one_line(run, tmp_path, taken, case):
    """Exactly one line on standard error, that begins with the program's name and says what was wrong, and the
    documented status: no assertion, nothing of a sanitizer."""
    path = tmp_path / "leat.conf"
    names = {"file": path, "dir": tmp_path, "taken": taken}
    name = case.get("program", "leat")
    flags = [] if name != "leat" else ["serve"]
    if "file" in case:
        path.write_bytes(fill(case["file"], names).encode("utf-8") * case.get("repeat", 1))
        flags += ["--config", str(path)]
    flags += [fill(flag, names) for flag in case.get("flags", [])]
    done = run(name, *flags, env=clean_environment(**case.get("environment", {})))
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n"), done.stderr
    assert done.stderr.startswith(os.path.basename(name) + ": "), done.stderr
    assert fill(case["says"], names) in done.stderr, done.stderr
    assert done.returncode == case["status"], done.stderr


@pytest.mark.parametrize("words, way_out", [
    (["."], "write leat serve ."), (["/srv/www"], "write leat serve /srv/www"), (["-v"], "write leat --version"),
    (["--port", "80"], "did you mean --listen"), (["--listen", ":80"], "write leat serve --listen"),
    (["sevre"], "did you mean leat serve?"), (["nonsense"], "leat --help lists them")])
def test_no_verb_is_told_with_what_was_meant(run, words, way_out):
    done = run("leat", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (64, "", 1)
    assert done.stderr.startswith(f"leat: {words[0]}: ") and way_out in done.stderr


def test_there_are_a_hundred_of_them():
    assert len(WRONG) >= 100
    assert len({case["name"] for case in WRONG}) == len(WRONG)


# ── Sources ──

def effective(run, *flags, name="leat", verb=("serve",), **environment):
    """The effective configuration as a dictionary of options by name; those of sections apart."""
    done = run(name, *verb, "--print-config", "--json", *flags, env=clean_environment(**environment))
    assert (done.returncode, done.stderr) == (0, "")
    return {option["name"]: option for option in json.loads(done.stdout)["options"] if "section" not in option}


def test_flags_count_more_than_variables_and_those_more_than_the_file(run, tmp_path):
    path = tmp_path / "leat.conf"
    path.write_text("shards = 1\nidle-timeout = 1s\nhead-timeout = 1s\nlisten = 127.0.0.1:1\nlisten = 127.0.0.1:2\n")
    found = effective(run, "--idle-timeout", "3s", LEAT_CONFIG=str(path), LEAT_IDLE_TIMEOUT="2s",
                      LEAT_HEAD_TIMEOUT="2s", LEAT_LISTEN="127.0.0.1:3\n127.0.0.1:4")
    assert (found["idle-timeout"]["value"], found["idle-timeout"]["source"]) == ("3s", "flag")
    assert (found["head-timeout"]["value"], found["head-timeout"]["variable"]) == ("2s", "LEAT_HEAD_TIMEOUT")
    assert (found["shards"]["value"], found["shards"]["file"], found["shards"]["line"]) == ("1", str(path), 1)
    assert (found["write-timeout"]["value"], found["write-timeout"]["source"]) == ("30s", "default")
    assert found["listen"]["value"] == ["127.0.0.1:3", "127.0.0.1:4"]
    assert int(found["connections"]["value"]) > 0       # found out from the machine
    assert found["idle-timeout"]["live"] and not found["shards"]["live"]


@pytest.mark.parametrize("flags", ((), ("--json",)))
def test_what_is_printed_comes_to_the_same_when_read_in(run, tmp_path, flags):
    first, second = tmp_path / "first.conf", tmp_path / "second.conf"
    first.write_text("shards = 1\nmemory = 300m\naccess-log = /tmp/a  b;c ; d.log\nlisten = 127.0.0.1:0\n"
                     "listen = [::1]:0\n")
    printed = run("leat", "serve", "--config", first, "--print-config", "--commit", env=clean_environment())
    assert printed.returncode == 0
    second.write_text(printed.stdout)
    once = effective(run, "--config", str(first), "--commit")
    again = effective(run, "--config", str(second))
    assert {name: option["value"] for name, option in once.items() if name != "config"} == \
        {name: option["value"] for name, option in again.items() if name != "config"}
    # printed into the same file once more, not an octet changes
    repeated = [run("leat", "serve", "--config", second, "--print-config", *flags, env=clean_environment()).stdout]
    if not flags:
        second.write_text(repeated[0])
        repeated.append(run("leat", "serve", "--config", second, "--print-config", env=clean_environment()).stdout)
        assert repeated[0] == repeated[1]


def test_sites_are_printed_and_read_in_again(run, tmp_path):
    first, second = tmp_path / "first.conf", tmp_path / "second.conf"
    policy = "field = Content-Security-Policy: default-src 'self' ; img-src 'self' data: ;\n    " + "x y " * 40 + "\n"
    first.write_text(f"redirect = /a /b 308\n[site a.example *.a.example]\nroot = {tmp_path}\nlisting = yes\n{policy}"
                     f"[site b.example]\nroot = {tmp_path}\ncoded = no\n")

    def read(path, *flags):
        done = run("leat", "serve", "--config", path, *flags, "--print-config", "--json", env=clean_environment())
        assert (done.returncode, done.stderr) == (0, "")
        return [(option.get("section"), option["name"], option["value"]) for option in json.loads(done.stdout)["options"]
                if option["name"] != "config"]

    once = read(first, str(tmp_path))       # the operand is the top's root
    assert (None, "root", str(tmp_path)) in once and (["b.example"], "coded", "no") in once
    printed = run("leat", "serve", str(tmp_path), "--config", first, "--print-config", env=clean_environment())
    second.write_text(printed.stdout)
    assert read(second) == once


def test_a_program_of_ones_own_reads_them_too(run, tmp_path):
    path = tmp_path / "hello.conf"
    path.write_text("shards = 1\n")
    found = effective(run, "--config", str(path), name="examples/hello", verb=())
    assert found["shards"]["file"] == str(path)
    assert "root" not in found


def test_checking_says_that_all_is_well(run, tmp_path):
    path = tmp_path / "leat.conf"
    path.write_text("shards = 1\n")
    for verb in ("serve", "plan", "doctor"):
        done = run("leat", verb, "--config", path, "--check", env=clean_environment())
        assert (done.returncode, done.stdout, done.stderr) == (0, "leat: the configuration is well\n", "")


def test_the_example_of_the_documentation_loads(run, tmp_path):
    with open(os.path.join(ROOT, "doc", "CONFIGURATION.md"), encoding="utf-8") as page:
        blocks = re.findall(r"^```ini\n(.*?)^```", page.read(), re.MULTILINE | re.DOTALL)
    assert blocks
    for folder in ("www", "shop"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "404.html").write_text("none")
    for block in blocks:
        path = tmp_path / "leat.conf"
        path.write_text(block.replace("/srv/", f"{tmp_path}/").replace("/var/log/leat/", f"{tmp_path}/"))
        done = run("leat", "serve", "--config", path, "--check", env=clean_environment())
        assert (done.returncode, done.stderr) == (0, ""), block


# ── Reloading ──

def start_with(start, path, text, *flags):
    path.write_text(text)
    return start("leat", "serve", "--config", str(path), "--quiet", *flags, env=clean_environment())


def reload(server, path, text, answer):
    path.write_text(text)
    before = server.output().count("SIGHUP: ")
    server.signal(signal.SIGHUP)
    wait_until(answer, lambda: server.output().count("SIGHUP: ") > before)
    line = [line for line in server.output().splitlines() if "SIGHUP: " in line][-1]
    assert answer in line, server.output()


def test_a_reload_changes_limits_while_requests_go_on(start, tmp_path):
    path = tmp_path / "leat.conf"
    server = start_with(start, path, "shards = 2\nrequest-line-max = 8k\n")
    with server.connect() as old:
        assert old.get("/" + "x" * 4000).status == 404
        reload(server, path, "shards = 2\nrequest-line-max = 1k\n", "request-line-max is 1k")
        wait_until("new limits hold", lambda: ask(server, "/" + "x" * 4000) == 414)
    assert ask(server, "/") == 200
    reload(server, path, "shards = 2\n", "request-line-max is 8k")
    wait_until("old limits hold again", lambda: ask(server, "/" + "x" * 4000) == 404)


def ask(server, target):
    with server.connect() as client:
        return client.get(target).status


def test_a_reload_names_what_needs_a_restart(start, tmp_path):
    path = tmp_path / "leat.conf"
    server = start_with(start, path, "shards = 1\nmemory = 300m\n")
    reload(server, path, "shards = 2\nmemory = 400m\nidle-timeout = 7s\n",
           "idle-timeout is 7s; a restart is needed for shards, memory")
    assert ask(server, "/") == 200


def test_a_mistake_changes_nothing_and_the_server_goes_on(start, tmp_path):
    path = tmp_path / "leat.conf"
    server = start_with(start, path, "shards = 1\n")
    reload(server, path, "request-line-max = 100\nidle-timeout = soon\n",
           f"SIGHUP: {path}:2: idle-timeout soon: not a time;")
    reload(server, path, "request-line-max = 8k\nhead-max = 4k\n", f"SIGHUP: {path}:1: request-line-max 8192: ")
    assert "nothing was changed" in server.output()
    assert ask(server, "/" + "x" * 4000) == 404
    path.unlink()
    server.signal(signal.SIGHUP)
    wait_until("the file is missed", lambda: "No such file or directory" in server.output())
    assert ask(server, "/") == 200


def test_many_reloads_in_a_row(start, tmp_path):
    path = tmp_path / "leat.conf"
    server = start_with(start, path, "shards = 2\n")
    with server.connect() as client:
        for i in range(50):
            reload(server, path, f"shards = 2\nidle-timeout = {10 + i}s\n", f"idle-timeout is {10 + i}s")
            assert client.get("/").status == 200


def test_the_access_log_is_opened_again_even_when_the_file_is_wrong(start, tmp_path):
    path, log = tmp_path / "leat.conf", tmp_path / "access.log"
    server = start_with(start, path, f"shards = 1\naccess-log = {log}\n")
    assert ask(server, "/before") == 404
    wait_until("a line is written", lambda: log.exists() and "/before" in log.read_text())
    log.rename(tmp_path / "access.log.1")
    reload(server, path, "nonsense\n", "nonsense: no = in it")
    assert ask(server, "/after") == 404
    wait_until("a line is written to the new log", lambda: log.exists() and "/after" in log.read_text())
    assert "/after" not in (tmp_path / "access.log.1").read_text()


def test_a_reload_allocates_nothing(start, tmp_path):
    """Neither one that changes limits, nor one that names what needs a restart, nor one with a mistake."""
    interpose = program("tests/seal/interpose.so")
    if not os.path.exists(interpose) or "asan" in interpose or "tsan" in interpose:
        pytest.skip("allocator calls can't be counted in this build")
    path, counters = tmp_path / "leat.conf", tmp_path / "counters"
    path.write_text("shards = 1\n")
    server = start("leat", "serve", "--config", str(path), "--quiet",
                   env=clean_environment(LD_PRELOAD=interpose, LEAT_SEAL_COUNTERS=str(counters)))

    def calls():
        return struct.unpack("10Q", counters.read_bytes()[:80])     # tests/seal/counters.h: those of the allocator

    before = calls()
    assert before[0] > 0                                            # it does count
    reload(server, path, "shards = 2\nidle-timeout = 7s\n[site a.example]\nroot = /\n",
           "idle-timeout is 7s; a restart is needed for shards, the sections")
    reload(server, path, "shards = two\n", "not a number")
    assert calls() == before


# ── The service manager ──

def test_the_service_manager_is_told(start, tmp_path):
    path = tmp_path / "leat.conf"
    path.write_text("shards = 1\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)

        def told():
            return manager.recv(4096).decode().split("\n")

        def told_but_signs_of_life():
            while (lines := told()) == ["WATCHDOG=1"]:
                pass
            return lines

        server = start("leat", "serve", "--config", str(path), "--quiet",
                       env=clean_environment(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="100000"))
        ready = told()
        assert ready[0] == "READY=1" and ready[1].startswith("STATUS=")
        for _ in range(3):
            assert told() == ["WATCHDOG=1"]
        server.signal(signal.SIGHUP)
        reloading = told_but_signs_of_life()
        assert reloading[0] == "RELOADING=1" and re.fullmatch(r"MONOTONIC_USEC=\d+", reloading[1])
        assert told_but_signs_of_life() == ["READY=1"]
        server.signal(signal.SIGTERM)
        assert told_but_signs_of_life()[0] == "STOPPING=1"
        assert server.wait() == 0


def test_process_one_takes_in_orphans(tmp_path):
    """In a process namespace of its own: an orphan that ends leaves no zombie."""
    script = ("mount -t proc proc /proc; (sleep 0.05 & ) ; (sleep 0.05 & ) ; "
              f"exec {program('leat')} serve --listen 127.0.0.1:0 --shards 1 --quiet")
    log = tmp_path / "log"
    with open(log, "wb") as out:
        try:
            process = subprocess.Popen(["unshare", "--pid", "--fork", "--mount", "--kill-child", "sh", "-c", script],
                                       stdout=out, stderr=out, env=clean_environment())
        except FileNotFoundError:
            pytest.skip("no unshare here")
    try:
        def listens():
            if process.poll() is not None:
                pytest.skip("no namespaces here: " + log.read_text())
            return "listening on" in log.read_text()

        wait_until("it listens", listens)
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
        first = int(children.stdout.split()[0])

        def orphans():
            with open(f"/proc/{first}/task/{first}/children", encoding="ascii") as found:
                return found.read().split()

        wait_until("no orphan is left", lambda: orphans() == [])
        os.kill(first, signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
