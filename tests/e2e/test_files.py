"""`leat serve DIR`: the folder, the whole folder, and nothing but the folder."""
import ctypes
import hashlib
import os
import socket
import threading
import time

import pytest

from conftest import wait_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """secret is outside; root has files, an index, links that stay and links that leave."""
    base = tmp_path_factory.mktemp("files")
    root = base / "root"
    (root / "sub").mkdir(parents=True)
    (root / "bare").mkdir()
    (base / "secret").write_text("secret")
    (base / "rootless").write_text("secret")
    (root / "index.html").write_text("<p>index")
    (root / "sub" / "index.html").write_text("<p>sub")
    (root / "sub" / "style.css").write_text("p {}")
    (root / "bare" / "a file.txt").write_text("spaced")
    (root / "no-type").write_bytes(b"\0\1\2")
    (root / "empty.txt").write_bytes(b"")
    (root / "inside").symlink_to("sub/style.css")
    (root / "outside").symlink_to("../secret")
    (root / "absolute").symlink_to(base / "secret")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "pipe")
    with open(root / "huge.bin", "wb") as huge:
        for _ in range(48):
            huge.write(os.urandom(1 << 20))
    return root


@pytest.fixture(params=("64m", "0"))
def files(start, folder, request):
    """Every change counts at once; once with the cache, once without it."""
    return start("leat", "serve", str(folder), "--shards", "2", "--file-check", "0ms", "--file-cache", request.param)


def put(path, content, age_s=100):
    """A file that was last changed age_s seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    then_s = time.time() - age_s
    os.utime(path, (then_s, then_s))
    return path


def forget(path):
    """What is on the disk only: the kernel's cache lets go of it."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def resident_pages(path):
    libc = ctypes.CDLL(None, use_errno=True)
    size = os.path.getsize(path)
    pages = (size + 4095) // 4096
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
    fd = os.open(path, os.O_RDONLY)
    at = libc.mmap(None, size, 1, 1, fd, 0)
    os.close(fd)
    seen = ctypes.create_string_buffer(pages)
    assert libc.mincore(at, size, seen) == 0
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(size))
    return sum(octet & 1 for octet in seen.raw[:pages])


def test_files_and_their_types(files):
    with files.connect() as client:
        for target, content, media_type in (("/index.html", b"<p>index", "text/html"),
                                            ("/sub/style.css", b"p {}", "text/css"),
                                            ("/bare/a%20file.txt", b"spaced", "text/plain"),
                                            ("/no-type", b"\0\1\2", "application/octet-stream"),
                                            ("/empty.txt", b"", "text/plain"),
                                            ("/inside", b"p {}", None)):
            response = client.get(target)
            assert (response.status, response.content) == (200, content), target
            if media_type:
                assert response["Content-Type"].startswith(media_type), target


def test_an_index_stands_for_its_folder(files):
    with files.connect() as client:
        assert client.get("/").content == b"<p>index"
        assert client.get("/sub/").content == b"<p>sub"
        assert client.get("/bare/").status in (403, 404)
        response = client.get("/sub")
        assert response.status in (301, 302, 307, 308)
        assert response["Location"].endswith("/sub/")


def test_head_has_the_length(files):
    with files.connect() as client:
        response = client.ask("HEAD", "/huge.bin")
        assert (response.status, response["Content-Length"]) == (200, str(48 << 20))
        assert client.get("/empty.txt").status == 200


def test_only_get_and_head(files):
    with files.connect() as client:
        response = client.ask("DELETE", "/index.html")
        assert response.status == 405
        assert {"GET", "HEAD"} <= set(response["Allow"].split(", "))
    with files.connect() as client:
        assert client.ask("POST", "/index.html", b"x").status == 405


@pytest.mark.parametrize("target", (
    "/../secret", "/../../../../../../etc/passwd", "/..", "/sub/../../secret", "/%2e%2e/secret", "/%2E%2E/secret",
    "/..%2fsecret", "/..%2Fsecret", "/%2e%2e%2fsecret", "/sub/..%2f..%2fsecret", "/.%2e/secret", "/..\\secret",
    "/..%5csecret", "/%c0%ae%c0%ae/secret", "/..%00/secret", "/index.html%00.txt", "//etc/passwd", "/%2fetc/passwd",
    "///../secret", "/./../secret", "/../rootless", "/up/secret", "/outside", "/absolute", "/up/root/outside",
    "/pipe", "/sub/style.css/", "/index.html/x", "/" + "x" * 300, "/" + "x/" * 2000))
