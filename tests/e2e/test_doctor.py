"""leat doctor: what it says of this machine, and of servers that could not start on it."""
import json
import os
import pty
import re
import resource
import socket
import subprocess
import urllib.request

import pytest

from conftest import PATIENCE_S, program
from ordinary import AS_NOBODY, public_folder


def examine(run, *arguments, status=0, **options):
    done = run("leat", "doctor", *arguments, "--json", **options)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)
    return report, {finding["what"]: finding for finding in report["findings"]}


def on_a_terminal(*arguments, **environment):
    """What the program writes on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([program("leat"), "doctor", *arguments], stdin=subprocess.DEVNULL, stdout=theirs,
                               stderr=theirs, env={**os.environ, "TERM": "xterm", **environment})
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:     # the other end is closed
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    process.wait(PATIENCE_S)
    return text.decode()


@pytest.fixture
def folder(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<h1>here</h1>\n")
    return site


def test_the_report_is_one_json_document(run, folder, loop):
    report, findings = examine(run, str(folder), "--listen", "127.0.0.1:0", "--loop", loop)
    assert report["state"] in ("good", "note", "warning")
    assert sum(report[state] for state in ("good", "note", "warning", "bad")) == len(report["findings"])
    assert len(findings) == len(report["findings"]), "a name stands for one finding"
    assert len(report["listeners"]) == 1
    for finding in report["findings"]:
        assert set(finding) == {"group", "what", "found", "state", "why", "remedy"}
        assert finding["found"], finding
        if finding["state"] in ("warning", "bad"):
            assert finding["remedy"], finding
    for what in ("kernel", "loop", "io_uring features", "openat2", "processors", "descriptors", "memory plan",
                 "somaxconn", "tcp_wmem", "127.0.0.1:0", "folder", "index", "options", "configuration file"):
        assert what in findings
    assert findings["loop"]["found"].startswith("epoll" if loop == "epoll" else "io_uring")


def test_the_text_says_the_same_and_ends_with_one_line(run, folder):
    report, findings = examine(run, str(folder), "--listen", "127.0.0.1:0")
    done = run("leat", "doctor", str(folder), "--listen", "127.0.0.1:0")
    assert done.returncode == 0 and done.stderr == ""
    assert "\x1b" not in done.stdout
    assert done.stdout.endswith(f"\n\n{report['summary']}\n")
    for what in findings:
        assert f" {what}" in done.stdout


def test_every_setting_of_a_listener_is_told(run):
    report, findings = examine(run, "--listen", "127.0.0.1:0, profile=games, user-timeout=7s", "--listen", "127.0.0.2:0")
    games, api = report["listeners"]
    assert (games["profile"], api["profile"]) == ("games", "api")
    settings = {setting["name"]: setting for setting in games["settings"]}
    assert (settings["user-timeout"]["value"], settings["user-timeout"]["source"]) == ("7s", "said")
    assert (settings["notsent-lowat"]["value"], settings["notsent-lowat"]["source"]) == ("16k", "profile")
    assert settings["cork"]["source"] == "kernel"
    assert all(setting["purpose"] for setting in games["settings"])
    assert "user-timeout=7s" in findings["TCP at 127.0.0.1:0"]["found"]


def test_colour_is_for_terminals_that_want_it():
    assert "\x1b[32mok" in on_a_terminal("--listen", "127.0.0.1:0", NO_COLOR="")
    assert "\x1b" not in on_a_terminal("--listen", "127.0.0.1:0", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal("--listen", "127.0.0.1:0", NO_COLOR="", TERM="dumb")


def test_an_address_that_another_program_has(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        report, findings = examine(run, "--listen", address, status=78)
    assert findings[address]["state"] == "bad"
    assert f"process {os.getpid()}" in findings[address]["found"]
    assert address in report["summary"]


def test_a_server_that_runs_is_no_fault(run, start):
    server = start("leat", "serve", "--quiet")
    address = server.url[len("http://"):]
    _, findings = examine(run, "--listen", address)
    assert findings[address]["state"] == "note"
    assert f"process {server.process.pid}" in findings[address]["found"]
    assert server.connect().get("/").status == 200


def test_one_address_given_twice_is_said_as_such(run):
    for second in ("127.0.0.1:18473", ":18473"):
        arguments = ("--listen", "127.0.0.1:18473", "--listen", second, "--quiet")
        refused = run("leat", "serve", *arguments)
        assert refused.returncode == 64 and "another program" not in refused.stderr
        assert refused.stderr.startswith(f"leat: --listen {second}: ") and refused.stderr.count("\n") == 1
        _, findings = examine(run, *arguments, status=78)
        assert findings["options"]["found"] == refused.stderr.strip().removeprefix("leat: ")


def test_a_log_that_is_a_folder_is_a_fault_as_it_is_for_serve(run, folder, tmp_path):
    for log in (tmp_path, tmp_path / "no" / "access.log"):
        arguments = (str(folder), "--access-log", str(log), "--listen", "127.0.0.1:0", "--quiet")
        assert run("leat", "serve", *arguments).returncode == 78
        _, findings = examine(run, *arguments, status=78)
        assert findings["access log"]["state"] == "bad"


def test_a_folder_that_is_not_there(run, tmp_path):
    _, findings = examine(run, str(tmp_path / "gone"), "--listen", "127.0.0.1:0", status=78)
    assert findings["folder"]["state"] == "bad" and "gone" in findings["folder"]["found"]


def test_every_site_is_looked_at(run, folder, tmp_path):
    (tmp_path / "other").mkdir()
    config = tmp_path / "leat.conf"
    config.write_text(f"listen = 127.0.0.1:0\nroot = {folder}\n[site www.example.org]\nroot = {tmp_path / 'other'}\n")
    report, findings = examine(run, "--config", str(config))
    assert findings["configuration file"]["found"] == str(config)
    found = {finding["group"]: finding["state"] for finding in report["findings"] if finding["what"] == "index"}
    assert found == {f"Folder {folder}": "good", f"Folder {tmp_path / 'other'}": "note"}
    (tmp_path / "other").rmdir()
    report, _ = examine(run, "--config", str(config), status=78)
    assert "other" in report["summary"]


def test_a_rule_of_a_site_that_is_wrong_is_a_finding(run, folder):
    refused = run("leat", "serve", str(folder), "--redirect", "nonsense", "--listen", "127.0.0.1:0")
    assert refused.returncode == 78
    _, findings = examine(run, str(folder), "--redirect", "nonsense", "--listen", "127.0.0.1:0", status=78)
    assert findings["options"]["found"] == refused.stderr.strip().removeprefix("leat: ")


def test_a_file_of_configuration_with_a_mistake_is_one_line(run, tmp_path):
    config = tmp_path / "leat.conf"
    config.write_text("listen = 127.0.0.1:0\nshrads = 2\n")
    done = run("leat", "doctor", "--config", str(config))
    assert done.returncode == 78 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "leat.conf:2:" in done.stderr and "shards" in done.stderr


def test_options_that_do_not_fit_are_said_in_the_words_of_serve(run, loop):
    arguments = ("--connections", "10", "--exchanges", "20", "--listen", "127.0.0.1:0", "--loop", loop)
    refused = run("leat", "serve", *arguments)
    assert refused.returncode == 78
    _, findings = examine(run, *arguments, status=78)
    assert findings["options"]["found"] == refused.stderr.strip().removeprefix("leat: ")


def test_a_wrong_flag_is_wrong_usage_here_too(run):
    done = run("leat", "doctor", "--nonsense")
    assert done.returncode == 64 and done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_few_descriptors(run):
    def limit(hard):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 256), hard))
    _, findings = examine(run, "--listen", "127.0.0.1:0", preexec_fn=limit(1024))
    assert findings["descriptors"]["state"] == "note"
    assert "soft limit 256" in findings["descriptors"]["found"]
    _, findings = examine(run, "--listen", "127.0.0.1:0", "--connections", "5000", status=78, preexec_fn=limit(1024))
    assert findings["options"]["state"] == "bad" and "--connections" in findings["options"]["found"]
    assert findings["descriptors"]["state"] == "bad" and "LimitNOFILE" in findings["descriptors"]["remedy"]


def test_an_ordinary_user_meets_other_faults():
    with public_folder() as folder:
        secret = os.path.join(folder, "secret.html")
        with open(secret, "w", encoding="ascii"):
            os.chmod(secret, 0o600)
        done = subprocess.run([f"{folder}/leat", "doctor", folder, "--listen", "127.0.0.1:80", "--json"], **AS_NOBODY,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.stderr == ""
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["unreadable"]["state"] == "warning" and "secret.html" in findings["unreadable"]["found"]
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        if int(file.read()) > 80:
            assert done.returncode == 78
            assert findings["127.0.0.1:80"]["state"] == "bad"
            assert "CAP_NET_BIND_SERVICE" in findings["127.0.0.1:80"]["found"]


@pytest.mark.parametrize("name", (("leat", "serve"), ("examples/hello",)))
def test_a_server_tells_on_its_live_page_what_is_not_well(start, name, tmp_path):
    open_to_all = tmp_path / "leat.conf"
    open_to_all.write_text("connections = 100\n")
    open_to_all.chmod(0o666)
    server = start(*name, "--config", str(open_to_all), "--admin", "127.0.0.1:0")
    url = re.search(r"live page on (http://[^/]*/leat/)", server.output())[1]
    with urllib.request.urlopen(url + "live.json", timeout=30) as answer:
        told = json.load(answer)["doctor"]
    assert {"group": "Configuration", "what": "configuration file", "state": "warning",
            "found": f"{open_to_all}, which everybody may write", "remedy": f"chmod o-w {open_to_all}"} in told
    assert all(row["state"] in ("note", "warning", "bad") for row in told)
    ranks = [("bad", "warning", "note").index(row["state"]) for row in told]
    assert ranks == sorted(ranks)
