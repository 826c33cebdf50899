"""prober.py PORT RATE SECONDS: asks 127.0.0.1:PORT for /plaintext at a constant rate, on one connection, and says how late
the answers were: one JSON object.

An open loop: each request has its moment, and what is told is the time from that moment to its answer, however late the
server or an earlier answer made it. So a server that stands still for 50 ms is seen by the fifty requests that should have
come meanwhile. `own_max_us` is how late this program itself was when nothing else kept it: what it can't tell from the
server's. It asks for a place before other programs (SCHED_FIFO), and says whether it got one.
"""
import gc
import json
import os
import socket
import sys
import time

PATIENCE_S = 30


def take_place():
    """Whether no program of the usual kind may run before this one on its core."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
        return True
    except OSError:
        return False


def ask(s, request):
    s.sendall(request)
    answer = b""
    while b"Hello, World!" not in answer:
        piece = s.recv(4096)
        if not piece:
            raise ConnectionError("the server closed the prober's connection")
        answer += piece


def quantile(ordered, part):
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] / 1000 if ordered else None


def probe(s, request, rate, seconds):
    """Nanoseconds late, from due to answered; and how late we were ourselves."""
    late, own, between = [], [], 0
    every, count = 1_000_000_000 // rate, int(rate * seconds)
    clock, sleep = time.monotonic_ns, time.sleep
    start = last = clock()
    for nth in range(count):
        due = start + nth * every
        waits = due > clock()
        while (now := clock()) < due:
            sleep((due - now) / 1e9)
        if waits:
            own.append(now - due)
        ask(s, request)
        answered = clock()
        late.append(answered - due)
        between = max(between, answered - last)
        last = answered
    return late, own, between


def main():
    port, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    request = f"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    first = take_place()
    gc.disable()
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as s:
        s.setsockopt(socket.SOL_TCP, socket.TCP_NODELAY, 1)
        for _ in range(50):
            ask(s, request)
        try:
            late, own, between = probe(s, request, rate, seconds)
        except OSError as error:
            sys.exit(f"prober: {error}")
    late.sort()
    own.sort()
    print(json.dumps({
        "requests": len(late), "rate": rate, "first_on_its_core": first,
        "p50_us": quantile(late, 0.5), "p99_us": quantile(late, 0.99), "p999_us": quantile(late, 0.999),
        "max_us": late[-1] / 1000, "longest_between_answers_us": between / 1000,
        "own_p999_us": quantile(own, 0.999), "own_max_us": own[-1] / 1000 if own else None}), flush=True)


if __name__ == "__main__":
    main()
