"""A real browser for tests: Chromium without a window, driven over a pair of pipes by the DevTools protocol (JSON texts, each ended
by a NUL). No port and no other program stands between.

    with Browser(folder) as browser:
        page = browser.open("http://localhost:9464/leat/", width=1440, height=900)
        page.wait("the figures", "document.title.includes('/s')")
"""
import base64
import json
import os
import queue
import shutil
import subprocess
import threading
import time

PATIENCE_S = 60


def find_browser():
    return next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)


class Browser:
    def __init__(self, folder):
        ours, theirs = os.pipe(), os.pipe()     # what we write and it reads; what it writes and we read
        flags = ["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--no-sandbox",
                 "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                 "--disable-extensions", "--disable-sync", "--metrics-recording-only", "--mute-audio", "--hide-scrollbars",
                 "--force-color-profile=srgb", "--disable-features=Translate,OptimizationHints,MediaRouter",
                 f"--user-data-dir={folder}", "about:blank"]
        # The protocol's pipes are the descriptors 3 and 4: bash puts them there.
        command = ["bash", "-c", f'exec 3<&{ours[0]} 4>&{theirs[1]}; exec "$@"', "bash", find_browser(), *flags]
        self.log = open(os.path.join(folder, "log"), "wb")
        self.process = subprocess.Popen(command, pass_fds=(ours[0], theirs[1]), stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, start_new_session=True)
        os.close(ours[0])
        os.close(theirs[1])
        self.to, self.come = os.fdopen(ours[1], "wb", 0), os.fdopen(theirs[0], "rb", 0)
        self.number, self.answers, self.pages, self.lock = 0, {}, {}, threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.to.close()
        self.log.close()

    def read(self):
        pending = b""
        while piece := self.come.read(1 << 16):
            pending += piece
            *texts, pending = pending.split(b"\0")
            for text in texts:
                self.take(json.loads(text))
        self.come.close()

    def take(self, message):
        if "id" in message:
            with self.lock:
                answer = self.answers.get(message["id"])
            if answer:
                answer.put(message)
        elif page := self.pages.get(message.get("sessionId")):
            page.take(message["method"], message["params"])

    def call(self, method, session=None, **params):
        answer = queue.Queue()
        with self.lock:
            self.number += 1
            number = self.number
            self.answers[number] = answer
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self.to.write(json.dumps(message).encode() + b"\0")
        try:
            found = answer.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"the browser does not answer {method}") from None
        with self.lock:
            del self.answers[number]
        assert "error" not in found, f"{method}: {found['error']}"
        return found["result"]

    def open(self, url, **view):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        self.pages[session] = page
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        if view:
            page.view(**view)
        if url:
            page.go(url)
        return page

    def close_pages(self):
        for page in self.pages.values():
            self.call("Target.closeTarget", targetId=page.target)
        self.pages = {}


class Page:
    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target
        self.complaints = []        # errors and warnings of the console
        self.requests = []          # addresses that were asked for
        self.statuses = {}          # address: status

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def take(self, method, params):
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.responseReceived":
            self.statuses[params["response"]["url"]] = params["response"]["status"]

    def view(self, width, height, scale=1, dark=False, still=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"}])

    def go(self, url):
        found = self.call("Page.navigate", url=url)
        assert not found.get("errorText"), found

    def ask(self, script):
        """What a script says, which may be a promise."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, what, script):
        deadline = time.monotonic() + PATIENCE_S
        while not (found := self.ask(script)):
            assert time.monotonic() < deadline, f"waited in vain: {what}; complaints: {self.complaints}"
            time.sleep(0.05)
        return found

    def text(self, selector):
        return self.ask(f"document.querySelector({json.dumps(selector)})?.textContent")

    def picture(self, path, top=0, height=None):
        """Of the whole page, or of a part of it."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top, "width": size["width"], "height": min(height or size["height"], size["height"] - top), "scale": 1}
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        with open(path, "wb") as file:
            file.write(base64.b64decode(found["data"]))
