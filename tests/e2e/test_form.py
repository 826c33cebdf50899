"""What a request says: forms and uploads as curl sends them and as slow or spiteful clients do, cookies, and what the client
takes. The program under test is tests/apps/form.c; it saves files in its working directory."""
import hashlib
import os

import pytest

from conftest import BUILD, wait_until

TYPE = "multipart/form-data; boundary=XyZ"
URLENCODED = "application/x-www-form-urlencoded"


def part(name, content, filename=None):
    disposition = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return f"--XyZ\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n"


END = b"--XyZ--\r\n"


@pytest.fixture
def server(start, tmp_path):
    return start("tests/apps/form", "--shards", "1", cwd=tmp_path)


def test_pairs_of_query_and_form_come_decoded(server):
    said = server.curl("-d", "a=1&b+b=%C3%A9", "--data-urlencode", "c=x & y=z", target="/pairs?q=1&q=%26")
    assert said.decode() == "?q=1\n?q=&\na=1\nb b=é\nc=x & y=z\n"


def test_forms_that_are_none(server):
    with server.connect() as client:
        assert client.ask("POST", "/form", b"n=5&m=6", Content_Type=URLENCODED).content == b"2 5\n"
        assert client.ask("POST", "/form").content == b"0 -1\n"
        assert client.ask("POST", "/form", b"n=%zz", Content_Type=URLENCODED).status == 400
        response = client.ask("POST", "/form", b"{}", Content_Type="application/json")
        assert (response.status, response["Accept"]) == (415, URLENCODED)
        assert client.ask("POST", "/form", b"a&" * 1000, Content_Type=URLENCODED).content == b"1000 -1\n"
        assert client.ask("POST", "/form", b"a&" * 1001, Content_Type=URLENCODED).status == 413
        assert client.ask("POST", "/form", b"n=7", Content_Type=URLENCODED).content == b"1 7\n"  # it all went on


def test_curl_uploads_real_files(server, tmp_path):
    large, small = tmp_path / "large file.bin", tmp_path / "small.txt"
    content = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(100_000))
    large.write_bytes(content + b"\r\n--")
    small.write_bytes(b"")
    said = server.curl("-F", "title=A title", "-F", f"one=@{large};type=image/png", "-F", f"two=@{small}",
                       target="/upload").decode()
    assert said == (f"title = A title\none: large file.bin image/png {large.stat().st_size}\n"
                    f"two: small.txt text/plain 0\n")
    assert (tmp_path / "0.saved").read_bytes() == large.read_bytes()
    assert (tmp_path / "1.saved").read_bytes() == b""
    chunked = server.curl("-F", f"one=@{large}", "-H", "Transfer-Encoding: chunked", target="/upload").decode()
    assert chunked == f"one: large file.bin application/octet-stream {large.stat().st_size}\n"
    assert (tmp_path / "0.saved").read_bytes() == large.read_bytes()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_curl_escapes_are_understood(server, tmp_path):
    (tmp_path / "f").write_bytes(b"x")
    said = server.curl("-F", "one=@f;filename=\"../../etc/pass wd\"", cwd=tmp_path, target="/upload").decode()
    assert said == "one: pass wd application/octet-stream 1\n"


def test_octet_by_octet_it_is_the_same(server, tmp_path):
    all_of_it = part("a", b"b") + part("f", b"\r\n--XyY\r\n\r", "x.bin") + END
    with server.connect() as client:
        client.send(f"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: {TYPE}\r\nContent-Length: {len(all_of_it)}\r\n\r\n")
        for i in range(len(all_of_it)):
            client.send(all_of_it[i:i + 1])
        assert client.response().content == b"a = b\nf: x.bin text/plain 10\n"
        assert (tmp_path / "0.saved").read_bytes() == b"\r\n--XyY\r\n\r"
        assert client.ask("POST", "/whole", all_of_it, Content_Type=TYPE).content == b"2 11\n"  # the connection goes on


def test_a_content_held_whole_is_read_the_same_way(server):
    all_of_it = part("a", b"x" * 100_000) + part("b", b"") + END
    with server.connect() as client:
        for target in ("/whole", "/count"):
            assert client.ask("POST", target, all_of_it, Content_Type=TYPE).content == b"2 100000\n"


