"""`leat serve` with rules and sites: whose host answers, redirects, fields, error pages, listings; and wrong rules."""
import json
import re

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three sites' folders, each of whose pages say whose they are."""
    base = tmp_path_factory.mktemp("sites")
    for name in ("main", "one", "two"):
        (base / name / "sub").mkdir(parents=True)
        (base / name / "index.html").write_text(f"<p>{name}")
        (base / name / "sub" / "note.txt").write_text(f"note of {name}")
        (base / name / "404.html").write_text(f"<p>{name} has no such page")
    (base / "main" / "large.html").write_text("x" * 65537)
    for name in ("<script>alert(1)<", "it's \"odd\" & 100%.txt", "nai\u0308ve.txt", "a\nb", "file2", "file10", "File1",
                 ".hidden"):
        (base / "main" / "sub" / name).write_text("found")
    (base / "main" / "sub" / "zeta").mkdir()
    return base


@pytest.fixture
def configured(start, folder, tmp_path):
    """configured(text): a server with that configuration file, in which FOLDER is the folder of the sites."""
    def begin(text, *arguments):
        path = tmp_path / "leat.conf"
        path.write_text(text.replace("FOLDER", str(folder)))
        return start("leat", "serve", "--config", str(path), *arguments)
    return begin


def ask(client, target, host, method="GET"):
    client.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    return client.response(method)


SITES = """
root = FOLDER/main
field = X-Site: main

[site one.example www.one.example]
root = FOLDER/one
field = X-Site: one
error-page = 404 /404.html

[site *.two.example]
root = FOLDER/two
"""


def test_the_host_says_which_site_answers(configured):
    with configured(SITES).connect() as client:
        for host, site in (("one.example", "one"), ("WWW.One.Example:8080", "one"), ("one.example.", "one"),
                           ("a.two.example", "two"), ("b.a.two.example", "two"), ("two.example", "main"),
                           ("127.0.0.1", "main"), ("elsewhere.example", "main")):
            response = ask(client, "/", host)
            assert (response.status, response.content) == (200, f"<p>{site}".encode()), host
            assert ask(client, "/sub/note.txt", host).content == f"note of {site}".encode()
        assert ask(client, "http://one.example/", "a.two.example").content == b"<p>one"


