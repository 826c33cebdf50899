"""Trailer fields of requests and responses (RFC 9110 6.5), and interim responses before the final one (15.2)."""
import pytest

CHUNKS = "3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\n"


@pytest.fixture
def server(start):
    return start("tests/apps/trailers")


def post(client, target, trailers, chunks=CHUNKS):
    client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{trailers}\r\n")
    return client.response()


def chunked(client):
    """Content and trailer lines of a chunked response; its head."""
    while b"\r\n\r\n" not in client.pending:
        assert client.more()
    head, client.pending = client.pending.split(b"\r\n\r\n", 1)
    assert b"Transfer-Encoding: chunked" in head
    content = b""
    while True:
        while b"\r\n" not in client.pending:
            assert client.more()
        line, client.pending = client.pending.split(b"\r\n", 1)
        size = int(line, 16)
        if size == 0:
            break
        content += client.take(size)
        assert client.take(2) == b"\r\n"
    trailers = []
    while True:
        while b"\r\n" not in client.pending:
            assert client.more()
        line, client.pending = client.pending.split(b"\r\n", 1)
        if line == b"":
            return head.decode(), content, trailers
        trailers.append(line.decode())


@pytest.mark.parametrize("target", ("/whole", "/pieces"))
def test_trailers_of_a_request(server, target):
    with server.connect() as client:
        response = post(client, target, "X-Sum:  1a2b \r\nX-Other:\tx y\r\nX-SUM: second\r\n")
        assert response.content == b"8|1a2b|x y|none|none|none"
        assert post(client, target, "").content == b"8|none|none|none|none|none"
        assert post(client, target, "x-sum:\r\n").content == b"8||none|none|none|none"
        assert client.ask("POST", target, b"abc").content == b"3|none|none|none|none|none"


@pytest.mark.parametrize("target", ("/whole", "/pieces"))
def test_fields_that_must_not_be_trailers_are_ignored(server, target):
    with server.connect() as client:
        response = post(client, target, "Authorization: Basic eA==\r\nContent-Length: 7\r\nX-Other: 1\r\n")
        assert response.content == b"8|none|1|none|none|none"


@pytest.mark.parametrize("target", ("/whole", "/pieces"))
def test_trailers_octet_by_octet(server, target):
    request = f"POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKS}X-Sum: 1\r\nX-Other: 2\r\n\r\n"
    with server.connect() as client:
        for octet in request:
            client.send(octet)
        assert client.response().content == b"8|1|2|none|none|none"


@pytest.mark.parametrize("target", ("/whole", "/pieces"))
def test_too_much_of_trailers_is_431(server, target):
    with server.connect() as client:
        assert post(client, target, "X-Sum: 1\r\nX-Long: " + "x" * 3000 + "\r\n").content.startswith(b"8|1|")
    with server.connect() as client:
        assert post(client, target, "".join(f"X-{i}: {'x' * 100}\r\n" for i in range(40))).status == 431
        assert client.ends()


@pytest.mark.parametrize("size", (5, 11000, 12000, 50000))
def test_trailers_of_a_response(server, size):
    with server.connect() as client:
        client.send(f"GET /respond?size={size} HTTP/1.1\r\nHost: a\r\nTE: deflate, Trailers\r\n\r\n")
        head, content, trailers = chunked(client)
        assert "\r\nTrailer: X-Early" in head
        assert (len(content), trailers) == (size, ["X-Early: known", "X-Late: computed"])
        client.send(f"GET /respond?size={size} HTTP/1.1\r\nHost: a\r\nTE: trailersx\r\n\r\n")
        head, content, trailers = chunked(client)
        assert "Trailer:" not in head
        assert (len(content), trailers) == (size, [])
    assert "answered" not in server.output()


def test_early_hints_come_before_the_answer(server):
    with server.connect() as client:
        response = client.get("/hints")
        assert (response.interim, response.status, response.content) == ([103, 103], 200, b"0 0")
        response = client.get("/hints")
        assert response.interim == [103, 103]
        client.send("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n")
        while b"X-More: 1\r\n\r\nHTTP/1.1 200 " not in client.pending:
            assert client.more()
        assert client.pending.startswith(
            b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\nHTTP/1.1 103 ")
        client.response()


def test_http_1_0_gets_no_interim_response(server):
    with server.connect() as client:
        client.send("GET /hints HTTP/1.0\r\n\r\n")
        response = client.response()
        assert (response.interim, response.content) == ([], b"0 0")


def test_bad_hints_are_refused(server):
    with server.connect() as client:
        client.send("GET /bad-hints HTTP/1.1\r\nHost: a\r\n\r\n")
        assert chunked(client)[1] == b"-114"
    assert "taken" not in server.output()
