"""Routes beyond patterns: hosts, functions, regular expressions, mounts; and --routes, which lists them."""
import json

import pytest

from conftest import Client

APP = "tests/apps/routes"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "www" / "css").mkdir(parents=True)
    (tmp_path / "www" / "index.html").write_text("<p>index")
    (tmp_path / "www" / "css" / "site.css").write_text("a {}")
    return tmp_path / "www"


def ask(client, method, target, host="elsewhere"):
    client.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    return client.response(method)


def answer(client, target, host="elsewhere"):
    response = ask(client, "GET", target, host)
    return response.content.decode().split()[0] if response.status == 200 else response.status


def test_each_host_gets_its_own(start):
    with start(APP).connect() as client:
        for host, whose in [("elsewhere", "others"), ("", "others"), ("example", "others"), ("api.example", "api"),
                            ("API.EXAMPLE.:8080", "api"), ("api.example:8443", "port"), ("x.example", "tenant"),
                            ("a.b.example:1", "tenant"), ("[2001:DB8:0:0::1]:80", "six"), ("[2001:db8::2]", "others")]:
            assert answer(client, "/", host) == whose, host
        assert answer(client, "/v1/items/5", "api.example") == "api"
        assert answer(client, "/v1/items/5") == 404
        assert answer(client, "/items/5", "api.example") == 404
        assert answer(client, "http://api.example/", "elsewhere") == "api"  # RFC 9112 3.2.2: the target's authority counts


def test_expressions_are_routes(start):
    with start(APP).connect() as client:
        assert ask(client, "GET", "/items/123").content == b"item id=123 1=123\n"
        assert ask(client, "GET", "/items/%31%32").content == b"item id=12 1=12\n"
        assert answer(client, "/items/1234567890") == 404
        assert answer(client, "/items/1%0A") == 404
        assert ask(client, "GET", "/blog/2026").content == b"year id= 1=2026\n"
        assert ask(client, "GET", "/blog/2026/11").content == b"year id=11 1=2026\n"
        assert answer(client, "/2026") == 404
        assert ask(client, "GET", "/~me%2Fyou").content == b"home id=me/you 1=me/you\n"
        assert ask(client, "HEAD", "/items/1").status == 200
        response = ask(client, "POST", "/items/1")
        assert (response.status, response["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_catastrophic_expression_stalls_nobody(start):
    server = start(APP, "--shards", "1")
    with server.connect() as client:
        assert answer(client, "/xxxxy") == "bad"
        for n in (30, 300, 3000, 8000):
            assert ask(client, "GET", "/" + "x" * n).status == 503
        assert answer(client, "/items/7") == "item"
        for _ in range(200):
            client.send("GET /" + "x" * 1000 + " HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(200):
            assert client.response().status == 503
    assert server.output().count("leat-regex: ^/(x+x+)+[yz]$: a match was over the bound") == 1


def test_without_machine_code_it_is_the_same(start):
    server = start(APP, "--shards", "1")
    with server.connect() as client:
        for _ in range(3):
            assert ask(client, "GET", "/slow/aaaab").content == b"slow id=aaaab 1=aaaab\n"
            for n in (40, 1000, 8000):
                assert ask(client, "GET", "/slow/" + "a" * n).status == 503
        assert answer(client, "/slow/aac") == "slow"
    assert server.output().count("a match was over the bound") == 1


def test_a_mount_is_a_folder_with_its_slash_and_middleware(start, folder):
    with start(APP, "--files", str(folder)).connect() as client:
        response = ask(client, "GET", "/assets/static?a=b")
        assert (response.status, response["Location"]) == (301, "/assets/static/?a=b")
        for target, content in [("/assets/static/", b"<p>index"), ("/assets/static/css/site.css", b"a {}")]:
            response = ask(client, "GET", target)
            assert (response.status, response.content, response["Marked"]) == (200, content, "yes")
        response = ask(client, "POST", "/assets/static/css/site.css")
        assert (response.status, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert ask(client, "GET", "/assets/static/../../etc/passwd").status in (400, 404)
        assert ask(client, "GET", "/assets/static/nothing").status == 404


def test_many_clients_at_once_on_every_shard(start):
    server = start(APP, "--shards", "2")
    clients = [Client(server.addresses[0]) for _ in range(40)]
    for i, client in enumerate(clients):
        client.send(f"GET /items/{i} HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
    for i, client in enumerate(clients):
        for _ in range(5):
            assert client.response().content == f"item id={i} 1={i}\n".encode()
        client.socket.close()


def test_routes_lists_them_for_people(run, folder):
    done = run(APP, "--files", str(folder), "--routes")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:4] == ["method", "pattern", "host", "middleware"]
    assert ["POST", "/assets/upload", "(others)", "1", "1000", "stream"] in lines
    assert ["GET", "^/items/(?<id>[0-9]{1,9})$", "(others)", "0", "1m", "whole"] in lines
    hosts = [line[-4] for line in lines[1:-1]]
    assert hosts == sorted(hosts, key=lambda host: (host != "(others)", host))
    assert lines[-1] == [str(len(lines) - 2), "routes"]


def test_routes_lists_them_for_programs(run):
    routes = json.loads(run(APP, "--routes", "--json").stdout)["routes"]
    assert {"method": "GET", "pattern": "/v1/items/:id", "host": "api.example", "middleware": 0, "content_max": 1 << 20,
            "content": "whole", "handler": None} in routes
    assert [route["matcher"] for route in routes if "matcher" in route] == [
        "/~name", "^/items/(?<id>[0-9]{1,9})$", "^/(x+x+)+[yz]$",
        "(*NO_JIT)^/slow/(?<id>(?:a+a+)+[bc])$", r"/blog ^/(\d{4})(?:/(?<id>\d\d))?$"]
    assert {route["host"] for route in routes} == {None, "api.example", "*.example", "api.example:8443", "[2001:db8::1]"}


def test_every_program_and_leat_serve_list_theirs(run, folder):
    assert "/hello/:name" in run("examples/hello", "--routes").stdout
    done = run("leat", "serve", str(folder), "--routes")
    assert done.returncode == 0 and done.stdout.splitlines()[-1].endswith("route") and "GET" in done.stdout


def test_what_is_wrong_with_an_expression_is_told_at_start(run):
    done = run("tests/apps/routes", "--wrong")
    assert done.returncode == 70
    assert 'route GET "^/(a": at offset 4: missing closing parenthesis' in done.stderr
    assert "17 groups, of at most 16" in done.stderr
    assert 'host "bad host": a host is' in done.stderr
