"""A whole tree of files, fetched while it changes: every response is one version, and one that was there in time.

Each version of a file follows from its path and its number, so nothing of one can pass for another. A thread replaces
files by renaming, and rewrites small ones in place (with one write, within one page, so that the disk itself never holds
half of one version); it notes when each version came and went. A response must be, octet by octet, a version that was
there at some moment between its request and its end; and an entity tag names one content for ever.

LEAT_SHORT=1 takes 2,000 files in place of 10,000."""
import hashlib
import os
import random
import threading
import time

import pytest

FILES = 2000 if os.environ.get("LEAT_SHORT") else 10000
CLIENTS = 3
IN_PLACE_MAX = 4096
SEED = 20


def size_of(draw):
    kind = draw.random()
    if kind < 0.02:
        return 0
    if kind < 0.70:
        return draw.randint(1, 4096)
    if kind < 0.92:
        return draw.randint(4097, 30 << 10)
    if kind < 0.98:
        return draw.randint(30 << 10, 100 << 10)
    return draw.randint(100 << 10, 300 << 10)


def content_of(path, number, size):
    return random.Random(f"{SEED} {path} {number}").randbytes(size)


class Version:
    def __init__(self, number, content, since):
        self.number, self.size, self.since, self.until = number, len(content), since, float("inf")
        self.digest = hashlib.blake2b(content).digest()


class Tree:
    def __init__(self, root):
        self.root, self.versions, self.tags = root, {}, {}
        self.draw = random.Random(SEED)
        for i in range(FILES):
            folder = "/".join(f"d{self.draw.randrange(12)}" for _ in range(self.draw.randrange(4)))
            path = os.path.join(folder, f"file-{i}.{self.draw.choice(('html', 'css', 'js', 'png', 'bin', 'txt'))}")
            os.makedirs(os.path.join(root, folder), exist_ok=True)
            content = content_of(path, 0, size_of(self.draw))
            with open(os.path.join(root, path), "wb") as out:
                out.write(content)
            self.versions[path] = [Version(0, content, 0.0)]
        self.paths = list(self.versions)
        self.changes = self.in_place = 0

    def change(self, path):
        old = self.versions[path][-1]
        rewrite = 0 < old.size <= IN_PLACE_MAX and self.draw.random() < 0.5
        size = old.size if rewrite else size_of(self.draw)
        content = content_of(path, old.number + 1, size)
        place = os.path.join(self.root, path)
        if not rewrite:
            with open(place + ".new", "wb") as out:
                out.write(content)
        new = Version(old.number + 1, content, time.monotonic())
        self.versions[path].append(new)         # known before it can be seen
        if rewrite:
            fd = os.open(place, os.O_WRONLY)
            os.pwrite(fd, content, 0)
            os.close(fd)
            self.in_place += 1
        else:
            os.rename(place + ".new", place)
        old.until = time.monotonic()
        self.changes += 1

    def keep_changing(self, stop):
        draw = random.Random(SEED + 1)
        hot = draw.sample(self.paths, 200)      # some change often
        while not stop.is_set():
            self.change(draw.choice(hot if draw.random() < 0.5 else self.paths))
            time.sleep(0.001)

    def check(self, path, response, asked, answered):
        digest = hashlib.blake2b(response.content).digest()
        fitting = [v for v in self.versions[path] if v.digest == digest and v.size == len(response.content)]
        known = [(v.number, v.size, v.since - asked, v.until - asked) for v in self.versions[path]]
        assert fitting, f"{path}: {len(response.content)} octets of no version: {known}"
        assert any(v.since <= answered and v.until >= asked for v in fitting), \
            f"{path}: version {fitting[0].number} was not there then: {known}"
        tag = response["ETag"]
        if not tag.startswith("W/"):
            assert self.tags.setdefault((path, tag), digest) == digest, f"{path}: two contents for {tag}"


class Fetcher(threading.Thread):
    """Fetches its paths one after the other over a connection that it keeps."""

    def __init__(self, server, tree, paths):
        super().__init__()
        self.server, self.tree, self.paths = server, tree, paths
        self.fetched = self.busy = self.broken = 0
        self.failure = None

    def run(self):
        self.client = self.server.connect()
        try:
            for path in self.paths:
                self.fetch(path)
        except Exception as error:              # pylint: disable=broad-except
            self.failure = error
        finally:
            self.client.socket.close()

    def fetch(self, path):
        for _ in range(50):
            asked = time.monotonic()
            try:
                response = self.client.get("/" + path)
            except (AssertionError, ConnectionError) as error:
                if "ended" not in str(error) and "no complete head" not in str(error):
                    raise
                self.broken += 1                # it changed while it was sent from its descriptor
                self.client = self.server.connect()
                continue
            if response.status == 503:          # never twice the same while it was read
                self.busy += 1
                time.sleep(0.01)
                continue
            assert response.status == 200, f"{path}: {response.status}"
            self.tree.check(path, response, asked, time.monotonic())
            self.fetched += 1
            return
        raise AssertionError(f"{path}: never to be had")


@pytest.mark.parametrize("cache", ("64m", "1m", "0"))
def test_every_response_is_one_version(start, tmp_path, cache):
    root = tmp_path / "tree"
    tree = Tree(str(root))
    server = start("leat", "serve", str(root), "--shards", "2", "--file-check", "0ms", "--file-cache", cache)
    stop = threading.Event()
    changer = threading.Thread(target=tree.keep_changing, args=(stop,))
    clients = []
    for i in range(CLIENTS):
        paths = [p for j, p in enumerate(tree.paths * 2) if j % CLIENTS == i]
        random.Random(i).shuffle(paths)
        clients.append(Fetcher(server, tree, paths))
    changer.start()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    stop.set()
    changer.join()
    for client in clients:
        if client.failure:
            raise client.failure
    assert sum(client.fetched for client in clients) == 2 * FILES
    assert tree.changes > 100 and tree.in_place > 10
    assert sum(client.busy for client in clients) < FILES // 20
    broken = sum(client.broken for client in clients)
    assert broken < FILES // 20 and (broken == 0 or cache != "64m")
    with server.connect() as client:            # and when all is quiet, what is there now
        for path in tree.paths[::7]:
            response = client.get("/" + path)
            assert hashlib.blake2b(response.content).digest() == tree.versions[path][-1].digest, path
