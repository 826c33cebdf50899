"""/metrics: both formats to the letter, and the figures against what was asked of the server."""
import json
import math
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest

import exposition
from conftest import BUILD, PATIENCE_S, ROOT, Client, wait_until
from exposition import ASK_OPEN, OPEN, TEXT, Scrape

APP = "tests/apps/metrics"
PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;version=0.0.1;q=0.5," \
             "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
PROMETHEUS_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," \
               "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4," \
               "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"


def admin_of(server):
    wait_until("the admin listener is told", lambda: re.search(r"live page on http://", server.output()))
    host, port = re.search(r"live page on http://([^/\s]+):(\d+)/leat/", server.output()).groups()
    return host.strip("[]"), int(port)


def ask(server, accept=None, target="/metrics"):
    with Client(admin_of(server)) as client:
        host = "localhost"
        client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n", f"Accept: {accept}\r\n" if accept else "", "\r\n")
        return client.response()


def scrape(server, is_open=False):
    response = ask(server, ASK_OPEN if is_open else None)
    assert response.status == 200 and response["Content-Type"] == (OPEN if is_open else TEXT)
    return Scrape(response.content.decode("utf-8"), is_open)


@pytest.fixture
def app(start):
    return start(APP, "--admin", "127.0.0.1:0", "--shards", "2")


def settled(server, is_so):
    """A scrape of which that is so. What is told may be up to 50 ms old."""
    last = []

    def look():
        last[:] = [scrape(server)]
        return is_so(last[0])
    wait_until("the figures are told", look)
    return last[0]


def test_both_formats_are_to_the_letter_and_tell_the_same_series(app):
    text, opened = scrape(app), scrape(app, is_open=True)
    assert set(text.values) == set(opened.values)
    assert text.families["leat_sent_bytes_total"].type == "counter"
    assert opened.families["leat_sent_bytes"].unit == "bytes"
    assert opened.families["leat_build"].type == "info"
    assert text.families["leat_build_info"].type == "gauge"
    assert opened.families["leat_http_request_duration_seconds"].unit == "seconds"


@pytest.mark.parametrize("accept, media_type", [
    (None, TEXT), ("*/*", TEXT), ("text/plain", TEXT), ("text/plain;version=0.0.4", TEXT), ("text/html, */*;q=0.1", TEXT),
    ("image/png", TEXT),    # better than nothing
    ("application/openmetrics-text", OPEN), ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPEN),
    (PROMETHEUS, OPEN), (PROMETHEUS_3, OPEN + "; escaping=allow-utf-8"), ("application/openmetrics-text;q=0.2,text/plain;q=0.3", TEXT),
    ("application/openmetrics-text;version=0.0.1", TEXT), ("application/openmetrics-text;version=2.0.0, text/plain;q=0.1", TEXT),
])
def test_the_client_chooses_the_format(app, accept, media_type):
    response = ask(app, accept)
    assert response.status == 200 and response["Content-Type"] == media_type
    assert response["Vary"] == "Accept" and response["Cache-Control"] == "no-store"
    exposition.parse(response.content.decode("utf-8"), media_type.startswith(OPEN))


def test_every_series_is_there_before_anything_happened(app):
    first = scrape(app)
    for route, method in (("none", "any"), ("/", "GET"), ("/status/:status", "GET"), ("/echo", "POST")):
        for status_class in ("1xx", "2xx", "3xx", "4xx", "5xx"):
            assert first.get("leat_http_requests_total", route=route, method=method, **{"class": status_class}) == 0
        assert first.get("leat_route_duration_seconds_count", route=route, method=method) == 0
    for state in ("idle", "head", "content", "running", "waiting", "writing", "lingering", "closed"):
        assert first.get("leat_connections", state=state) == 0
    assert math.isnan(first.get("leat_http_request_duration_quantile_seconds", quantile="0.5"))
    assert first.get("leat_shards") == 2 and first.get("leat_shards_silent") == 0
    build = [dict(labels) for name, labels in first.values if name == "leat_build_info"]
    loop = re.search(r"loop (\w+)", app.output())[1]
    assert len(build) == 1 and build[0]["version"] and build[0]["compiler"] and build[0]["loop"] == loop


