"""The dashboards and the alerts of packaging/: well formed, and every expression of theirs finds data in a real Prometheus.

Both loops are seen at once, each by one server: an idle-looking one on io_uring that only says hello, and one on epoll that
waits, fails, and refuses what is too much for it. A panel must show something of either. Skipped where Debian's package
prometheus is not installed."""
import contextlib
import glob
import json
import math
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
import urllib.request

import pytest

from conftest import PATIENCE_S, ROOT, Client, Server, wait_until

GRAFANA = os.path.join(ROOT, "packaging/grafana")
PROMETHEUS = os.path.join(ROOT, "packaging/prometheus")
RULES = [os.path.join(PROMETHEUS, name) for name in ("leat-alerts.yml", "leat-recording.yml")]
UNIT_TESTS = os.path.join(ROOT, "tests/prometheus/alerts.yml")
NAMES = ("overview", "memory", "network", "latency")
KINDS = {"row", "stat", "timeseries", "heatmap", "bargauge", "table"}
BUILT_IN = {"__rate_interval", "__range", "__interval"}
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs Debian's package prometheus")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def dashboard(name):
    return json.loads(read(os.path.join(GRAFANA, f"leat-{name}.json")))


@pytest.fixture(params=NAMES)
def board(request):
    return dashboard(request.param)


def panels_of(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def alerts():
    return re.findall(r"^ +- alert: (\w+)$", read(RULES[0]), re.MULTILINE)


# ── As files ──

def test_dashboards_are_those_that_make_makes(tmp_path):
    subprocess.run([os.path.join(GRAFANA, "make"), str(tmp_path)], check=True, timeout=PATIENCE_S)
    made = {os.path.basename(path): read(path) for path in glob.glob(str(tmp_path / "*"))}
    kept = {os.path.basename(path): read(path) for path in glob.glob(os.path.join(GRAFANA, "*.json"))}
    assert set(made) == set(kept) == {f"leat-{name}.json" for name in NAMES}
    assert [name for name in made if made[name] != kept[name]] == [], "run packaging/grafana/make"


def test_dashboard_is_what_grafana_9_to_11_take(board):
    assert board["schemaVersion"] == 36 and board["uid"].startswith("leat-") and len(board["uid"]) <= 40
    assert board["title"].startswith("Leat: ") and board["description"] and board["tags"] == ["leat"]
    assert board["time"] == {"from": "now-1h", "to": "now"} and "id" not in board
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names[:3] == ["datasource", "job", "instance"] and len(set(names)) == len(names)
    for variable in board["templating"]["list"]:
        assert variable["label"] and variable["type"] == ("datasource" if variable["name"] == "datasource" else "query")
    # The source is a variable everywhere, so that a dashboard goes with any Grafana; every other variable there is used.
    text = json.dumps(board)
    used = set(re.findall(r"\$\{?(\w+)", text)) - BUILT_IN
    assert used - {"__all"} == set(names)
    for uid in re.findall(r'"uid": "([^"]*)"', text):
        assert uid in ("${datasource}", board["uid"])


def test_panels_are_whole_and_have_their_own_places(board):
    places = set()
    for panel in board["panels"]:
        grid = panel["gridPos"]
        assert panel["type"] in KINDS and panel["title"]
        assert grid["x"] >= 0 and grid["w"] > 0 and grid["x"] + grid["w"] <= 24 and grid["h"] > 0
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not cells & places, f"{panel['title']} lies on another"
        places |= cells
    assert {x for x, y in places if y == 0} == set(range(24))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    titles = [panel["title"] for panel in board["panels"] if panel["type"] != "row"]
    assert len(set(titles)) == len(titles)


def test_panels_say_what_they_show_and_ask_the_chosen_servers(board):
    for panel in panels_of(board):
        assert panel["description"].endswith((".", "?")), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert target["instant"] != target["range"]
            for selector in re.findall(r"\b(?:leat|process)_\w+({[^}]*})?", target["expr"]):
                assert selector.startswith('{job=~"$job", instance=~"$instance"'), target["expr"]
        if panel["type"] in ("timeseries", "bargauge"):
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


@needs_prometheus
def test_rules_are_well_formed():
    subprocess.run(["promtool", "check", "rules", "--lint=all", "--lint-fatal", *RULES], check=True, timeout=PATIENCE_S)
    subprocess.run(["promtool", "check", "config", os.path.join(PROMETHEUS, "prometheus.yml")], check=True,
                   timeout=PATIENCE_S)


@needs_prometheus
def test_each_alert_fires_when_it_should_and_not_before():
    subprocess.run(["promtool", "test", "rules", UNIT_TESTS], check=True, timeout=120)
    tests = re.split(r"^  - name: ", read(UNIT_TESTS), flags=re.MULTILINE)
    for name in alerts():
        own = [test for test in tests if test.startswith(name + "\n")]
        assert len(own) == 1, f"{name} has no test"
        assert "exp_samples: []" in own[0] and f'ALERTS{{alertname="{name}", alertstate="firing", instance=' in own[0]


def test_each_alert_has_its_line_of_the_runbook():
    told = re.findall(r"^\| `(Leat\w+)` +\|", read(os.path.join(ROOT, "doc/GRAFANA.md")), re.MULTILINE)
    assert told == alerts()


# ── With data ──

class Load:
    """Clients that ask again and again, each one of its targets in turn, until the end."""

    def __init__(self, server, *targets, clients=1, pause_s=0.01):
        self.ends = threading.Event()
        self.failed = []
        self.threads = [threading.Thread(target=self.ask, args=(server.addresses[0], targets, pause_s))
                        for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, address, targets, pause_s):
        at = 0
        while not self.ends.is_set():
            try:
                with Client(address) as client:     # a few requests on each connection
                    for _ in range(20):
                        client.get(targets[at % len(targets)])
                        at += 1
                        self.ends.wait(pause_s)
            except (OSError, AssertionError) as error:
                if not self.ends.is_set():
                    self.failed.append(error)
                    return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join(PATIENCE_S)


class Prometheus:
    def __init__(self, folder, targets):
        self.log = os.path.join(folder, "prometheus.log")
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": RULES,
                  "scrape_configs": [{"job_name": "leat", "static_configs": [{"targets": targets}]}]}
        with open(os.path.join(folder, "prometheus.yml"), "w", encoding="utf-8") as file:
            json.dump(config, file)     # which is YAML too
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={file.name}", f"--storage.tsdb.path={folder}/data",
                 "--web.listen-address=127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def __enter__(self):
        wait_until("Prometheus listens", self.is_up)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def is_up(self):
        assert self.process.poll() is None, read(self.log)
        line = re.search(r'msg="Listening on" address=(\S+)', read(self.log))
        self.url = line and f"http://{line[1]}"
        return self.url and "Server is ready" in read(self.log)

    def ask(self, path, **fields):
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(fields)}",
                                        timeout=PATIENCE_S) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{fields}: {error.read().decode()}") from None

    def ready(self):
        result = self.ask("query", query="leat_ready")["result"]
        return {series["metric"]["instance"]: series["value"][1] for series in result}

    def values(self, expression):
        """What it is now, those that are no number left out."""
        result = self.ask("query", query=expression)["result"]
        values = [float(series["value"][1]) for series in result]
        return [value for value in values if not math.isnan(value)]