def test_nothing_leaves_the_root(files, target):
    with files.connect() as client:
        response = client.get(target)
        assert response.status in (301, 308, 400, 403, 404), response.status
        assert b"secret" not in response.content and b"root:" not in response.content


def test_absolute_targets_too(files):
    with files.connect() as client:
        assert client.get("http://leat.example/sub/style.css").content == b"p {}"
        assert client.get("http://leat.example/../secret").status in (400, 403, 404)


def digest_of_next(client):
    """Of a response's content, without holding it."""
    while b"\r\n\r\n" not in client.pending:
        assert client.more()
    head, piece = client.pending.split(b"\r\n\r\n", 1)
    left = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    digest = hashlib.sha256()
    while left > 0:
        digest.update(piece[:left])
        client.pending = piece[left:]
        left -= min(left, len(piece))
        piece = client.socket.recv(1 << 20) if left > 0 else b""
    return digest.hexdigest()


def test_a_huge_file_arrives_whole(files, folder):
    expected = hashlib.sha256((folder / "huge.bin").read_bytes()).hexdigest()
    assert hashlib.sha256(files.curl(target="/huge.bin")).hexdigest() == expected
    with files.connect() as client:         # and the connection goes on behind it
        client.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n" "GET /sub/style.css HTTP/1.1\r\nHost: a\r\n\r\n")
        assert digest_of_next(client) == expected
        assert client.response().content == b"p {}"


def test_a_slow_reader_gets_all_of_it_too(files, folder):
    expected = (folder / "huge.bin").read_bytes()[:8 << 20]
    with files.connect(receive_buffer=4096) as client:
        client.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        while b"\r\n\r\n" not in client.pending:
            assert client.more()
        client.pending = client.pending.split(b"\r\n\r\n", 1)[1]
        pieces, size = [client.pending], len(client.pending)
        while size < len(expected):
            pieces.append(client.socket.recv(3000))
            size += len(pieces[-1])
        assert b"".join(pieces)[:len(expected)] == expected


def test_a_file_that_grows_or_goes_harms_nobody(files, folder):
    path = folder / "changing"
    path.write_text("one")
    with files.connect() as client:
        assert client.get("/changing").content == b"one"
        path.write_text("longer than before")
        assert client.get("/changing").content == b"longer than before"
        path.unlink()
        assert client.get("/changing").status == 404


def test_without_a_folder_there_is_a_welcome_page(start):
    server = start("leat", "serve")
    page = server.curl("-i").decode()
    assert page.startswith("HTTP/1.1 200 ")
    assert "connection slot" in page        # the plan of this very process


def test_cold_files_come_from_the_disk(start, tmp_path):
    """Small ones, large ones and a part far within, none of which is in memory when it is asked for."""
    sizes = {f"cold-{i}.bin": size for i, size in enumerate((1, 4096, 65536, 65537, 1 << 20, 9 << 20))}
    contents = {name: os.urandom(size) for name, size in sizes.items()}
    for name, content in contents.items():
        put(tmp_path / "root" / name, content)
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1")
    with server.connect() as client:
        for name, content in contents.items():
            forget(tmp_path / "root" / name)
            assert resident_pages(tmp_path / "root" / name) == 0
            assert client.get("/" + name).content == content, name
        forget(tmp_path / "root" / "cold-5.bin")
        response = client.get("/cold-5.bin", Range="bytes=8000000-8000999,5-9")
        assert response.status == 206 and contents["cold-5.bin"][8000000:8001000] in response.content