@pytest.mark.skipif("tsan" in BUILD, reason="ThreadSanitizer's own addresses move between two looks")
def test_the_plan_is_told_beside_what_is_resident(app):
    told = scrape(app)
    assert told.sum("leat_plan_row_bytes", kind="ours") == told.get("leat_plan_bytes")
    assert told.sum("leat_plan_row_bytes", kind="kernel") == told.get("leat_plan_kernel_bytes")
    assert told.get("leat_plan_row_bytes", row="own metrics", kind="ours") > 0
    assert 0 < told.get("process_resident_memory_bytes")
    with open(f"/proc/{app.process.pid}/stat", encoding="ascii") as stat:
        assert int(stat.read().rsplit(")", 1)[1].split()[20]) == told.get("process_virtual_memory_bytes")


def test_pools_of_one_name_are_one_series(app):
    told = scrape(app)
    assert told.get("leat_pool_limit", pool='my "pool"') == 8
    assert told.get("leat_pool_limit", pool="exchange") > 8     # ours, and the program's of that name
    assert told.get("leat_pool_object_bytes", pool="exchange") == 16384


def test_requests_are_counted_by_route_method_and_class(app):
    with app.connect() as client:
        for _ in range(7):
            assert client.get("/").status == 200
        for status in (204, 301, 404, 404, 500):
            assert client.get(f"/status/{status}").status == status
        assert client.ask("POST", "/echo", "x" * 3000).content == b"x" * 3000
        assert client.get("/nowhere").status == 404
        assert client.ask("DELETE", "/echo").status == 405
        assert client.ask("HEAD", "/").status == 200
        client.send("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")
        assert client.response().status == 200
    with app.connect() as client:
        client.send("GET / HTTP/1.1\r\nno field\r\n\r\n")
        assert client.response().status == 400
    total = 7 + 5 + 1 + 2 + 2
    told = settled(app, lambda s: s.get("leat_http_requests_answered_total") >= total + 1)

    def count(route, method, status_class):
        return told.get("leat_http_requests_total", route=route, method=method, **{"class": status_class})
    assert count("/", "GET", "2xx") == 9      # seven, a HEAD, and the same route of another host
    assert [count("/status/:status", "GET", c) for c in ("2xx", "3xx", "4xx", "5xx")] == [1, 1, 2, 1]
    assert count("/echo", "POST", "2xx") == 1
    assert count("none", "any", "4xx") == 3   # 404, 405, 400
    assert told.sum("leat_http_requests_total") == total + 1
    assert told.get("leat_http_bad_requests_total") == 1
    assert told.get("leat_connections_accepted_total") == 2
    assert told.get("leat_http_request_duration_seconds_count") == total + 1
    assert told.get("leat_http_request_duration_quantile_seconds_count") == total + 1
    assert told.get("leat_head_seconds_count") == total + 1
    assert told.get("leat_write_seconds_count") == total + 1
    assert told.get("leat_first_byte_seconds_count") == 2
    assert told.get("leat_route_duration_seconds_count", route="/", method="GET") == 9
    assert told.sum("leat_route_duration_seconds_count") == total + 1
    assert told.get("leat_pool_refused_total", pool="exchange") == 0


def test_octets_are_counted(app):
    before = scrape(app)
    with app.connect() as client:
        request = b"POST /echo HTTP/1.1\r\nHost: leat.example\r\nContent-Length: 200000\r\n\r\n" + b"y" * 200000
        client.send(request)
        response = client.response()
        assert response.content == b"y" * 200000
        told = settled(app, lambda s: s.get("leat_connections", state="idle") == 1)
        assert told.get("leat_connections_open") == 1
    assert told.get("leat_received_bytes_total") - before.get("leat_received_bytes_total") == len(request)
    head = len("HTTP/1.1 200 OK\r\n") + sum(len(f"{n}: {v}\r\n") for n, v in response.fields) + 2
    assert told.get("leat_sent_bytes_total") - before.get("leat_sent_bytes_total") == head + 200000


