"""What runs out is answered, and everything is as before once there is room again."""
import resource
import selectors

from conftest import wait_until

HEAD = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"


def close_all(clients):
    for client in clients:
        client.socket.close()


def test_no_exchange_left_is_503_with_retry_after(start):
    server = start("examples/echo", "--shards", "1", "--exchanges", "8")
    holding = [server.connect() for _ in range(8)]
    for client in holding:
        client.send(HEAD)

    def is_refused():
        with server.connect() as client:
            response = client.get("/")
            assert response.status == 200 or int(response["Retry-After"]) > 0
            return response.status == 503
    wait_until("the server has read all the partial heads", is_refused)
    for client in holding:
        client.send("\r\nlate")
        assert client.response().content == b"late"
    with server.connect() as client:
        assert client.get("/").status == 200
    close_all(holding)


def test_no_content_memory_left_is_503(start):
    server = start("examples/echo", "--shards", "1", "--content-total", "256k", "--content-max", "128k")
    holding = [server.connect() for _ in range(4)]
    for client in holding:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 131072\r\n\r\n", b"x" * 131071)

    def is_refused():
        with server.connect() as client:
            response = client.ask("POST", "/", b"y" * 131072)
            assert response.status == 200 or int(response["Retry-After"]) > 0
            return response.status == 503
    wait_until("the server has reserved for all it can", is_refused)
    statuses = []
    for client in holding:
        try:
            client.send("x")
        except (BrokenPipeError, ConnectionResetError):
            pass            # refused a while ago
        statuses.append(client.response().status)
    assert 200 in statuses and set(statuses) <= {200, 503}
    with server.connect() as client:
        assert client.ask("POST", "/", b"z" * 131072).status == 200
    close_all(holding)


def test_no_seat_left_is_503_and_closed(start):
    server = start("examples/hello", "--shards", "1", "--connections", "20")
    crowd = [server.connect() for _ in range(200)]
    served, refused = [], 0
    for client in crowd:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        response = client.response()
        if response.status == 200:
            served.append(client)
        else:
            assert (response.status, response["Connection"]) == (503, "close")
            assert int(response["Retry-After"]) > 0
            refused += 1
    assert refused > 0 and len(served) >= 20
    for client in served:
        assert client.get("/").status == 200
    close_all(crowd)

    def is_served():
        with server.connect() as client:
            return client.get("/").status == 200
    wait_until("there is a seat again", is_served)


def test_no_descriptor_left_is_waited_out(start):
    server = start("examples/hello", "--shards", "1", "--connections", "1000")
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (40, 40))
    waiting = selectors.DefaultSelector()
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        waiting.register(client.socket, selectors.EVENT_READ, client)
    answered = 0
    while answered < len(clients):
        ready = waiting.select(30)
        assert ready, f"{answered} of {len(clients)} were answered, and then no more"
        for key, _ in ready:
            assert key.data.response().status in (200, 503)
            waiting.unregister(key.fileobj)
            key.fileobj.close()
            answered += 1