def test_endless_fields_are_413_and_the_connection_closes(server):
    """The client is told before it has sent it all, and stops."""
    with server.connect() as client:
        client.send(f"POST /count HTTP/1.1\r\nHost: a\r\nContent-Type: {TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = part("a", b"b") * 100
        chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        sent = 0
        while not client.pending and sent < 10_000:
            client.socket.settimeout(30)
            client.send(chunk)
            sent += 1
            client.socket.settimeout(0.001)
            try:
                client.more()
            except TimeoutError:
                continue
        client.socket.settimeout(30)
        response = client.response()
        assert (response.status, response["Connection"]) == (413, "close")


@pytest.mark.parametrize("content", [
    part("a", b"x") * 4 + END,
    part("a", b"x" * 11) + END,
    part("a", b"x" * 1001, "f") + END,
    part("a", b"x" * 900, "f") + part("a", b"x" * 900, "f") + part("a", b"x" * 900, "f") + END,
    b"--XyZ\r\nX: " + b"x" * 5000,
], ids=["parts", "field", "part", "total", "head"])
def test_every_bound_is_413(server, content, tmp_path):
    with server.connect() as client:
        response = client.ask("POST", "/bounded", content, Content_Type=TYPE)
        assert (response.status, response["Connection"]) == (413, "close")
        assert client.ends()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_a_bounded_upload_that_keeps_to_it_is_served(server):
    with server.connect() as client:
        content = part("a", b"x" * 10) + part("f", b"y" * 1000, "f") + END
        assert client.ask("POST", "/bounded", content, Content_Type=TYPE).content == b"a = xxxxxxxxxx\nf: f text/plain 1000\n"


@pytest.mark.parametrize("content", [
    b"",
    part("a", b"x"),
    part("a", b"x") + b"--XyZ-",
    b"nothing of the kind",
    b"--XyZ\r\n\r\nx\r\n" + END,
    (part("a", b"x") + END).replace(b"\r\n", b"\n"),
], ids=["empty", "no-end", "half-an-end", "nothing", "no-name", "bare-line-feeds"])
def test_what_is_malformed_is_400(server, content):
    with server.connect() as client:
        client.send(f"POST /count HTTP/1.1\r\nHost: a\r\nContent-Type: {TYPE}\r\nContent-Length: {len(content)}\r\n\r\n", content)
        response = client.response()
        assert (response.status, response["Connection"]) == (400, "close")
        assert client.ends()


def test_another_type_is_415(server):
    with server.connect() as client:
        response = client.ask("POST", "/count", b"{}", Content_Type="application/json")
        assert (response.status, response["Accept"]) == (415, "multipart/form-data")


@pytest.mark.parametrize("flags", [(), ("--private-descriptors",)], ids=["shared", "private"])
def test_a_client_that_goes_leaves_no_file(start, tmp_path, flags):
    if flags and "tsan" in BUILD:
        pytest.skip("ThreadSanitizer takes equal numbers in two tables of descriptors for one descriptor")
    server = start("tests/apps/form", "--shards", "1", *flags, cwd=tmp_path)
    with server.connect() as client:
        client.send(f"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: {TYPE}\r\nContent-Length: 1000000\r\n\r\n",
                    part("f", b"x" * 100_000, "f"))
        wait_until("a file has begun", lambda: any(name.endswith(".part") for name in os.listdir(tmp_path)))
    wait_until("it is gone", lambda: not any(name.endswith((".part", ".saved")) for name in os.listdir(tmp_path)))
    assert server.curl("-F", "f=@/etc/passwd", target="/upload").startswith(b"f: passwd application/octet-stream ")
    with open("/etc/passwd", "rb") as passwd:
        assert (tmp_path / "0.saved").read_bytes() == passwd.read()


def test_what_is_not_read_does_no_harm(server):
    content = part("a", b"x") + part("b", b"y" * 1000) + END
    with server.connect() as client:
        assert client.ask("POST", "/first", content, Content_Type=TYPE).content == b"a\n"
    assert server.curl("-F", "a=1", target="/first") == b"a\n"


def test_signed_cookies_go_and_come(server, tmp_path):
    jar = str(tmp_path / "jar")
    assert server.curl(target="/cookies") == b"nobody none\n"
    server.curl("-c", jar, "-X", "POST", target="/enter/ann")
    assert server.curl("-b", jar, target="/cookies") == b"ann yes\n"
    forged = (tmp_path / "jar").read_text().replace("ann.", "bob.")
    (tmp_path / "forged").write_text(forged)
    assert server.curl("-b", str(tmp_path / "forged"), target="/cookies") == b"nobody yes\n"
    server.curl("-b", jar, "-c", jar, "-X", "POST", target="/leave")
    assert server.curl("-b", jar, target="/cookies") == b"nobody yes\n"


def test_cookies_by_the_thousand_are_431(server):
    with server.connect() as client:
        few = "; ".join(f"c{i}=v" for i in range(199))
        assert client.get("/cookies", Cookie=few + "; plain=1").content == b"nobody 1\n"
        many = "; ".join(f"c{i}=v" for i in range(1000))
        assert client.get("/cookies", Cookie=many).status == 431
        assert client.get("/cookies").content == b"nobody none\n"


def test_what_the_client_likes_is_sent(server):
    with server.connect() as client:
        response = client.get("/negotiate", Accept="text/html;q=0.5, text/plain", Accept_Language="de-AT, en;q=0.5")
        assert (response["Content-Type"], response.content) == ("text/plain", b"Hallo\n")
        assert response["Vary"] == "Accept, Accept-Language"
        assert client.get("/negotiate")["Content-Type"] == "application/json"
        assert client.get("/negotiate", Accept="image/png").status == 406