def test_a_waiting_handler_is_seen(app):
    with app.connect() as client:
        client.send("GET /sleep/1500 HTTP/1.1\r\nHost: leat.example\r\n\r\n")
        told = settled(app, lambda s: s.get("leat_connections", state="waiting") == 1)
        assert told.get("leat_exchanges_active") == 1 and told.get("leat_tasks_live") == 1
        assert told.get("leat_pool_in_use", pool="task stack") >= 1
        assert client.response().status == 200
    told = settled(app, lambda s: s.get("leat_connections_open") == 0)
    assert told.get("leat_timer_lateness_seconds_count") == 1 and told.get("leat_exchanges_active") == 0


def test_counters_never_fall_while_requests_come(app):
    """A scraper takes a count that fell for a restart, and makes a peak of it that never was."""
    stop = threading.Event()

    def load(targets):
        with app.connect() as client:
            while not stop.is_set():
                for target in targets:
                    client.send(f"GET {target} HTTP/1.1\r\n")
                    client.send("Host: leat.example\r\n\r\n")      # a head that comes in two
                    client.response()
    threads = [threading.Thread(target=load, args=(targets,)) for targets in (["/", "/status/404"], ["/status/500", "/nowhere"])]
    for thread in threads:
        thread.start()
    try:
        last = [scrape(app), scrape(app, is_open=True)]     # each is believed for a moment
        for i in range(40):
            now, before = scrape(app, is_open=i % 2 == 1), last[i % 2]
            rising = [key for key in now.values if re.search(r"_(total|count|bucket|sum)$", key[0])]
            fell = [(key, before.values[key], now.values[key]) for key in rising if now.values[key] < before.values[key]]
            assert not fell
            last[i % 2] = now
            time.sleep(0.02)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    told = settled(app, lambda s: s.sum("leat_http_requests_total") == s.get("leat_http_requests_answered_total"))
    for route, wrong in (("/", "4xx"), ("/status/:status", "2xx"), ("none", "2xx")):
        assert told.sum("leat_http_requests_total", route=route, **{"class": wrong}) == 0


def test_more_routes_than_have_figures_of_their_own(start):
    many = start(APP, "--admin", "127.0.0.1:0", env={**os.environ, "MANY_ROUTES": "300"})
    with many.connect() as client:
        for i in (0, 299, 298, 298):
            assert client.get(f"/many/{i}/" + "x" * 199 + "%22").status == 200
    told = settled(many, lambda s: s.get("leat_http_requests_answered_total") == 4)
    assert len(told.text) > 500_000
    assert told.get("leat_http_requests_total", route="/many/0/" + 'x' * 199 + '"', method="GET", **{"class": "2xx"}) == 1
    assert told.get("leat_http_requests_total", route="others", method="any", **{"class": "2xx"}) == 3
    assert told.sum("leat_http_requests_total") == 4
    assert set(scrape(many, is_open=True).values) == set(told.values)


def test_who_reads_slowly_reads_what_was_true_and_holds_nobody_up(start):
    many = start(APP, "--admin", "127.0.0.1:0", env={**os.environ, "MANY_ROUTES": "300"})
    scrape(many)
    with Client(admin_of(many), receive_buffer=2048) as slow, many.connect() as client:
        slow.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slow.more()
        for _ in range(20):
            assert client.get("/").status == 200
            time.sleep(0.01)
            ask(many)
        told = settled(many, lambda s: s.get("leat_http_requests_answered_total") == 20)
        response = slow.response()      # longer than what the kernel holds: most was still with the server
        assert len(response.content) > 500_000
        then = Scrape(response.content.decode(), is_open=False)
        assert then.get("leat_http_requests_answered_total") == 0 and told.sum("leat_http_requests_total") == 20
        assert then.sum("leat_http_requests_total") == 0    # nothing of the later ones in it


