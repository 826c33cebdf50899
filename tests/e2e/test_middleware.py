"""Ready-made middleware and hooks, over real sockets: tests/apps/middleware.c."""
import base64
import json
import re
import socket
import threading

from conftest import wait_until

PROGRAM = "tests/apps/middleware"


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


# ── Request ids ──


def test_a_request_id_is_made_or_taken_over(start):
    server = start(PROGRAM)
    with server.connect() as client:
        made = [client.get("/id") for _ in range(50)]
        assert all(re.fullmatch("[0-9a-f]{32}", response["X-Request-Id"]) for response in made)
        assert all(response.content.decode() == response["X-Request-Id"] for response in made)
        assert len({response["X-Request-Id"] for response in made}) == 50
        assert client.get("/id", X_Request_Id="abc-1.2")["X-Request-Id"] == "abc-1.2"
        for bad in ("a" * 65, "a b", 'a"', "a:b"):
            assert re.fullmatch("[0-9a-f]{32}", client.get("/id", X_Request_Id=bad)["X-Request-Id"]), bad
        assert client.get("/not-there", X_Request_Id="seen")["X-Request-Id"] == "seen"
        response = client.get("/strict/id", Request_Id="mine")
        assert response.content.decode() == response["Request-Id"] != "mine"


def test_ids_of_all_shards_differ(start):
    server = start(PROGRAM, "--shards", "4")
    seen = set()
    for _ in range(40):
        with server.connect() as client:
            for _ in range(5):
                seen.add(client.get("/id").content)
    assert len(seen) == 200


# ── Security fields ──


