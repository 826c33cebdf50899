"""What runs inside the old kernel: hello and the wire cases on both loops, as root, and hello and a part of the cases again
as an ordinary user with the locked memory that such a one has (8 MiB). Prints what it sees, and `N passed, N failed`."""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

BUILD = "/leat/build"
LOOPS = {"uring": "io_uring", "epoll": "epoll"}
ORDINARY = 65534
PATIENCE_S = 120
passed = failed = 0


def note(well, what):
    global passed, failed
    passed, failed = passed + well, failed + (not well)
    print(f"{'well' if well else 'FAILED'}: {what}", flush=True)


def become(user):
    """For a child: the user, and what an ordinary user may lock."""
    def change():
        if user:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
            os.setgid(user)
            os.setuid(user)
    return change


def read_line(server, pattern):
    """Lines of the server's until one matches."""
    seen = []
    for line in server.stdout:
        seen.append(line)
        found = re.search(pattern, line)
        if found:
            return found
    raise RuntimeError("the server ended: " + "".join(seen))


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as s:
        s.settimeout(PATIENCE_S)
        s.sendall(request)
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    return answer


def greet(loop, user):
    command = [f"{BUILD}/examples/hello", "--listen", "127.0.0.1:0", "--loop", loop, "--quiet"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=become(user))
    try:
        found = read_line(server, r"listening on http://127\.0\.0\.1:(\d+).*loop (\w+)")
        answer = ask(int(found[1]), b"GET /hello/you HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        well = found[2] == LOOPS[loop] and answer.endswith(b"Hello, you\n") and answer.startswith(b"HTTP/1.1 200 OK\r\n")
        server.send_signal(signal.SIGTERM)
        well = well and server.wait(PATIENCE_S) == 0
        note(well, f"hello on {loop} as user {user}: {found[0]}")
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        note(False, f"hello on {loop} as user {user}: {error}")
    finally:
        server.kill()
        server.wait()


def serve_files(loop, user):
    """Files too: an old kernel has fewer ways to ask whether they are in memory."""
    os.makedirs("/tmp/site", exist_ok=True)
    os.chmod("/tmp/site", 0o755)
    contents = {"small.txt": b"small\n", "large.bin": bytes(range(256)) * 40960}
    for name, content in contents.items():
        with open(f"/tmp/site/{name}", "wb") as file:
            file.write(content)
        os.utime(f"/tmp/site/{name}", (1e9, 1e9))
    command = [f"{BUILD}/leat", "serve", "/tmp/site", "--listen", "127.0.0.1:0", "--loop", loop, "--quiet"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=become(user))
    try:
        port = int(read_line(server, r"listening on http://127\.0\.0\.1:(\d+)")[1])
        for name, content in contents.items():
            answer = ask(port, f"GET /{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            note(answer.partition(b"\r\n\r\n")[2] == content, f"{name} on {loop} as user {user}: {len(answer)} octets")
        server.send_signal(signal.SIGTERM)
        note(server.wait(PATIENCE_S) == 0, f"a clean stop on {loop} as user {user}")
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        note(False, f"files on {loop} as user {user}: {error}")
    finally:
        server.kill()
        server.wait()


def run_cases(loop, user):
    global passed, failed
    began = time.monotonic()
    done = subprocess.run([sys.executable, "/leat/tests/wire/run_cases.py", BUILD, "--short", "--brief", "--loop", loop],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=become(user), check=False)
    found = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("skipped") and not re.match(r"^\d+ passed", line)]
    print("\n".join(lines[:40]))
    print(f"wire cases on {loop} as user {user}: {found[0] if found else 'no closing line'} in {time.monotonic() - began:.0f} s", flush=True)
    passed += int(found[1]) if found else 0
    failed += int(found[2]) if found else 1


def main():
    print(f"Linux {os.uname().release}, {os.cpu_count()} processors", flush=True)
    for user in (0, ORDINARY):
        for loop in LOOPS:
            greet(loop, user)
            serve_files(loop, user)
    for loop in LOOPS:
        run_cases(loop, 0)
    run_cases("uring", ORDINARY)
    print(f"{passed} passed, {failed} failed", flush=True)


main()