# ── The program's own ──

@pytest.mark.parametrize("where", ["here", "there"])
def test_what_a_program_counts_is_told(app, where):
    clients = [app.connect() for _ in range(4)]     # of both shards, as likely as not
    for i in range(20):
        assert clients[i % 4].get(f"/{where}/{i % 2}").status == 200
    assert clients[0].get(f"/{where}/2").status == 200      # no such value
    for client in clients:
        client.socket.close()
    told, draft = scrape(app), 'bank "draft"\\\n'
    told = settled(app, lambda s: s.get("things_total") == 42)
    assert told.get("orders_total", way="card") == told.get("orders_total", way=draft) == 10
    assert told.get("guests_inside") == 10.5 and told.get("level_celsius") == -3.25
    for way in ("card", draft):
        assert told.get("query_seconds_count", way=way) == 10
        assert told.get("query_seconds_sum", way=way) == pytest.approx(0.2)
        assert told.get("query_seconds_bucket", way=way, le="0.01") == 0
        assert told.get("query_seconds_bucket", way=way, le="0.025") == 10
    assert told.get("upload_bytes_sum") == 21 * 5000 and told.get("upload_bytes_bucket", le="16384.0") == 21
    assert told.get("basket_items_bucket", le="5.0") == 0 and told.get("basket_items_bucket", le="10.0") == 21
    assert told.families["things_total"].help == 'Things "counted",\nby \\ two.'
    assert scrape(app, is_open=True).families["things"].help == 'Things "counted",\nby \\ two.'


@pytest.mark.parametrize("bad, says", [
    ("bad", "ends in _total"), ("leat_bad_total", "are taken"), ("process_bad_total", "are taken"), ("__bad_total", "are taken"),
    ("9_total", "letters, digits"), ("bad-name_total", "letters, digits"), ("_total", "ends in _total"), ("", "letters, digits"),
    ("x" * 95 + "_total", "96 of them"), ("orders_total", "one of that name"), ("same", "one of that name"),
    ("twice", "a value twice"), ("nothing", "1 to 256 values"), ("help", "say in help"), ("seconds", "ends in _seconds"),
    ("label", "are taken"),
])
def test_a_bad_metric_keeps_the_server_from_starting(run, bad, says):
    done = run(APP, "--listen", "127.0.0.1:0", env={**os.environ, "BAD_METRIC": bad})
    assert done.returncode == 70 and says in done.stderr, done.stderr
    assert "leat_counter_create" in done.stderr or "leat_gauge_create" in done.stderr or "leat_histogram_create" in done.stderr


# ── What was measured, and what a client saw ──

def test_quantiles_agree_with_what_a_client_measured(app):
    """Delays so long that the noise of a busy machine is small beside them; 1.6% is the histogram's error. A client's time has
    the way there and back in it: it is never less than the server's, but for the timer's millisecond."""
    measured = []

    def ask_many(client, ms, times):
        for _ in range(times):
            began = time.monotonic()
            assert client.get(f"/sleep/{ms}").status == 200
            measured.append(time.monotonic() - began)
    # 40 of 100 ms, 50 of 300 ms, 10 of 800 ms: the median is of the second kind, the 99th of the third
    threads = []
    clients = [app.connect() for _ in range(10)]
    for client in clients:
        def work(client=client):
            ask_many(client, 100, 4)
            ask_many(client, 300, 5)
            ask_many(client, 800, 1)
        threads.append(threading.Thread(target=work))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.socket.close()
    told = settled(app, lambda s: s.get("leat_http_request_duration_seconds_count") == 100)
    measured.sort()
    for quantile, ms in (("0.5", 300), ("0.9", 300), ("0.99", 800)):
        seen = told.get("leat_http_request_duration_quantile_seconds", quantile=quantile)
        client_saw = measured[math.ceil(float(quantile) * 100) - 1]
        assert seen >= (ms - 1) / 1000 * 0.984, quantile
        assert seen <= client_saw * 1.016 + 0.001, quantile
    assert told.get("leat_http_request_duration_seconds_bucket", le="0.05") == 0
    assert told.get("leat_http_request_duration_seconds_sum") <= sum(measured) + 0.1
    assert told.get("leat_http_request_duration_seconds_sum") >= 0.99 * (40 * 0.1 + 50 * 0.3 + 10 * 0.8)