def test_security_fields_are_defaults(start):
    server = start(PROGRAM)
    with server.connect() as client:
        response = client.get("/page")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
        assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response["Strict-Transport-Security"] is None and response["Permissions-Policy"] is None
        plain = client.get("/hello")
        assert plain["X-Content-Type-Options"] == "nosniff" and plain["Content-Security-Policy"] is None
        assert client.get("/own")["Content-Security-Policy"] == "default-src 'none'"
        response = client.get("/strict/page")
        assert response["Strict-Transport-Security"] == "max-age=31536000"
        assert response["Content-Security-Policy"] == "default-src 'none'"
        missing = client.get("/fail", Accept="text/html")
        assert missing["Content-Type"] == "text/html; charset=utf-8"
        assert missing["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
        assert missing["X-Content-Type-Options"] == "nosniff"


def test_a_stream_has_them_too(start):
    server = start(PROGRAM)
    head = server.curl("-i", target="/stream").decode()
    assert "Content-Security-Policy: default-src 'self'" in head and "X-Content-Type-Options: nosniff" in head


# ── CORS ──


def test_named_origins_may_read(start):
    server = start(PROGRAM)
    with server.connect() as client:
        for origin in ("https://a.example", "null", "http://x.b.example"):
            response = client.get("/cors/named/own", Origin=origin)
            assert response["Access-Control-Allow-Origin"] == origin
            assert response["Access-Control-Allow-Credentials"] == "true"
            assert response["Access-Control-Expose-Headers"] == "X-One, X-Two"
            assert sorted(response["Vary"].split(", ")) == ["Cookie", "Origin"]
        for other in ("https://a.example.evil", "http://a.example", "https://A.example", "b.example.evil"):
            response = client.get("/cors/named/own", Origin=other)
            assert response.status == 200 and response["Access-Control-Allow-Origin"] is None, other
            assert response["Access-Control-Allow-Credentials"] is None
            assert "Origin" in response["Vary"]
        assert "Origin" in client.get("/cors/named/own")["Vary"]
        missing = client.get("/cors/named/not-there", Origin="https://a.example")
        assert missing.status == 404 and missing["Access-Control-Allow-Origin"] == "https://a.example"
        assert client.get("/hello", Origin="https://a.example")["Access-Control-Allow-Origin"] is None
    head = server.curl("-i", "-H", "Origin: https://a.example", target="/cors/named/stream").decode()
    assert "Access-Control-Allow-Origin: https://a.example" in head and "Vary: Origin" in head


def test_preflights_are_answered_for_unrouted_paths_too(start):
    server = start(PROGRAM)
    ask = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-a, x-b"}
    with server.connect() as client:
        for path in ("/cors/named/own", "/cors/named/never"):
            response = client.ask("OPTIONS", path, Origin="https://a.example", **ask)
            assert (response.status, response.content) == (204, b"")
            assert response["Access-Control-Allow-Methods"] == "GET, PUT"
            assert response["Access-Control-Allow-Headers"] == "x-a, x-b"
            assert response["Access-Control-Max-Age"] == "600"
            assert response["Vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        response = client.ask("OPTIONS", "/cors/named/own", Origin="https://evil.example", **ask)
        assert response.status == 204
        assert not [name for name, _ in response.fields if name.startswith("Access-Control")]
        plain = client.ask("OPTIONS", "/cors/named/own", Origin="https://a.example")
        assert plain["Allow"] and plain["Access-Control-Allow-Methods"] is None


def test_any_origin_is_a_star(start):
    server = start(PROGRAM)
    with server.connect() as client:
        assert client.get("/cors/any/hello")["Access-Control-Allow-Origin"] == "*"
        response = client.ask("OPTIONS", "/cors/any/hello", Origin="https://x", Access_Control_Request_Method="PUT")
        assert response["Access-Control-Allow-Origin"] == "*" and response["Access-Control-Max-Age"] is None
        assert response["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PUT, PATCH, DELETE"


# ── Authentication ──


def test_basic(start):
    server = start(PROGRAM)
    with server.connect() as client:
        for text, who in (("ada:lovelace", "ada"), ("grace:hop:per", "grace"), ("eve:apple", "eve")):
            assert client.get("/basic/hello", Authorization=basic(text)).content.decode() == f"Hello, {who}\n"
        for value in (basic("ada:wrong"), basic("nobody:x"), basic("ada"), basic("eve:appl"), "Basic", "Basic !!!",
                      "Bearer good", basic("ada:lovelace") + " x", basic("ada:lovelace\n"), "Basic " + "A" * 3000):
            response = client.get("/basic/hello", Authorization=value)
            assert response.status == 401, value
            assert response["WWW-Authenticate"] == r'Basic realm="a \"b\"", charset="UTF-8"'
        assert client.get("/basic/hello").status == 401
        assert client.get("/hello").content == b"Hello, nobody\n"


def test_bearer(start):
    server = start(PROGRAM)
    challenge = 'Bearer realm="restricted", scope="read"'
    with server.connect() as client:
        assert client.get("/bearer/hello", Authorization="bearer good").content == b"Hello, token's owner\n"
        for value, status, error in (("Bearer bad", 401, "invalid_token"), ("Bearer narrow", 403, "insufficient_scope"),
                                     ("Bearer", 400, "invalid_request"), ("Bearer a b", 400, "invalid_request"),
                                     ("Bearer \"", 400, "invalid_request")):
            response = client.get("/bearer/hello", Authorization=value)
            assert (response.status, response["WWW-Authenticate"]) == (status, f'{challenge}, error="{error}"'), value
        for fields in ({}, {"Authorization": basic("ada:lovelace")}):
            response = client.get("/bearer/hello", **fields)
            assert (response.status, response["WWW-Authenticate"]) == (401, challenge)
        assert client.get("/bearer/hello", Authorization="Bearer busy").status == 503
        client.send("GET /bearer/hello HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n"
                    "Authorization: Bearer good\r\n\r\n")
        assert client.response().status == 400


# ── Rate limit ──


def test_a_rate_limit_by_field(start):
    server = start(PROGRAM)
    with server.connect() as client:
        for left in (2, 1, 0):
            response = client.get("/limited/field", X_Api_Key="one")
            assert response.status == 200
            assert response["RateLimit-Policy"] == '"default";q=3;w=3000'
            assert response["RateLimit"].startswith(f'"default";r={left};t=')
        response = client.get("/limited/field", X_Api_Key="one")
        assert response.status == 429
        assert 0 < int(response["Retry-After"]) <= 1000
        assert response["RateLimit"] == f'"default";r=0;t={response["Retry-After"]}'
        assert json.loads(response.content)["status"] == 429
        assert client.get("/limited/field", X_Api_Key="two").status == 200
        assert client.get("/limited/field").status == 200


def test_a_rate_limit_by_a_key_of_the_programs(start):
    server = start(PROGRAM)
    with server.connect() as client:
        assert [client.get("/limited/key?who=a").status for _ in range(3)] == [200, 200, 429]
        assert client.get("/limited/key?who=b").status == 200
        assert all(client.get("/limited/key").status == 200 for _ in range(5))


def test_a_limit_holds_for_all_shards_together(start):
    server = start(PROGRAM, "--shards", "4")
    statuses = []
    for _ in range(24):
        with server.connect() as client:
            statuses.append(client.get("/limited/address").status)
    assert sorted(statuses) == [200] * 4 + [429] * 20


# ── Time limits ──


def test_a_handler_has_its_time(start):
    server = start(PROGRAM)
    with server.connect() as client:
        assert client.get("/timed/nap?ms=1").content == b"0\n"
        response = client.get("/timed/nap?ms=100000")
        assert response.status == 504 and json.loads(response.content)["title"] == "Gateway Timeout"
        assert "late: /timed/nap\n" in server.output() and "nap: -110\n" in server.output()
        assert client.get("/timed/longer/nap?ms=100000").status == 504
        assert client.get("/timed/shorter/nap?ms=100000").status == 503
        assert server.output().count("late: ") == 3
        assert client.get("/hello").status == 200


def test_a_response_under_way_is_broken_off(start):
    server = start(PROGRAM)
    with server.connect() as client:
        client.send("GET /timed/drip HTTP/1.1\r\nHost: a\r\n\r\n")
        while client.more():
            pass
        assert b"drop\n" in client.pending and not client.pending.endswith(b"0\r\n\r\n")
    assert "late: /timed/drip" in server.output()


def test_slow_content_is_late_too(start):
    server = start(PROGRAM)
    with server.connect() as client:
        client.send("POST /timed/count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        assert client.response().status == 408
        assert client.ends()


# ── Validators ──


def test_who_has_it_gets_304(start):
    server = start(PROGRAM)
    with server.connect() as client:
        weak, strong = client.get("/weak/hello")["ETag"], client.get("/strong/hello")["ETag"]
        assert weak == "W/" + strong and re.fullmatch('"[0-9a-f]{32}"', strong)
        for method in ("GET", "HEAD"):
            response = client.ask(method, "/weak/hello", If_None_Match=weak)
            assert (response.status, response["ETag"], response["Content-Type"]) == (304, weak, None)
            assert response["X-Request-Id"]
        assert client.ask("HEAD", "/weak/hello")["ETag"] == weak
        assert client.get("/strong/hello", If_None_Match=f'"x", {weak}').status == 304
        assert client.get("/strong/hello", If_None_Match='"x"').status == 200
        assert client.get("/strong/hello", If_Match='"x"').status == 412
        assert client.get("/weak/tagged", If_None_Match='"mine"').status == 304
        assert client.get("/strong/fail")["ETag"] is None
    assert "ETag" not in server.curl("-i", target="/weak/stream").decode()


# ── Hooks ──


def test_errors_pass_the_hook(start):
    server = start(PROGRAM)
    with server.connect() as client:
        response = client.get("/not-there")
        assert (response.status, response.content) == (404, b"mine\n")
        response = client.ask("DELETE", "/hello")
        assert (response.status, response["Content-Type"]) == (405, "application/problem+json")
        assert client.get("/fail?errno=17").status == 409
        browser = client.get("/fail?errno=1", Accept="text/html,*/*;q=0.8")
        assert browser.status == 403 and b"<h1><b>403</b> Forbidden</h1>" in browser.content
        client.send("GET /a b HTTP/1.1\r\n\r\n")
        assert client.response().status == 400
    for line in ("error: 404 /not-there", "error: 405 /hello", "error: 409 /fail", "error: 403 /fail", "error: 400 "):
        assert line in server.output()


def test_a_connection_may_be_refused(start):
    server = start(PROGRAM, listen=("127.0.0.1:0", "[::1]:0"))
    with server.connect() as client:
        assert client.get("/hello").status == 200
    refused = socket.socket()
    refused.settimeout(30)
    refused.bind(("127.0.0.66", 0))
    refused.connect(server.addresses[0])
    try:
        assert refused.recv(1) == b""
    except ConnectionResetError:
        pass
    refused.close()
    with socket.create_connection(server.addresses[1][:2], 30) as six:
        six.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
        assert six.recv(100)
    wait_until("all are told", lambda: server.output().count("connected: ") == 3)
    for line in ("connected: 127.0.0.1 listener 0 port 1", "connected: 127.0.0.66 listener 0", "connected: ::1 listener 1"):
        assert line in server.output()


def test_many_at_once(start):
    """Checks that wait, time limits and a limit's table under many connections: every answer is its own client's."""
    server = start(PROGRAM, "--shards", "2")
    wrong = []

    def ask(number):
        with server.connect() as client:
            for i in range(20):
                name = f"{number}-{i}"
                response = client.get("/bearer/hello", Authorization="Bearer good", X_Request_Id=name)
                if response.status != 200 or response["X-Request-Id"] != name:
                    wrong.append(response)
                if client.get(f"/limited/key?who={name}").status != 200:
                    wrong.append(name)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
