"""The live page, in a real browser: what it shows is what was sent, it complains of nothing, asks nobody else, says when the server is
gone and comes back by itself, and fits every width in both themes. Without Chromium these are skipped; the rest is not."""
import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from browser import Browser, find_browser
from conftest import BUILD, ROOT, Server, wait_until

in_browser = pytest.mark.skipif(find_browser() is None, reason="no Chromium here: ./dev test installs it")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Browser(str(tmp_path_factory.mktemp("browser"))) as one:
        yield one


@pytest.fixture
def browser(chromium):
    yield chromium
    chromium.close_pages()


@pytest.fixture
def serve(tmp_path):
    """serve(…): the tour, with its admin listener on a port of its own; server.page is the live page's address."""
    servers = []

    def begin(*arguments, port=None):
        port = port or free_port()
        server = Server(tmp_path / f"server-{len(servers)}.log", "examples/tour", "--admin", f"127.0.0.1:{port}", "--shards", "2",
                        "--loop", "epoll", *arguments)
        server.page, server.admin_port = f"http://127.0.0.1:{port}/leat/", port
        servers.append(server)
        return server

    yield begin
    for server in servers:
        if server.process.poll() != -9:     # that one was killed by its test
            server.stop()


def send(server, count, target="/sum?a=1&b=2"):
    with server.connect() as client:
        for _ in range(count):
            assert client.get(target).status == 200


def shows(page, selector, text):
    return page.wait(f"{selector} says {text}",
                     f"document.querySelector({json.dumps(selector)})?.textContent.includes({json.dumps(text)})")


def route_count(page, route):
    """In its row: requests since the start."""
    return page.ask("""[...document.querySelectorAll('#routes tr')].filter((tr) => tr.querySelector('.pattern')?.textContent === %s)
        .map((tr) => Number(tr.children[2].textContent.replaceAll(',', '')))[0] ?? null""" % json.dumps(route))


# ── What it shows ──

@in_browser
def test_the_numbers_move_and_agree_with_what_was_sent(serve, browser):
    server = serve()
    page = browser.open(server.page, width=1440, height=900)
    shows(page, "#status", "live")
    shows(page, "#routes", "no requests yet")
    send(server, 250)
    shows(page, "#rps-note", "250 since the start")
    wait_until("the route's row", lambda: route_count(page, "/sum") == 250)
    shows(page, "#heat-figures", "250")
    send(server, 1000)
    shows(page, "#rps-note", "1,250 since the start")
    wait_until("the route's row", lambda: route_count(page, "/sum") == 1250)
    look = json.load(urllib.request.urlopen(f"{server.page}live.json"))
    assert look["metrics"]["http_requests_answered_total"] == 1250
    # The page's percentiles come from differences of merged buckets: as good as those.
    half = page.text("#heat-figures div:first-child dd")
    value, unit = re.fullmatch(r"([\d.]+) (ns|µs|ms|s)", half).groups()
    assert float(value) * {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1}[unit] == \
        pytest.approx(look["histograms"]["duration"]["p50_s"], rel=0.08)
    held = [server.connect() for _ in range(7)]
    for client in held:
        assert client.get("/").status == 200
    shows(page, "#open", "7")
    shows(page, "#states", "idle7")
    assert page.text("#leat li:first-child .use").startswith("7 of ")
    for client in held:
        client.socket.close()
    assert page.complaints == []
    assert {status for address, status in page.statuses.items()} == {200}
    assert {re.match(r"\w+://[^/]*", address)[0] for address in page.requests} == {f"http://127.0.0.1:{server.admin_port}"}


@in_browser
def test_it_says_when_the_server_is_gone_and_comes_back_by_itself(serve, browser):
    first = serve()
    page = browser.open(first.page, width=1000, height=800)
    shows(page, "#status", "live")
    send(first, 10)
    shows(page, "#rps-note", "10 since the start")
    assert page.complaints == []
    first.process.kill()
    first.process.wait()
    shows(page, "#status", "no answer")
    shows(page, "#alerts", "does not answer since")
    assert page.ask("document.title").startswith("no answer")
    second = serve(port=first.admin_port)
    shows(page, "#status", "live")
    shows(page, "#alerts", "started anew")
    assert "does not answer" not in page.text("#alerts")
    send(second, 3)
    shows(page, "#rps-note", "3 since the start")
    # What the browser itself says of a server that is not there is all there may be.
    assert [c for c in page.complaints if "net::ERR_" not in c] == []


