"""`leat serve DIR`: the folder, the whole folder, and nothing but the folder."""
import hashlib
import os

import pytest


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


@pytest.fixture
def files(start, folder):
    return start("leat", "serve", str(folder), "--shards", "2", "--file-check", "0ms")


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


def test_a_huge_file_arrives_whole(files, folder):
    expected = hashlib.sha256((folder / "huge.bin").read_bytes()).hexdigest()
    assert hashlib.sha256(files.curl(target="/huge.bin")).hexdigest() == expected
    with files.connect() as client:         # and the connection goes on behind it
        client.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n" "GET /sub/style.css HTTP/1.1\r\nHost: a\r\n\r\n")
        assert hashlib.sha256(client.response().content).hexdigest() == expected
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
