"""gdb finds the handlers that wait and their backtraces, by packaging/gdb/leat-gdb.py; valgrind sees nothing wrong in
changing stacks. Both are skipped where the tool is not installed, or something else watches already."""
import os
import re
import shutil
import subprocess

import pytest

import conftest

SCRIPT = os.path.join(conftest.ROOT, "packaging/gdb/leat-gdb.py")
WATCHED = re.search(r"/(asan|tsan)$", conftest.BUILD)


def ask_gdb(server, *commands):
    arguments = [part for command in ("set pagination off", f"source {SCRIPT}", *commands) for part in ("-ex", command)]
    return subprocess.run(["gdb", "-q", "-batch", "-nx", *arguments, "-p", str(server.process.pid)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=True, timeout=120).stdout


@pytest.mark.skipif(shutil.which("gdb") is None or bool(WATCHED), reason="needs gdb, and no sanitizer")
def test_gdb_shows_who_waits_where(start):
    server = start("tests/apps/waiting", "--shards", "1")
    with server.connect() as sleeper, server.connect() as uploader, server.connect() as third:
        sleeper.send("GET /nap?ms=600000 HTTP/1.1\r\nHost: a\r\n\r\n")
        uploader.send("POST /receive HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12")
        assert third.get("/").status == 200
        out = ask_gdb(server, "leat tasks")
        if "ptrace: Operation not permitted" in out:
            pytest.skip("this machine lets nobody look")
        lines = dict(re.findall(r"^ +\d+  waiting +(\S+ \S+) +(\S+)$", out, re.MULTILINE))
        assert lines == {"GET /nap": "leat_sleep_ms", "POST /receive": "leat_read"}, out
        thread = re.search(r"^thread (\d+): \d+ tasks$", out, re.MULTILINE)[1]
        number = re.search(r"^ +(\d+)  waiting +GET /nap ", out, re.MULTILINE)[1]
        trace = ask_gdb(server, f"thread {thread}", f"leat task {number} bt", "bt 1")
        assert re.search(r"#\d+ .*\bleat_sleep_ms .*\n#\d+ .*\bnap \(", trace), trace
        uploader.send("345")
        assert uploader.response().content == b"5\n"     # gdb has put everything back


@pytest.mark.skipif(shutil.which("valgrind") is None or bool(WATCHED), reason="needs valgrind, and no sanitizer")
def test_valgrind_sees_nothing_wrong(tmp_path):
    log = tmp_path / "valgrind.log"
    wrapper = tmp_path / "waiting"
    wrapper.write_text(f'#!/bin/sh\nexec valgrind -q --error-exitcode=99 --log-file={log} {conftest.program("tests/apps/waiting")} "$@"\n')
    wrapper.chmod(0o755)
    server = conftest.Server(tmp_path / "server.log", str(wrapper), "--shards", "1", "--loop", "epoll", "--quiet", "--connections",
                             "64", "--memory", "64m", "--content-total", "4m")
    with server.connect() as client:
        for _ in range(3):
            assert client.get("/").status == 200
            assert client.get("/nap?ms=1").content == b"0\n"
            assert client.get("/join").content == b"0 7\n"
            assert client.ask("POST", "/receive", b"12345").content == b"5\n"
    assert server.curl(target="/count?n=50&ms=1").split()[-1] == b"49"
    assert len(server.curl(target="/large?n=1")) == 1 << 20
    server.stop()
    # Of itself valgrind says which system calls are too new for it.
    assert [line for line in log.read_text().splitlines() if line.startswith("==")] == []
