"""The lab's routes on asyncio's streams: the plainest server that the standard library allows, in one process.

There is no HTTP server for asyncio in the standard library, so heads are taken apart here: the request line, and the
two fields that say how long the content is.
"""
import asyncio
import gc
import json
import os
import sys
import time

UPLOAD_MAX = 20 << 20
PIECE = 65536
TYPES = {".html": "text/html", ".bin": "application/octet-stream"}
FILES = os.path.realpath(os.environ.get("LAB_FILES", "."))


class Collections:
    """What gc.callbacks tells of Python's cycle collector: how often, and how long it held everything."""

    def __init__(self):
        self.count, self.longest, self.total, self.start = 0, 0.0, 0.0, 0.0

    def __call__(self, phase, _):
        if phase == "start":
            self.start = time.perf_counter()
        else:
            took = time.perf_counter() - self.start
            self.count += 1
            self.total += took
            self.longest = max(self.longest, took)


collections = Collections()


def figures():
    return json.dumps({
        "allocations": None, "frees": None, "heap_bytes": None, "live_blocks": sys.getallocatedblocks(),
        "gc_count": collections.count, "gc_pause_max_s": collections.longest, "gc_pause_total_s": collections.total,
        "source": "sys.getallocatedblocks() and gc.callbacks; most memory is freed by counting references, not by gc"})


class Refused(Exception):
    """A request that can't be served; the connection is closed."""


async def read_content(reader, fields):
    """Reads the content to its end; answers how many octets it had."""
    total = 0
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            total += size
            if total > UPLOAD_MAX:
                raise Refused
            while size:
                piece = await reader.read(min(size, PIECE))
                if not piece:
                    raise Refused
                size -= len(piece)
            await reader.readline()
        while await reader.readline() not in (b"\r\n", b""):
            pass
        return total
    left = total = int(fields.get(b"content-length", 0))
    if total > UPLOAD_MAX:
        raise Refused
    while left:
        piece = await reader.read(min(left, PIECE))
        if not piece:
            raise Refused
        left -= len(piece)
    return total


def answer(writer, status, kind, content):
    writer.write(b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                 % (status, kind, len(content), content))


async def send_file(writer, name):
    """loop.sendfile, as asyncio documents it."""
    full = os.path.realpath(os.path.join(FILES, name))
    if not full.startswith(FILES + os.sep) or not os.path.isfile(full):
        answer(writer, b"404 Not Found", b"text/plain", b"Not Found")
        return
    kind = TYPES.get(os.path.splitext(full)[1], "application/octet-stream")
    with open(full, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.get_running_loop().sendfile(writer.transport, file)


async def serve_one(reader, writer):
    """One request; False when the connection is to end."""
    head = await reader.readuntil(b"\r\n\r\n")
    line, *lines = head[:-4].split(b"\r\n")
    method, target, _ = line.split(b" ")
    fields = {}
    for text in lines:
        name, _, value = text.partition(b":")
        fields[name.lower()] = value.strip()
    if method == b"GET" and target == b"/plaintext":
        answer(writer, b"200 OK", b"text/plain", b"Hello, World!")
    elif method == b"GET" and target == b"/json":
        text = json.dumps({"message": "Hello, World!"}, separators=(",", ":")).encode()
        answer(writer, b"200 OK", b"application/json", text)
    elif method == b"GET" and target.startswith(b"/files/"):
        await send_file(writer, target[len(b"/files/"):].decode())
    elif method == b"POST" and target == b"/upload":
        if fields.get(b"expect", b"").lower() == b"100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = await read_content(reader, fields)
        answer(writer, b"200 OK", b"text/plain", b"%d" % size)
    elif method == b"GET" and target == b"/lab":
        answer(writer, b"200 OK", b"application/json", figures().encode())
    else:
        raise Refused
    await writer.drain()
    return fields.get(b"connection", b"").lower() != b"close"


async def serve(reader, writer):
    try:
        while await serve_one(reader, writer):
            pass
    except (asyncio.IncompleteReadError, ConnectionError):
        pass        # the client is gone
    except (Refused, ValueError, asyncio.LimitOverrunError):
        answer(writer, b"400 Bad Request", b"text/plain", b"Bad Request")
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["LAB_PORT"]))
    async with server:
        await server.serve_forever()


gc.callbacks.append(collections)
asyncio.run(main())
