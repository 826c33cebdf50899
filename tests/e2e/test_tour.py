"""The tour: what its comments promise."""
import json
import threading

import pytest

from conftest import ROOT


@pytest.fixture(params=("1", "2"))
def tour(start, request):
    return start("examples/tour", "--shards", request.param, cwd=ROOT)


def test_parameters_and_queries(tour):
    with tour.connect() as client:
        assert client.get("/greet/Ada%20Lovelace").content == b"Hello, Ada Lovelace\n"
        assert client.get("/greet/a%2Fb").content == b"Hello, a/b\n"
        assert client.get("/sum?a=30&b=12").content == b"42 \n"
        assert client.get("/sum?b=-50&a=8&unit=%c2%b0C+or+so").content == "-42 °C or so\n".encode()
        assert client.get("/sum?a=nonsense").content == b"0 \n"
        assert client.get("/sum?a=9223372036854775807&b=1").status == 400


def test_fields(tour):
    with tour.connect() as client:
        response = client.get("/mirror", User_Agent="pytest", X_The_Longest_Of_All="1")
        assert response["X-Your-Agent"] == "pytest"
        assert response["Cache-Control"] == "no-store"
        assert response["Vary"] == "User-Agent, Accept"
        assert response.content == b"GET /mirror at leat.example\n3 fields, the longest name is X-The-Longest-Of-All\n"


def test_middleware_runs_around_everything(tour):
    with tour.connect() as client:
        for target, status in (("/", 200), ("/old", 308), ("/nowhere", 404)):
            response = client.get(target)
            assert response.status == status
            assert response["X-Status"] == str(status)
            assert response["Server-Timing"].startswith("total;dur=")


def test_a_redirect(tour):
    with tour.connect() as client:
        response = client.get("/old")
        assert (response.status, response["Location"]) == (308, "/")


def test_a_note_is_pinned_read_and_taken_down(tour):
    with tour.connect() as client:
        pinned = client.ask("POST", "/api/notes", b"Feed the cat")
        assert pinned.status == 201
        place = pinned["Location"]
        assert client.get(place).content == b"Feed the cat"
        refused = client.ask("DELETE", place)
        assert (refused.status, refused["WWW-Authenticate"]) == (401, "Bearer")
        assert client.ask("DELETE", place, Authorization="Bearer tour").status == 204
        assert client.ask("DELETE", place, Authorization="Bearer tour").status == 404
        assert client.get(place).status == 404


def test_problems_are_problem_details(tour):
    with tour.connect() as client:
        response = client.ask("POST", "/api/notes", b"x" * 241)
        assert (response.status, response["Content-Type"]) == (422, "application/problem+json")
        assert json.loads(response.content)["status"] == 422


def test_a_full_board_is_503_and_has_room_again(tour):
    bearer = {"Authorization": "Bearer tour"}
    with tour.connect() as client:
        statuses = [client.ask("POST", "/api/notes", b"note %d" % i).status for i in range(1001)]
        pinned = statuses.count(201)
        assert set(statuses) == {201, 503} and pinned <= 1000
        assert client.get("/greet/me").status == 200
        for i in range(1, pinned + 1):
            assert client.ask("DELETE", f"/api/notes/{i}", **bearer).status == 204
        assert client.ask("POST", "/api/notes", b"again").status == 201


def test_notes_go_from_thread_to_thread(tour):
    """Pinned on one shard, taken down on another: the pool is whole at the end."""
    failures = []

    def work(number):
        try:
            for i in range(30):
                text = f"{number}-{i}".encode()
                with tour.connect() as one, tour.connect() as other:
                    place = one.ask("POST", "/api/notes", text)["Location"]
                    assert other.get(place).content == text
                    assert other.ask("DELETE", place, Authorization="Bearer tour").status == 204
        except (AssertionError, OSError) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_memory_that_is_certain(tour):
    with tour.connect() as client:
        squares = client.get("/squares/200").content.split()
        assert squares == [str(n * n).encode() for n in range(1, 201)]
        assert client.get("/squares/201").status == 404


def test_borrowed_content_and_files(tour):
    with tour.connect() as client:
        assert client.get("/poem").content.endswith(b"the water came to fill.\n")
        with open(f"{ROOT}/LICENSE", "rb") as licence:
            assert client.get("/files/LICENSE").content == licence.read()
        assert client.get("/files/../../etc/passwd").status in (400, 403, 404)


def test_the_pool_is_a_row_of_the_plan(run):
    assert "note" in run("examples/tour", "--plan", cwd=ROOT).stdout