# ── Prometheus' own ──

def test_promtool_finds_nothing_to_mend(app):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here (Debian: prometheus)")
    done = subprocess.run([promtool, "check", "metrics"], input=scrape(app).text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Prometheus:
    """A real one that scrapes address every second, with its data in folder."""

    def __init__(self, folder, address):
        config = folder / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - job_name: leat\n"
                          f"    static_configs: [{{targets: ['{address}']}}]\n", encoding="utf-8")
        self.port = free_port()
        self.log = open(folder / "prometheus.log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data", "--storage.tsdb.retention.time=1h",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log, cwd=folder)

    def api(self, path, **arguments):
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def value(self, query):
        """The one value that the query answers; None: there is none yet."""
        data = self.api("query", query=query)
        assert data is None or len(data["result"]) <= 1, data
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.log.close()


@pytest.fixture
def prometheus(tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not here")
    running = []

    def begin(server):
        folder = tmp_path / "prometheus"
        folder.mkdir()
        host, port = admin_of(server)
        running.append(Prometheus(folder, f"{host}:{port}"))
        return running[0]
    yield begin
    for one in running:
        one.stop()


def test_a_real_prometheus_knows_what_was_sent(app, prometheus):
    with app.connect() as client:
        for _ in range(25):
            client.get("/")
        for _ in range(3):
            client.get("/status/404")
        client.get("/here/1")
    real = prometheus(app)
    query = 'sum(leat_http_requests_total{route="/",class="2xx"})'
    wait_until("Prometheus has scraped", lambda: real.value(query) == 25)
    assert real.value('leat_http_requests_total{route="/status/:status",method="GET",class="4xx"}') == 3
    assert real.value('sum by (job) (leat_http_request_duration_seconds_count)') == 29
    assert real.value('orders_total{way="bank \\"draft\\"\\\\\\n"}') == 1
    assert real.value("up") == 1
    target = real.api("targets")["activeTargets"][0]
    assert target["health"] == "up" and target["lastError"] == ""
    types = {entry["metric"]: entry["type"] for entry in real.api("targets/metadata")}
    assert types["leat_build"] == "info"      # so it was OpenMetrics that it asked for and read
    assert types["leat_http_request_duration_seconds"] == "histogram"
    with app.connect() as client:
        for _ in range(40):
            client.get("/")
    wait_until("it has scraped again", lambda: real.value(query) == 65)
    p99 = "histogram_quantile(0.99, sum by (le) (leat_http_request_duration_seconds_bucket))"
    assert 0 < real.value(p99) < 30


# ── What is written of it ──

def table_of(told):
    """The rows of doc/METRICS.md, of what is told but for the program's own."""
    own = {"orders_total", "things_total", "level_celsius", "guests_inside", "query_seconds", "upload_bytes", "basket_items"}
    rows = []
    for name, family in told.families.items():
        labels = {label: None for _, pairs in family.samples for label, _ in pairs if label != "le"}
        shown = f"`{name}`" + ("{" + ", ".join(labels) + "}" if labels else "")
        if name not in own:
            rows.append(f"| {shown} | {family.type} | {family.help} |")
    return rows


def test_the_table_of_metrics_is_what_there_is(app):
    with open(os.path.join(ROOT, "doc", "METRICS.md"), encoding="utf-8") as page:
        written = [line for line in page.read().split("\n") if line.startswith("| `")]
    wanted = table_of(scrape(app))
    assert written == wanted, "the table is to be\n" + "\n".join(wanted)