def test_a_pipelined_burst_is_answered_by_each_ones_site(configured):
    with configured(SITES).connect() as client:
        hosts = ("one.example", "x.two.example", "elsewhere.example") * 20
        client.send("".join(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n" for host in hosts))
        for host in hosts:
            site = {"o": "one", "x": "two", "e": "main"}[host[0]]
            assert client.response().content == f"<p>{site}".encode()


def test_rules_are_their_sites_own(configured):
    with configured(SITES).connect() as client:
        response = ask(client, "/nothing", "one.example")
        assert (response.status, response.content) == (404, b"<p>one has no such page")
        assert response["Content-Type"].startswith("text/html")
        assert response["X-Site"] == "one"
        response = ask(client, "/nothing", "a.two.example")
        assert response.status == 404 and b"no such page" not in response.content
        assert response["X-Site"] is None
        assert ask(client, "/nothing", "elsewhere.example")["X-Site"] == "main"


def test_a_host_that_nobody_has_is_421(configured):
    server = configured("[site one.example]\nroot = FOLDER/one\n[site two.example]\nredirect = /* https://one.example/*\n")
    with server.connect() as client:
        assert ask(client, "/", "elsewhere.example").status == 421
        assert ask(client, "/", "one.example").content == b"<p>one"
        response = ask(client, "/a?b", "two.example")
        assert (response.status, response["Location"]) == (301, "https://one.example/a?b")


def serve_main(start, folder, *arguments):
    return start("leat", "serve", str(folder / "main"), *arguments)


def test_redirects(start, folder):
    server = serve_main(start, folder, "--redirect", "/old/* /sub/* 302", "--redirect", "/home / 308",
                        "--redirect", "/out/* https://other.example/*", "--redirect", "/flat/* /*")
    with server.connect() as client:
        for target, status, location in (("/old/note.txt", 302, "/sub/note.txt"), ("/old/a%20b?q=1", 302, "/sub/a%20b?q=1"),
                                         ("/home", 308, "/"), ("/%68ome?x", 308, "/?x"),
                                         ("/out/a/b?c", 301, "https://other.example/a/b?c"),
                                         ("/flat//evil.example", 301, "/evil.example")):
            for method in ("GET", "HEAD", "POST"):
                response = ask(client, target, "leat.example", method)
                assert (response.status, response["Location"]) == (status, location), target
        assert client.get("/homely").status == 404
        assert client.get("/sub/note.txt").content == b"note of main"


def test_fields_are_on_every_response(start, folder):
    server = serve_main(start, folder, "--field", "X-Frame-Options: DENY", "--field", "Link: </a>", "--field",
                        "Link: </b>", "--field", "X-Content-Type-Options: nosniff", "--redirect", "/home /")
    with server.connect() as client:
        tag = client.get("/")["ETag"]
        for response, status in ((client.get("/"), 200), (client.get("/nothing"), 404), (client.get("/home"), 301),
                                 (client.get("/", If_None_Match=tag), 304), (client.get("/", Range="bytes=0-1"), 206),
                                 (client.get("/", Range="bytes=99-"), 416), (client.ask("HEAD", "/"), 200),
                                 (client.ask("DELETE", "/"), 405), (client.get("/sub"), 301)):
            assert response.status == status
            assert response["X-Frame-Options"] == "DENY"
            assert response["Link"] == "</a>, </b>"
            assert response["X-Content-Type-Options"] == "nosniff"


def test_error_pages_have_the_right_status(start, folder):
    server = serve_main(start, folder, "--error-page", "404 /404.html", "--error-page", "405 /sub/note.txt",
                        "--error-page", "416 /404.html")
    with server.connect() as client:
        response = client.get("/nothing")
        assert (response.status, response.content) == (404, b"<p>main has no such page")
        assert response["Content-Type"] == "text/html; charset=utf-8"
        assert client.ask("HEAD", "/nothing")["Content-Length"] == str(len(response.content))
        response = client.ask("DELETE", "/")
        assert (response.status, response.content) == (405, b"note of main")
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert {"GET", "HEAD"} <= set(response["Allow"].split(", "))
        response = client.get("/index.html", Range="bytes=999-")
        assert (response.status, response["Content-Range"]) == (416, "bytes */7")
        assert response.content == b"<p>main has no such page"
        assert client.get("/404.html").status == 200


def test_an_error_page_stays_when_its_file_goes(start, folder, tmp_path):
    (tmp_path / "site").mkdir()
    page = tmp_path / "site" / "404.html"
    page.write_text("as it was")
    server = start("leat", "serve", str(tmp_path / "site"), "--error-page", "404 /404.html")
    page.unlink()
    with server.connect() as client:
        assert client.get("/404.html").content == b"as it was"


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
HOUSE = "default-src 'none'; style-src 'unsafe-inline'"


def is_error_page(response, status, reason):
    return (response.status == status and response["Content-Type"] == "text/html; charset=utf-8" and
            response["Content-Security-Policy"] == HOUSE and response["X-Content-Type-Options"] == "nosniff" and
            response["Vary"] == "Accept" and f"<h1><b>{status}</b> {reason}</h1>".encode() in response.content)


def is_problem(response, status, reason):
    return (response.status == status and response["Content-Type"] == "application/problem+json" and
            response["Vary"] == "Accept" and response["Content-Security-Policy"] is None and
            json.loads(response.content).items() >= {"title": reason, "status": status}.items())


def test_a_browser_gets_a_page_for_an_error_and_a_program_a_problem(start, folder):
    with serve_main(start, folder).connect() as client:
        for target in ("/nothing", "/sub/", "/.hidden", "/%3Cb%3Ebold"):
            page = client.get(target, Accept=BROWSER)
            assert is_error_page(page, 404, "Not Found"), target
            assert b"<script" not in page.content and b"bold" not in page.content
            assert is_problem(client.get(target), 404, "Not Found")
            assert is_problem(client.get(target, Accept="*/*"), 404, "Not Found")
            assert is_problem(client.get(target, Accept="text/html;q=0, */*"), 404, "Not Found")
        head = client.ask("HEAD", "/nothing", Accept=BROWSER)
        assert (head.status, head["Content-Length"], head["Vary"]) == (404, str(len(page.content)), "Accept")
        assert client.get("/", Accept=BROWSER).content == b"<p>main"


def test_a_host_of_nobody_is_told_to_a_browser_too(configured):
    with configured("[site one.example]\nroot = FOLDER/one\n").connect() as client:
        assert is_error_page(client.get("/", Accept=BROWSER), 421, "Misdirected Request")
        assert is_problem(client.get("/"), 421, "Misdirected Request")


def test_a_sites_own_error_page_comes_first_and_without_the_houses_policy(start, folder):
    server = serve_main(start, folder, "--error-page", "404 /404.html", "--field", "X-Frame-Options: DENY")
    with server.connect() as client:
        for accept in (BROWSER, "*/*"):
            response = client.get("/nothing", Accept=accept)
            assert (response.status, response.content) == (404, b"<p>main has no such page")
            assert response["Content-Security-Policy"] is None and response["X-Frame-Options"] == "DENY"
            assert response["Content-Type"] == "text/html; charset=utf-8"


def test_a_sites_field_takes_the_place_of_an_error_pages(start, folder):
    server = serve_main(start, folder, "--field", "Content-Security-Policy: default-src 'self'")
    with server.connect() as client:
        response = client.get("/nothing", Accept=BROWSER)
        assert (response.status, response["Content-Security-Policy"]) == (404, "default-src 'self'")


def test_a_bundle_tells_errors_as_its_folder_does(run, start, folder, tmp_path):
    path = tmp_path / "main.leat"
    assert run("leat", "bundle", str(folder / "main"), str(path)).returncode == 0
    with start("leat", "serve", "--bundle", str(path)).connect() as client:
        assert is_error_page(client.get("/nothing", Accept=BROWSER), 404, "Not Found")
        assert is_error_page(client.get("/.hidden", Accept=BROWSER), 404, "Not Found")
        assert is_problem(client.get("/nothing"), 404, "Not Found")
    done = run("leat", "serve", "--bundle", str(path), "--fallback", "none.html", "--listen", "127.0.0.1:0")
    assert done.returncode == 78 and done.stderr.count("\n") == 1
    assert f'fallback "none.html": no such file in {path}; pack the folder again' in done.stderr


def test_a_listing_shows_what_is_served_and_nothing_else(start, folder):
    with serve_main(start, folder, "--listing").connect() as client:
        response = client.get("/sub/")
        page = response.content.decode()
        assert response.status == 200
        assert response["Content-Type"] == "text/html; charset=utf-8"
        assert response["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
        assert "<script" not in page and ".hidden" not in page
        links = re.findall(r"<a href='([^']*)'", page)
        assert links[1:] == ["../", "zeta/", "%3Cscript%3Ealert%281%29%3C", "a%0Ab", "File1", "file2", "file10",
                             "it%27s%20%22odd%22%20%26%20100%25.txt", "nai%CC%88ve.txt", "note.txt"]
        for link in links[3:]:
            assert client.get("/sub/" + link).status == 200, link
        assert client.ask("HEAD", "/sub/")["Content-Length"] == str(len(response.content))
        assert client.get("/sub").status == 301
        assert "nothing in this folder" in client.get("/sub/zeta/").content.decode()
        assert client.get("/").content == b"<p>main"


def test_no_listing_unless_it_is_wanted(start, folder):
    with serve_main(start, folder).connect() as client:
        assert client.get("/sub/").status in (403, 404)


@pytest.mark.parametrize("arguments, words", (
    (("--redirect", "/a"), "FROM TO [STATUS]"),
    (("--redirect", "a /b"), "begins with a slash"),
    (("--redirect", "/a /b 200"), "301, 302, 303, 307 or 308"),
    (("--redirect", "/* /new/*"), "for ever"),
    (("--redirect", "/* https://example.org*"), "part of the host"),
    (("--field", "X-Frame-Options"), "no colon"),
    (("--field", "X Frame: DENY"), "no field name"),
    (("--field", "Content-Length: 5"), "frames the message"),
    (("--field", "Cache-Control: no-store"), "cache-control"),
    (("--error-page", "404 404.html"), "begins with a slash"),
    (("--error-page", "200 /404.html"), "400 to 599"),
    (("--error-page", "404 /none.html"), "no such file"),
    (("--error-page", "404 /large.html"), "64 KiB"),
    (("--error-page", "404 /404.html", "--error-page", "404 /index.html"), "leave one out"),
    (("--bundle", "site.leat"), "serves one of them"),
))
def test_a_wrong_rule_is_one_line_and_78(run, folder, arguments, words):
    done = run("leat", "serve", str(folder / "main"), "--listen", "127.0.0.1:0", *arguments)
    assert done.returncode == 78, done.stderr
    assert done.stderr.count("\n") == 1 and words in done.stderr
    assert arguments[-2][2:] in done.stderr


@pytest.mark.parametrize("text, words", (
    ("[site one.example]\n", "nothing to serve"),
    ("[site one.example:80]\nroot = FOLDER/one\n", "no port"),
    ("[site http://one.example]\nroot = FOLDER/one\n", "no port and no scheme"),
    ("[site one.example]\nroot = FOLDER/one\n[site ONE.example]\nroot = FOLDER/two\n", "has that name already"),
    ("[site one.example]\nroot = FOLDER/one\nredirect = /a /b 999\n", "site one.example: redirect"),
    ("[site one.example]\nroot = FOLDER/nowhere\n", "no such folder"),
    ("listing = yes\n[site one.example]\nroot = FOLDER/one\n", "nothing to serve"),
))
def test_a_wrong_site_is_one_line_and_78(run, folder, tmp_path, text, words):
    path = tmp_path / "leat.conf"
    path.write_text(text.replace("FOLDER", str(folder)))
    done = run("leat", "serve", "--config", str(path), "--listen", "127.0.0.1:0")
    assert done.returncode == 78, done.stderr
    assert done.stderr.count("\n") == 1 and words in done.stderr


def test_the_plan_takes_the_same_options(run, folder):
    done = run("leat", "plan", str(folder / "main"), "--redirect", "/a /b", "--listing")
    assert done.returncode == 0, done.stderr
    assert "connection slot" in done.stdout
    assert run("leat", "plan", str(folder / "main"), "--redirect", "/a").returncode == 78
