"""`leat bundle`, and `leat serve --bundle`: a packed folder answers as the folder does, octet by octet; a damaged one
doesn't start."""
import os
import random
import socket

import pytest

FILES = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A site of every size and name, with coded twins, and with what is not served."""
    root = tmp_path_factory.mktemp("packed") / "site"
    chance = random.Random(7)
    for i in range(FILES):
        path = root / chance.choice((".", "a", "a/b", "with space", "süd")) / f"{i}{chance.choice(('.html', '.css', '.bin', ''))}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice((0, 1, 100, 5000, 12288, 70000, 300000))))
    (root / "index.html").write_text("<p>index")
    (root / "a" / "index.html").write_text("<p>index of a")
    (root / "about.html").write_text("<p>about")
    (root / "404.html").write_text("<p>no such page")
    (root / "style.css").write_text("p { color: teal }" * 100)
    (root / "style.css.br").write_bytes(b"as brotli" * 9)
    (root / "style.css.gz").write_bytes(b"as gzip" * 9)
    (root / "large.js").write_text("x" * 200000)
    (root / "large.js.gz").write_bytes(os.urandom(90000))
    (root / ".well-known").mkdir()
    (root / ".well-known" / "security.txt").write_text("Contact: us")
    (root / ".secret").write_text("secret")
    (root.parent / "outside").write_text("secret")
    (root / "in").symlink_to("a/index.html")
    (root / "out").symlink_to("../outside")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "a" / "socket"))
    return root


@pytest.fixture(scope="module")
def bundle(folder):
    import subprocess
    from conftest import PATIENCE_S, program
    path = folder.parent / "site.leat"
    done = subprocess.run([program("leat"), "bundle", str(folder), str(path)], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"leat: {path}: ") and done.stdout.count("\n") == 1
    assert sorted(line.split(": ")[1].split("/")[-1] for line in done.stderr.splitlines()) == sorted(
        ["out is left out", "pipe is left out", "socket is left out"])
    return path


@pytest.fixture
def both(start, folder, bundle):
    """The folder and the bundle, served with the same options."""
    def begin(*arguments):
        return (start("leat", "serve", str(folder), *arguments),
                start("leat", "serve", "--bundle", str(bundle), *arguments))
    return begin


def targets(folder):
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            relative = os.path.relpath(os.path.join(path, name), folder)
            yield "/" + "".join(c if c.isalnum() and c.isascii() or c in "-._/" else
                                "".join(f"%{o:02X}" for o in c.encode()) for c in relative)


def told(response, *without):
    """What a client sees but for the date, and for tags, which a bundle makes of contents."""
    return {name.lower(): value for name, value in response.fields if name.lower() not in ("date", "etag", *without)}


def test_a_bundle_answers_as_its_folder(both, folder):
    served, packed = both("--error-page", "404 /404.html", "--field", "X-Site: a", "--cache-control",
                          "/a/* max-age=60")
    count = 0
    with served.connect() as one, packed.connect() as other:
        for target in [*targets(folder), "/", "/a/", "/a", "/nothing", "/a/b/", "/in", "/out", "/.secret", "/pipe",
                       "/a/socket", "/../outside", "/index.html/", "//index.html", "/a/../index.html"]:
            for method in ("GET", "HEAD"):
                expected, response = one.ask(method, target), other.ask(method, target)
                assert response.status == expected.status, target
                assert response.content == expected.content, target
                assert told(response) == told(expected), target
                count += response.status == 200
        # a bundle holds files alone: what the folder would redirect to a page that is not there is not there at once
        assert (one.get("/a/b").status, other.get("/a/b").status) == (301, 404)
    assert count > 2 * FILES


def test_twins_are_negotiated_alike(both):
    served, packed = both()
    with served.connect() as one, packed.connect() as other:
        for target in ("/style.css", "/large.js", "/index.html"):
            for accepts in ("br", "gzip", "gzip, br", "br;q=0.5, gzip", "br;q=0", "identity", "*", "*;q=0", "", "deflate"):
                for kind in ({}, {"Range": "bytes=3-9"}):
                    fields = {"Accept_Encoding": accepts, **kind}
                    expected, response = one.get(target, **fields), other.get(target, **fields)
                    assert response.status == expected.status, (target, fields)
                    assert response.content == expected.content, (target, fields)
                    assert told(response) == told(expected), (target, fields)
        tags = {other.get("/style.css", Accept_Encoding=accepts)["ETag"] for accepts in ("br", "gzip", "identity")}
        assert len(tags) == 3


def test_conditions_and_ranges_hold_alike(both):
    with both()[1].connect() as client:
        whole = client.get("/large.js")
        tag, date = whole["ETag"], whole["Last-Modified"]
        assert tag.startswith('"') and tag.endswith('"')
        for fields, status in (({"If_None_Match": tag}, 304), ({"If_None_Match": f'"x", W/{tag}'}, 304),
                               ({"If_None_Match": '"x"'}, 200), ({"If_None_Match": "*"}, 304),
                               ({"If_Match": tag}, 200), ({"If_Match": '"x"'}, 412), ({"If_Match": f"W/{tag}"}, 412),
                               ({"If_Modified_Since": date}, 304), ({"If_Unmodified_Since": date}, 200),
                               ({"If_Unmodified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 412),
                               ({"Range": "bytes=0-9"}, 206), ({"Range": "bytes=-5"}, 206),
                               ({"Range": "bytes=200000-"}, 416), ({"Range": "bytes=1-2", "If_Range": tag}, 206),
                               ({"Range": "bytes=1-2", "If_Range": '"x"'}, 200),
                               ({"Range": "bytes=0-1,100-101"}, 206)):
            response = client.get("/large.js", **fields)
            assert response.status == status, fields
            if status == 304:
                assert response["ETag"] == tag
        assert client.get("/large.js", Range="bytes=199990-")["Content-Range"] == "bytes 199990-199999/200000"


def test_a_tag_is_of_the_content_alone(run, start, tmp_path):
    site, path = tmp_path / "site", tmp_path / "site.leat"
    site.mkdir()

    def tag_of(text, time):
        (site / "page.html").write_text(text)
        os.utime(site / "page.html", (time, time))
        assert run("leat", "bundle", str(site), str(path), "--quiet").returncode == 0
        server = start("leat", "serve", "--bundle", str(path))
        with server.connect() as client:
            response = client.get("/page.html")
            assert response.content == text.encode()
            return response["ETag"]

    first = tag_of("one", 1700000000)
    assert tag_of("one", 1700000500) == first
    assert tag_of("two", 1700000000) != first


def test_options_of_a_folder_hold_for_a_bundle(both):
    served, packed = both("--clean-urls", "--fallback", "index.html", "--redirect", "/old/* /a/*")
    with served.connect() as one, packed.connect() as other:
        for target, status in (("/about", 200), ("/about.html", 301), ("/nothing", 200), ("/old/x", 301)):
            expected, response = one.get(target), other.get(target)
            assert response.status == expected.status == status, target
            assert response.content == expected.content and told(response) == told(expected), target


def test_the_same_folder_gives_the_same_octets(run, folder, bundle, tmp_path):
    again = tmp_path / "again.leat"
    assert run("leat", "bundle", str(folder), str(again)).returncode == 0
    assert again.read_bytes() == bundle.read_bytes()


def test_a_server_keeps_the_bundle_that_it_has(run, start, tmp_path):
    site, path = tmp_path / "site", tmp_path / "site.leat"
    site.mkdir()
    (site / "page.html").write_text("before")
    assert run("leat", "bundle", str(site), str(path)).returncode == 0
    server = start("leat", "serve", "--bundle", str(path))
    (site / "page.html").write_text("behind")
    assert run("leat", "bundle", str(site), str(path)).returncode == 0
    with server.connect() as client:
        assert client.get("/page.html").content == b"before"
    with start("leat", "serve", "--bundle", str(path)).connect() as client:
        assert client.get("/page.html").content == b"behind"
    assert sorted(os.listdir(tmp_path)) == ["server-0.log", "server-1.log", "site", "site.leat"]


@pytest.mark.parametrize("damage, words", (
    (lambda octets: octets[:-1], "a part of it is missing"),
    (lambda octets: octets[:40], "not a bundle"),
    (lambda octets: b"", "not a bundle"),
    (lambda octets: octets + b"x", "something was added"),
    (lambda octets: octets[:300] + bytes((octets[300] ^ 1,)) + octets[301:], "not what was written"),
    (lambda octets: octets.replace(b"\r\n", b"\n"), "not a bundle"),
    (lambda octets: octets[:8] + b"\x09" + octets[9:], "version 9"),
    (lambda octets: b"<!doctype html>" * 100, "not a bundle"),
))
def test_a_damaged_bundle_is_one_line_and_78(run, bundle, tmp_path, damage, words):
    path = tmp_path / "damaged.leat"
    path.write_bytes(damage(bundle.read_bytes()))
    done = run("leat", "serve", "--bundle", str(path), "--listen", "127.0.0.1:0")
    assert done.returncode == 78, done.stderr
    assert done.stderr.count("\n") == 1 and words in done.stderr and str(path) in done.stderr


@pytest.mark.parametrize("arguments, status", (
    ((), 64), (("site",), 64), (("a", "b", "c"), 64), (("--nonsense", "a", "b"), 64), (("NOWHERE", "OUT"), 64),
    (("SITE", "NOWHERE/site.leat"), 71), (("SITE", "SITE"), 71)))
def test_what_can_not_be_packed_is_told(run, folder, tmp_path, arguments, status):
    known = {"SITE": str(folder), "OUT": str(tmp_path / "x"), "NOWHERE": str(tmp_path / "nowhere"),
             "NOWHERE/site.leat": str(tmp_path / "nowhere" / "site.leat")}
    done = run("leat", "bundle", *(known.get(argument, argument) for argument in arguments))
    assert done.returncode == status, done.stderr
    assert done.stderr.splitlines()[-1].startswith("leat: ")
    assert not os.listdir(tmp_path)


def test_a_bundle_within_its_own_folder_is_told(run, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<p>index")
    done = run("leat", "bundle", str(site), str(site / "x.leat"))
    assert done.returncode == 0 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"leat: {site}/x.leat: lies in the folder that it packs")
    (site / "x.leat").unlink()
    for outside in (tmp_path / "x.leat", tmp_path / "site2.leat", site / ".x.leat"):
        assert run("leat", "bundle", str(site), str(outside)).stderr == ""