def test_others_are_served_while_cold_files_are_fetched(start, tmp_path):
    for i in range(40):
        put(tmp_path / "root" / f"cold-{i}.bin", os.urandom(3 << 20))
    put(tmp_path / "root" / "warm.txt", "warm")
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1")
    failures = []

    def fetch(first):
        with server.connect() as client:
            for i in range(first, 40, 4):
                path = tmp_path / "root" / f"cold-{i}.bin"
                forget(path)
                if client.get(f"/cold-{i}.bin").content != path.read_bytes():
                    failures.append(i)

    threads = [threading.Thread(target=fetch, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    with server.connect() as client:
        asked = 0
        while any(thread.is_alive() for thread in threads):
            assert client.get("/warm.txt").content == b"warm"
            asked += 1
    for thread in threads:
        thread.join()
    assert not failures and asked > 10


def test_more_cold_files_than_works_at_once(start, tmp_path):
    """They wait for their turn: a server that has just begun refuses nobody."""
    contents = {f"cold-{i}.bin": os.urandom(20000) for i in range(300)}
    for name, content in contents.items():
        forget(put(tmp_path / "root" / name, content))
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1")
    clients = {name: server.connect() for name in contents}
    for name, client in clients.items():
        client.send(f"GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n")
    for name, client in clients.items():
        response = client.response()
        assert (response.status, response.content) == (200, contents[name])
        client.socket.close()


def test_a_client_that_leaves_a_cold_file_harms_nobody(start, tmp_path):
    content = os.urandom(8 << 20)
    path = put(tmp_path / "root" / "cold.bin", content)
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1")
    for i in range(30):
        forget(path)
        client = server.connect()
        client.send("GET /cold.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        if i % 2:
            client.socket.recv(100)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.socket.close()
    with server.connect() as client:
        assert client.get("/cold.bin").content == content


def test_what_is_kept_is_looked_at_again_in_time(start, tmp_path):
    path = put(tmp_path / "root" / "news.txt", "old")
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1", "--file-check", "300ms")
    with server.connect() as client:
        assert client.get("/news.txt").content == b"old"
        put(path, "new", 50)
        wait_until("the new version", lambda: client.get("/news.txt").content == b"new")
        path.unlink()
        wait_until("the file's end", lambda: client.get("/news.txt").status == 404)


def test_what_is_never_looked_at_again_stays(start, tmp_path):
    path = put(tmp_path / "root" / "news.txt", "old")
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1", "--file-check", "never")
    with server.connect() as client:
        assert client.get("/news.txt").content == b"old"
        path.unlink()
        assert client.get("/news.txt").content == b"old"


def test_twins(start, tmp_path):
    root = tmp_path / "root"
    put(root / "app.js", "as it is", 50)
    put(root / "app.js.br", "by brotli", 40)
    put(root / "app.js.gz", "by gzip, long ago", 60)
    server = start("leat", "serve", str(root), "--shards", "1", "--file-check", "0ms")
    with server.connect() as client:
        response = client.get("/app.js", Accept_Encoding="br, gzip")
        assert (response.content, response["Content-Encoding"]) == (b"by brotli", "br")
        assert client.get("/app.js", Accept_Encoding="gzip").content == b"as it is"     # the twin is stale
        assert client.get("/app.js").content == b"as it is"
        put(root / "app.js", "changed", 10)                                             # now both are
        response = client.get("/app.js", Accept_Encoding="br, gzip")
        assert (response.content, response["Content-Encoding"]) == (b"changed", None)
        put(root / "app.js.br", "changed, by brotli", 5)
        assert client.get("/app.js", Accept_Encoding="br").content == b"changed, by brotli"
        (root / "app.js.br").unlink()
        assert client.get("/app.js", Accept_Encoding="br").content == b"changed"
    server = start("leat", "serve", str(root), "--shards", "1", "--coded=no")
    put(root / "app.js.br", "changed, by brotli", 5)
    with server.connect() as client:
        assert client.get("/app.js", Accept_Encoding="br").content == b"changed"


def test_listing_is_off_unless_asked_for(start, tmp_path):
    put(tmp_path / "root" / "docs" / "one.txt", "1")
    put(tmp_path / "root" / "docs" / ".hidden", "1")
    off = start("leat", "serve", str(tmp_path / "root"), "--shards", "1")
    on = start("leat", "serve", str(tmp_path / "root"), "--shards", "1", "--listing")
    with off.connect() as client:
        assert client.get("/docs/").status == 404
        assert client.get("/docs")["Location"] == "/docs/"
    with on.connect() as client:
        for target in ("/docs/", "/"):
            response = client.get(target)
            assert response.status == 200 and response["Content-Type"].startswith("text/html")
        page = client.get("/docs/").content
        assert b"one.txt" in page and b".hidden" not in page
        put(tmp_path / "root" / "docs" / "index.html", "an index")
        assert client.get("/docs/").content == b"an index"


def test_clean_urls(start, tmp_path):
    put(tmp_path / "root" / "about.html", "about")
    put(tmp_path / "root" / "docs" / "index.html", "docs")
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1", "--clean-urls")
    with server.connect() as client:
        assert client.get("/about").content == b"about"
        for target, location in (("/about.html", "/about"), ("/about.html?a=b&c", "/about?a=b&c"),
                                 ("/docs/index.html", "/docs/"), ("/docs", "/docs/")):
            response = client.get(target)
            assert (response.status, response["Location"]) == (301, location), target
        assert client.get("/about.htm").status == 404


def test_the_fallback_answers_for_pages(start, tmp_path):
    put(tmp_path / "root" / "index.html", "app")
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1", "--fallback", "index.html")
    with server.connect() as client:
        assert client.get("/deep/link", Accept="text/html").content == b"app"
        assert client.ask("HEAD", "/deep/link").status == 200
        assert client.get("/deep/picture.png", Accept="text/html").status == 404
        assert client.get("/deep/link", Accept="application/json").status == 404


def test_cache_control_by_rules(start, tmp_path):
    put(tmp_path / "root" / "assets" / "a.css", "p {}")
    put(tmp_path / "root" / "index.html", "home")
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1",
                   "--cache-control", "/assets/* public, max-age=60", "--cache-control", "* no-cache")
    with server.connect() as client:
        assert client.get("/assets/a.css")["Cache-Control"] == "public, max-age=60"
        response = client.get("/")
        assert response["Cache-Control"] == "no-cache"
        response = client.get("/", If_None_Match=response["ETag"])
        assert (response.status, response["Cache-Control"]) == (304, "no-cache")


def test_a_file_that_shrinks_while_it_is_sent_breaks_the_connection(start, tmp_path):
    """The length was promised: so the client must see that it does not get it."""
    path = put(tmp_path / "root" / "shrinking.bin", os.urandom(64 << 20))
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1")
    with server.connect(receive_buffer=4096) as client:
        client.send("GET /shrinking.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.socket.recv(1000)
        os.truncate(path, 1 << 20)
        received = 0
        try:
            while piece := client.socket.recv(1 << 20):
                received += len(piece)
        except ConnectionResetError:
            pass
        assert received < 64 << 20
    with server.connect() as client:
        wait_until("the new size", lambda: client.ask("HEAD", "/shrinking.bin")["Content-Length"] == str(1 << 20))


def test_a_file_rewritten_while_it_is_sent_breaks_the_connection(start, tmp_path):
    """Half of one version and half of another is what nobody must get for a whole."""
    old, new = bytes(32 << 20), b"\1" * (32 << 20)
    path = put(tmp_path / "root" / "rewritten.bin", old)
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1")
    with server.connect(receive_buffer=4096) as client:
        client.send("GET /rewritten.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.socket.recv(1000)
        with open(path, "r+b") as out:
            out.write(new)
        received = 0
        try:
            while piece := client.socket.recv(1 << 20):
                received += len(piece)
        except ConnectionResetError:
            pass
        assert received < 32 << 20


def test_more_large_files_than_descriptors(start, tmp_path):
    contents = {f"/large-{i}.bin": os.urandom(70000 + i) for i in range(30)}
    for name, content in contents.items():
        put(tmp_path / ("root" + name), content)
    server = start("leat", "serve", str(tmp_path / "root"), "--shards", "1", "--file-descriptors", "5")
    folder = f"/proc/{server.process.pid}/fd"

    def open_files():
        found = 0
        for fd in os.listdir(folder):
            try:
                found += "/large-" in os.readlink(f"{folder}/{fd}")
            except FileNotFoundError:
                pass
        return found

    with server.connect() as client:
        for _ in range(3):
            for name, content in contents.items():
                assert client.get(name).content == content
                assert open_files() <= 6        # and the one that is being sent
        assert open_files() == 5
