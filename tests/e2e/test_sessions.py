"""Sessions: a cookie that browsers guard, data that follows its client over all shards, and ends when it should."""
import re
import threading

import pytest
from conftest import wait_until

ID = re.compile(r"__Host-session=([0-9a-f]{32}); Path=/; SameSite=Lax; Secure; HttpOnly")


@pytest.fixture
def server(start):
    return start("tests/apps/sessions", "--shards", "2")


class Browser:
    """Keeps its cookie, and connects anew for every request: any shard may get it."""

    def __init__(self, server, group):
        self.server, self.group, self.cookie, self.said = server, group, None, None

    def get(self, target):
        fields = {"Cookie": f"theme=dark; {self.cookie}; x=y"} if self.cookie else {}
        with self.server.connect() as client:
            response = client.get(f"/{self.group}{target}", **fields)
        self.said = response["Set-Cookie"]
        if self.said:
            pair, _, rest = self.said.partition(";")
            self.cookie = None if "Max-Age=0" in rest else pair
        return response.content.decode()


@pytest.mark.parametrize("group", ("memory", "own"))
def test_a_session_follows_its_client(server, group):
    one, other = Browser(server, group), Browser(server, group)
    assert one.get("/peek") == "nobody" and one.said is None
    assert one.get("/count") == "1"
    assert ID.fullmatch(one.said), one.said
    assert [one.get("/count") for _ in range(8)] == [str(n) for n in range(2, 10)]
    assert one.said is None
    assert other.get("/count") == "1" and other.cookie != one.cookie
    assert one.get("/peek") == "9 "


@pytest.mark.parametrize("group", ("memory", "own"))
def test_a_login_changes_the_id_and_a_logout_ends_it(server, group):
    browser = Browser(server, group)
    browser.get("/count")
    before = browser.cookie
    assert browser.get("/login?who=ada") == "welcome"
    assert ID.fullmatch(browser.said) and browser.cookie != before
    assert browser.get("/peek") == "1 ada"
    thief = Browser(server, group)
    thief.cookie = before
    assert thief.get("/peek") == "nobody"
    after = browser.cookie
    assert browser.get("/logout") == "0" and browser.cookie is None
    thief.cookie = after
    assert thief.get("/peek") == "nobody"
    assert browser.get("/logout") == "0" and browser.said is None


def test_a_login_without_a_session_sets_one_cookie(server):
    with server.connect() as client:
        response = client.get("/memory/login?who=x")
        assert len([name for name, _ in response.fields if name == "Set-Cookie"]) == 1


def test_ids_that_clients_make_up_are_not_taken_over(server):
    for made_up in ("0" * 32, "f" * 32, "x", "", "0" * 31, "A" * 32, "0" * 33):
        browser = Browser(server, "memory")
        browser.cookie = f"__Host-session={made_up}"
        assert browser.get("/peek") == "nobody"
        assert browser.get("/count") == "1"
        assert made_up == "" or made_up not in browser.cookie


def test_the_right_one_of_several_cookies(server):
    browser = Browser(server, "memory")
    browser.get("/count")
    good = browser.cookie
    browser.cookie = f"session=1; __Host-session=; __Host-session={'0' * 32}; {good}; x__Host-session=2"
    assert browser.get("/count") == "2"
    browser.cookie = "; ".join(f"__Host-session={n:032x}" for n in range(100)) + "; " + good
    assert browser.get("/peek") == "nobody"


def test_all_writers_count(server):
    browser = Browser(server, "memory")
    browser.get("/count")

    def add():
        mine = Browser(server, "memory")
        mine.cookie = browser.cookie
        for _ in range(10):
            mine.get("/slow")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert browser.get("/peek") == "41 "


def test_an_idle_one_ends(server):
    browser = Browser(server, "brief")
    browser.get("/count")
    cookie = browser.cookie

    def has_ended():
        browser.cookie = cookie
        return browser.get("/peek") == "nobody"

    threading.Event().wait(0.15)
    wait_until("it has ended", has_ended)


def test_a_full_table_forgets_the_oldest(server):
    browsers = [Browser(server, "tiny") for _ in range(200)]
    for browser in browsers:
        assert browser.get("/count") == "1"
    assert re.fullmatch(r"tiny=[0-9a-f]{32}; Path=/; Max-Age=43200; SameSite=Lax; HttpOnly", browser.said)
    assert browser.get("/count") == "2"
    with server.connect() as client:
        live, evicted = map(int, client.get("/counts").content.split())
    assert 16 <= live <= 48 and live + evicted == 200


def test_a_store_that_is_down(server):
    browser = Browser(server, "own")
    browser.get("/count")
    with server.connect() as client:
        client.get("/down?is=1")
        assert browser.get("/peek") == "nobody"
        assert browser.get("/count") == "-5"
        client.get("/down?is=0")
        assert browser.get("/count") == "2"


def test_too_late_and_without(server):
    assert Browser(server, "none").get("/peek") == "nobody"
    with server.connect() as client:
        client.send("GET /memory/late HTTP/1.0\r\n\r\n")
        while client.more():
            pass
        assert client.pending.endswith(b"\r\n\r\n-114")
    with server.connect() as client:
        client.send("GET /none/late HTTP/1.0\r\n\r\n")
        while client.more():
            pass
        assert client.pending.endswith(b"\r\n\r\n-1")