def filled_in(expression, **variables):
    variables |= {"__rate_interval": "15s", "__range": "1m", "__interval": "5s"}
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables[match[1]], expression)


def admin_address(server):
    return re.search(r"live page on http://([^/]+)/leat/", server.output())[1]


@pytest.fixture
def watched(tmp_path):
    """A quiet server, a loaded one, and a Prometheus that has seen enough of both: (prometheus, [address, address])."""
    with contextlib.ExitStack() as stack:
        def begin(name, *arguments):
            server = Server(tmp_path / f"{os.path.basename(name)}.log", name, "--admin", "127.0.0.1:0", *arguments)
            stack.callback(server.stop)
            return server

        quiet = begin("examples/hello", "--loop", "uring", "--shards", "1")
        busy = begin("tests/apps/waiting", "--loop", "epoll", "--shards", "2", "--tasks", "4")
        addresses = [admin_address(quiet), admin_address(busy)]
        stack.enter_context(Load(quiet, "/"))
        load = stack.enter_context(Load(busy, "/nap?ms=20", "/", "/nowhere", clients=12))
        prometheus = stack.enter_context(Prometheus(str(tmp_path), addresses))

        def has_seen():
            assert load.failed == []
            return [value >= 5 for value in prometheus.values("count_over_time(leat_build_info[1m])")] == [True, True]
        wait_until("both were scraped five times", has_seen)
        yield prometheus, addresses


def variable_values(prometheus, query):
    """What Grafana asks for label_values(selector, label)."""
    selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
    selector = filled_in(selector, job="leat", instance=".*")
    return prometheus.ask(f"label/{label}/values", **{"match[]": selector})


def without_limits(expression):
    """An alert's expression with its comparisons taken out: what they are held against must exist."""
    return re.sub(r" (?:>=?|<=?|==) (?:\d[\d.]*|leat_\w+)(?![\d.]*\))", "", expression)


def wait_for_data(prometheus, what, expression):
    wait_until(f"{what}: {expression}", lambda: prometheus.values(expression))


@needs_prometheus
def test_every_panel_and_every_alert_has_data(watched):
    prometheus, addresses = watched
    for name in NAMES:
        board = dashboard(name)
        for variable in board["templating"]["list"][1:]:
            assert variable_values(prometheus, variable["query"]["query"]), variable["name"]
        chosen = [{"job": "leat", "instance": re.escape(address).replace("\\", "\\\\"), "route": ".*"} for address in addresses]
        chosen.append({"job": ".*", "instance": ".*", "route": ".*"})
        for where in chosen:
            for annotation in board["annotations"]["list"]:
                wait_for_data(prometheus, name, filled_in(annotation["expr"], **where))
            for panel in panels_of(board):
                for target in panel["targets"]:
                    wait_for_data(prometheus, f"{name}, {panel['title']}", filled_in(target["expr"], **where))

    # As the rules API tells them: the expressions that Prometheus has understood.
    def rules():
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert sorted(rule["name"] for rule in rules() if rule["type"] == "alerting") == sorted(alerts())
    for rule in rules():
        if rule["name"] == "LeatDown":
            wait_for_data(prometheus, rule["name"], rule["query"].replace("up == 0", "up == 1"))
        else:
            wait_for_data(prometheus, rule["name"], without_limits(rule["query"]))
        if rule["type"] == "alerting":
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            assert rule["annotations"]["summary"] and len(rule["annotations"]["description"]) > 80
    wait_until("Prometheus has evaluated all rules", lambda: {rule["health"] for rule in rules()} == {"ok"})

    # The busy server refuses for want of tasks, and whoever is called for that is told so; the quiet one doesn't.
    wait_until("the busy one is not ready", lambda: prometheus.ready() == {addresses[0]: "1", addresses[1]: "0"})

    def is_told():
        told = {alert["labels"]["instance"]: alert["annotations"] for alert in prometheus.ask("alerts")["alerts"]
                if alert["labels"]["alertname"] == "LeatRefuses" and alert["state"] == "firing"}
        assert addresses[0] not in told
        return addresses[1] in told and told[addresses[1]]["summary"] == f"{addresses[1]} answers 503: no task is free"
    wait_until("refusals raise their alert", is_told)
