"""holder.py PORT: holds quiet keep-alive connections to 127.0.0.1:PORT; told by lines what to do with them.

    open N      until N are open, each with one GET /plaintext answered
    again N     N more requests on the first of them, one after the other
    alive       how many are neither closed nor broken
    close       closes all, by reset, so that no port waits out its time

Each line is answered with `done COUNT SECONDS`. One connection after the other, by blocking calls: nothing but the
sockets themselves is left in the kernel on this side, so what is measured beside it is the server's. They come from
addresses of their own: finding a free port gets slow beyond half of an address's range.
"""
import contextlib
import socket
import struct
import sys
import time

PER_SOURCE = 12_000
PATIENCE_S = 20
IP_BIND_ADDRESS_NO_PORT = 24
RESET = struct.pack("ii", 1, 0)


def connect(port, nth):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    s.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    s.setsockopt(socket.SOL_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(PATIENCE_S)
    s.bind((f"127.2.0.{1 + nth // PER_SOURCE}", 0))
    s.connect(("127.0.0.1", port))
    return s


def is_answered(s, request):
    """Whether it is, with 200 and all of its content."""
    s.sendall(request)
    answer = b""
    while True:
        piece = s.recv(4096)
        if not piece:
            return False
        answer += piece
        if answer.endswith(b"Hello, World!"):
            return answer.startswith(b"HTTP/1.1 200")
        if answer.endswith(b"0\r\n\r\n") and b"Hello, World!" in answer:    # in chunks
            return True


def is_alive(s):
    s.setblocking(False)
    try:
        return s.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        s.settimeout(PATIENCE_S)


def open_until(held, count, port, request):
    while len(held) < count:
        s = connect(port, len(held))
        if not is_answered(s, request):
            s.close()
            break
        held.append(s)
    return len(held)


def main():
    port, held = int(sys.argv[1]), []
    request = f"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    for line in sys.stdin:
        words, start, count = line.split(), time.monotonic(), 0
        try:
            if words[0] == "open":
                count = open_until(held, int(words[1]), port, request)
            elif words[0] == "again":
                while count < int(words[1]) and is_answered(held[0], request):
                    count += 1
            elif words[0] == "alive":
                count = sum(map(is_alive, held))
            elif words[0] == "close":
                count = len(held)
                for s in held:
                    s.close()
                held.clear()
        except OSError as error:
            count = len(held) if words[0] == "open" else count
            print(error, file=sys.stderr, flush=True)
        print(f"done {count} {time.monotonic() - start:.3f}", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