@in_browser
def test_it_comes_back_when_too_many_watched(serve, browser):
    """A browser gives up on a stream that is refused: the page does not."""
    server = serve()
    held = []
    for _ in range(24):
        client = socket.create_connection(("127.0.0.1", server.admin_port))
        client.sendall(b"GET /leat/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        held.append(client)
    page = browser.open(server.page, width=1000, height=800)
    page.wait("it is refused", "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/events')).length > 1")
    assert page.text("#status") == "connecting"
    for client in held:
        client.close()
    shows(page, "#status", "live")


@in_browser
def test_a_shard_that_a_handler_holds_up_is_said_loudly(tmp_path, browser):
    fifo, port = str(tmp_path / "fifo"), free_port()
    os.mkfifo(fifo)
    server = Server(tmp_path / "server.log", "tests/apps/stuck", "--admin", f"127.0.0.1:{port}", "--shards", "1", "--loop", "epoll",
                    env={**os.environ, "STUCK": fifo})
    try:
        page = browser.open(f"http://127.0.0.1:{port}/leat/", width=1000, height=800)
        shows(page, "#status", "live")
        with server.connect() as client:
            client.send("GET /stuck HTTP/1.1\r\nHost: localhost\r\n\r\n")
            shows(page, "#alerts", "1 of 1 shard does not answer, for ")
            assert page.text("#status") == "live", "the page itself is served all the same"
            with open(fifo, "wb"):
                pass
            assert client.response().status == 200
        page.wait("it is over", "!document.querySelector('[data-key=silent]')")
        page.wait("the pause is told", "/^\\d+(\\.\\d+)? s$/.test(document.getElementById('pause').textContent)")
        assert page.complaints == []
    finally:
        server.stop()


# ── How it looks ──

OVERFLOWING = """[...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll') && !e.closest('svg') && !e.closest('.water') &&
    !e.matches('.skip') && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 90))"""

# Every text's colour against what lies behind it (WCAG 2.2, 1.4.3): [ratio, text].
FAINT = """(() => {
  const canvas = new OffscreenCanvas(1, 1), g = canvas.getContext('2d', { willReadFrequently: true });
  const rgba = (text) => { g.clearRect(0, 0, 1, 1); g.fillStyle = text; g.fillRect(0, 0, 1, 1); return g.getImageData(0, 0, 1, 1).data; };
  const light = (c) => { const [r, gr, b] = [...c].slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * gr + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || e.closest('noscript') || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), a = light(rgba(style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) found.push([ratio.toFixed(2), e.textContent.trim().slice(0, 40)]);
  }
  return found;
})()"""

NAMELESS = """[...document.querySelectorAll('button, a, input, [role=img], [role=region], section, img')].filter((e) =>
    !e.hidden && !e.getAttribute('aria-label') && !e.textContent.trim() && !e.hasAttribute('alt') && !e.labels?.length &&
    !document.getElementById(e.getAttribute('aria-labelledby') ?? '')).map((e) => e.outerHTML.slice(0, 90))"""

PAIRS = """Object.fromEntries(['card', 'water', 'blue', 'orange', 'green', 'amber', 'purple', 'grey', 'sky'].map((name) =>
    [name, getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()]))"""


def lightness(color):
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    low, high = sorted((lightness(a), lightness(b)))
    return (high + 0.05) / (low + 0.05)


@in_browser
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_it_fits_is_legible_and_has_names_in_every_width(serve, browser, theme, tmp_path):
    server = serve()
    page = browser.open(server.page, width=1440, height=900, dark=theme == "dark")
    send(server, 100)
    send(server, 10, "/greet/somebody-with-a-name")
    shows(page, "#rps-note", "110 since the start")
    assert page.ask("document.documentElement.dataset.theme") == theme
    for width, height in ((1440, 900), (1000, 800), (720, 900), (390, 844), (320, 640)):
        page.view(width, height, dark=theme == "dark", still=True)
        page.wait("it is laid out", f"innerWidth === {width}")
        # Charts follow their boxes a moment later.
        wait_until(f"at {width} pixels nothing hangs over", lambda: page.ask(OVERFLOWING) == [])
        assert page.ask("document.documentElement.scrollWidth") <= width
        assert page.ask(FAINT) == [], f"at {width} pixels"
        page.picture(tmp_path / f"{theme}-{width}.png")
        assert os.path.getsize(tmp_path / f"{theme}-{width}.png") > 20000
    assert page.ask(NAMELESS) == []
    pairs = page.ask(PAIRS)
    for name, color in pairs.items():
        assert name == "card" or contrast(color, pairs["card"]) >= 3, f"{name} {color} on {pairs['card']}"
    headings = page.ask("[...document.querySelectorAll('h1, h2, h3')].map((h) => h.tagName)")
    assert headings[0] == "H1" and headings.count("H1") == 1
    assert page.ask("['header', 'main', 'footer'].every((name) => document.querySelectorAll(name).length === 1)")
    assert page.complaints == []


@in_browser
def test_who_wants_less_motion_gets_none(serve, browser):
    server = serve()
    page = browser.open(server.page, width=1000, height=800, still=True)
    shows(page, "#status", "live")
    assert page.ask("document.getAnimations().length") == 0
    page.view(1000, 800, still=False)
    page.wait("the pulse of the light", "document.getAnimations().length > 0")


@in_browser
def test_the_theme_is_the_readers_choice(serve, browser):
    server = serve()
    page = browser.open(server.page, width=1000, height=800, dark=True)
    shows(page, "#status", "live")
    theme = "document.documentElement.dataset.theme"
    press = "document.getElementById('theme').click()"
    assert page.ask(theme) == "dark" and page.text("#theme") == "Theme: auto"
    page.ask(press)
    assert page.ask(theme) == "light" and page.text("#theme") == "Theme: light"
    page.go(server.page)
    shows(page, "#status", "live")
    assert page.ask(theme) == "light", "it is remembered"
    page.ask(press)
    assert page.ask(theme) == "dark"
    page.ask(press)
    page.view(1000, 800, dark=False)
    page.wait("it follows the system", theme + " === 'light'")


@in_browser
def test_routes_are_sorted_by_keyboard_too(serve, browser):
    server = serve()
    page = browser.open(server.page, width=1440, height=900)
    send(server, 5)
    send(server, 9, "/poem")
    wait_until("both rows", lambda: route_count(page, "/poem") == 9 and route_count(page, "/sum") == 5)
    names = "[...document.querySelectorAll('#routes .pattern')].map((e) => e.textContent).join()"
    assert page.ask("document.querySelector('th[data-key=p99_s]').getAttribute('aria-sort')") == "descending"
    page.ask("document.querySelector('th[data-key=requests] button').focus()")
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
    page.wait("the most asked for first", f"{names} === '/poem,/sum'")
    assert page.ask("document.querySelector('th[data-key=requests]').getAttribute('aria-sort')") == "descending"
    page.ask("document.querySelector('th[data-key=name] button').click()")
    page.wait("by name", f"{names} === '/poem,/sum' && document.querySelector('th[data-key=name]').ariaSort === 'ascending'")


# ── What it may, and who may ──

@in_browser
def test_the_policy_lets_the_browser_ask_nobody_else(serve, browser):
    server = serve()
    page = browser.open(server.page, width=1000, height=800)
    shows(page, "#status", "live")
    refused = page.ask(f"""new Promise((done) => {{
        addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
        fetch('{server.url}/').catch(() => {{}});
    }})""")
    assert refused == "connect-src"
    refused = page.ask("""new Promise((done) => {
        addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.got_in = true';
        document.body.append(script);
    })""")
    assert refused == "script-src-elem" and page.ask("window.got_in") is None


@in_browser
def test_a_person_without_the_token_is_shown_a_form_for_it(serve, browser, tmp_path):
    (tmp_path / "token").write_text("Open-Sesame.1\n")
    server = serve("--admin-token-file", str(tmp_path / "token"))
    page = browser.open(server.page, width=390, height=844)
    page.wait("the form", "Boolean(document.querySelector('form #token'))")
    assert "token" in page.text("h1") and page.ask(FAINT) == [] and page.ask(NAMELESS) == []
    assert page.statuses[server.page] == 401
    page.ask("document.getElementById('token').value = 'Sesame'; document.querySelector('form').submit()")
    page.wait("it is told", "document.body?.textContent.includes('That is not the token')")
    page.ask("document.getElementById('token').value = 'Open-Sesame.1'; document.querySelector('form').submit()")
    shows(page, "#status", "live")
    assert page.ask("location.pathname + location.search") == "/leat/"
    assert page.ask("document.cookie") == "", "scripts can't read it"


def ask(address, method="GET", content=None, **fields):
    request = urllib.request.Request(address, content, {name.replace("_", "-"): value for name, value in fields.items()}, method=method)
    try:
        return urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        return error


def test_a_program_without_the_token_is_told_in_its_language(serve, tmp_path):
    (tmp_path / "token").write_text("Open-Sesame.1\n")
    server = serve("--admin-token-file", str(tmp_path / "token"))
    refused = ask(server.page, Accept="*/*")
    assert refused.status == 401 and refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["WWW-Authenticate"].startswith("Bearer") and "--admin-token-file" in json.load(refused)["detail"]
    shown = ask(server.page, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert shown.status == 401 and shown.headers["Content-Type"].startswith("text/html") and b"<form" in shown.read()
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    for target in ("live.json", "events", "app.js", "uplot.js"):
        assert ask(server.page + target).status == 401
    for target in ("style.css", "theme.js", "icon.svg"):        # of the form
        assert ask(server.page + target).status == 200
    assert ask(server.page, Authorization="Bearer Open-Sesame.1").status == 200
    wrong = ask(server.page + "sign-in", "POST", b"token=Open-Sesame.2", Accept="text/html")
    assert wrong.status == 403 and "Set-Cookie" not in wrong.headers
    assert ask(server.page + "sign-in", "POST", b"", Accept="text/html").status == 403


def test_its_files_are_tagged_compressed_and_careful(serve):
    server = serve()
    for name in sorted(os.listdir(os.path.join(ROOT, "src/admin/page"))) + ["uplot.js", "uplot.css"]:
        if name == "token.html":
            assert ask(server.page + name).status == 404
            continue
        target = server.page + ("" if name == "index.html" else name)
        plain, packed = ask(target), ask(target, Accept_Encoding="gzip")
        content = plain.read()
        assert plain.status == 200 and "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
        assert subprocess.run(["gzip", "-dc"], input=packed.read(), stdout=subprocess.PIPE, check=True).stdout == content
        assert plain.headers["ETag"] != packed.headers["ETag"] and not plain.headers["ETag"].startswith("W/")
        assert plain.headers["X-Content-Type-Options"] == "nosniff" and plain.headers["Cache-Control"] == "no-cache"
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert ask(target, If_None_Match=plain.headers["ETag"]).status == 304
        if name.endswith(".html"):
            assert plain.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert ask(server.page.removesuffix("leat/")).url == server.page
    assert ask(server.page.removesuffix("/")).url == server.page


def test_nothing_of_it_names_another_address():
    for name in os.listdir(os.path.join(ROOT, "src/admin/page")):
        with open(os.path.join(ROOT, "src/admin/page", name), encoding="utf-8") as file:
            found = re.findall(r"https?://[^\s\"'<>]*", file.read())
        assert set(found) <= {"http://www.w3.org/2000/svg"}, name


def test_the_charts_are_those_of_the_package():
    done = subprocess.run([os.path.join(ROOT, "scripts/check_uplot")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_embedded_is_made_the_same_again(tmp_path):
    """The build makes it from the same files alone: no time, no path, no order of a folder."""
    made = os.path.join(BUILD, "page/page_files.c")
    command = ["cmake", "-D", f"ROWS={BUILD}/page/rows.txt", "-D", f"OUT={tmp_path}/again.c", "-D", "GZIP=gzip", "-P",
               os.path.join(ROOT, "cmake/embed.cmake")]
    subprocess.run(command, check=True)
    with open(made, "rb") as one, open(tmp_path / "again.c", "rb") as other:
        assert one.read() == other.read()
