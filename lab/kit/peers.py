"""peers.py: the servers that are compared: what a folder of lab/peers says of itself, how it is built and started.

A peer is a folder with a peer.json (lab/README.md tells its fields) and whatever is built or run there. It learns all
it has to know from its environment: LAB_PORT, LAB_WORKERS, LAB_FILES, LAB_BUILD (its own folder for what is built),
LAB_SCRATCH (of one start, gone with the lab), LAB_DESCRIPTORS (how many files it may open), LEAT_BUILD. The same names
as ${LAB_PORT} in a command, in "env" and in files of "config" are filled in before; ${PYTHON} is the interpreter that
runs the lab.
"""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from process import Child, Failed, free_port

from .machine import ask
from .steps import Skip

ROUTES = ("plaintext", "json", "files", "upload")
LACKS = ("chunked",)
KINDS = ("leat", "peer", "bar", "floor")        # in the order of the tables
MEMORY = ("leat", "malloc", "go", "v8", "python")
WORKERS = ("threads", "processes", "one")
NEEDED = {"title", "language", "kind", "framework", "version", "tools", "build", "run", "routes", "memory", "workers",
          "versions"}
OPTIONAL = {"lacks", "needs", "dated", "released", "env", "config", "notes"}
FILLED_IN = re.compile(r"\$\{(LAB_[A-Z]+|LEAT_BUILD|PYTHON)\}")
OLD_YEARS = 2
DESCRIPTORS_MOST = 1 << 20
PATH = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin"
LOG_LINES = 15


def load_peers(folder):
    """All of a folder: Leat's own first, then the peers, the bar and the floors, each by title."""
    peers = [Peer(os.path.join(folder, name)) for name in sorted(os.listdir(folder))
             if os.path.exists(os.path.join(folder, name, "peer.json"))]
    return sorted(peers, key=lambda peer: (KINDS.index(peer.kind), peer.title.lower()))


def descriptors():
    """How many files a server may open. The soft limit is raised to the hard one, for us and for what we start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(hard, DESCRIPTORS_MOST) if hard != resource.RLIM_INFINITY else DESCRIPTORS_MOST


class Peer:
    """name: of the folder. title, kind, routes, lacks, memory, workers, language, framework, version and notes: of its
    peer.json."""

    def __init__(self, folder):
        self.folder = folder
        self.name = os.path.basename(folder)
        path = os.path.join(folder, "peer.json")
        try:
            with open(path) as f:
                self.about = json.load(f)
        except ValueError as error:
            raise Failed(f"{path}: no JSON: {error}")
        self.check(path)
        for name in ("title", "kind", "routes", "memory", "workers", "language", "framework", "version"):
            setattr(self, name, self.about[name])
        self.lacks = self.about.get("lacks", [])
        self.notes = self.about.get("notes", "")
        self.is_built = False

    def check(self, path):
        """What a folder added by hand may get wrong, in words."""
        keys = set(self.about)
        wrong = [f"lacks {', '.join(sorted(NEEDED - keys))}"] if NEEDED - keys else []
        if keys - NEEDED - OPTIONAL:
            wrong.append(f"has {', '.join(sorted(keys - NEEDED - OPTIONAL))}, which mean nothing")
        for key, allowed in (("kind", KINDS), ("memory", MEMORY), ("workers", WORKERS)):
            if key in keys and self.about[key] not in allowed:
                wrong.append(f"{key} must be one of {', '.join(allowed)}")
        if set(self.about.get("routes", [])) - set(ROUTES) or "plaintext" not in self.about.get("routes", ROUTES):
            wrong.append(f"routes are some of {', '.join(ROUTES)}, and plaintext is one of them")
        if not all(isinstance(self.about.get(key), list) for key in ("run", "tools", "versions")):
            wrong.append("run must be a list of words, tools and versions lists of them")
        if set(self.about.get("lacks", [])) - set(LACKS):
            wrong.append(f"what it lacks can be {', '.join(LACKS)}")
        if wrong:
            raise Failed(f"{path}: {'; '.join(wrong)}")

    # ── What it is told ──

    def values(self, lab, **more):
        """The names of its environment."""
        build = os.path.join(lab.build_folder, self.name)
        return {"LAB_FILES": lab.files, "LAB_BUILD": build, "LEAT_BUILD": lab.leat, "PYTHON": sys.executable,
                "LAB_DESCRIPTORS": str(descriptors()), **more}

    def fill(self, text, values):
        def value(match):
            if match[1] not in values:
                raise Failed(f"{self.name}: ${{{match[1]}}} is not known here")
            return values[match[1]]
        return FILLED_IN.sub(value, text)

    def environment(self, values):
        own = {name: self.fill(text, values) for name, text in self.about.get("env", {}).items()
               if not any(m[1] not in values for m in FILLED_IN.finditer(text))}
        return {**{k: v for k, v in values.items() if k != "PYTHON"}, "PATH": PATH, **own}

    # ── Building ──

    def build(self, lab):
        """Once; Skip when a tool is missing, or it won't be built. What is unchanged is for its own tool to see."""
        if self.is_built:
            return
        values = self.values(lab)
        for tool in self.about["tools"]:
            tool = self.fill(tool, values)
            if shutil.which(tool, path=PATH) is None:
                needs = ", ".join(self.about.get("needs", []))
                raise Skip(f"{tool} is not there" + (f": install {needs}" if needs else ""))
        os.makedirs(values["LAB_BUILD"], exist_ok=True)
        if self.about["build"]:
            self.run_build([self.fill(word, values) for word in self.about["build"]], self.environment(values))
        self.is_built = True

    def run_build(self, command, environment):
        """In a process group of its own, which ends with us whatever ends us."""
        log = os.path.join(environment["LAB_BUILD"], "build.log")
        with open(log, "w+", errors="replace") as out:
            try:
                process = subprocess.Popen(command, cwd=self.folder, env={**os.environ, **environment},
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
            except OSError as error:
                raise Skip(f"it can't be built: {command[0]}: {error.strerror}")
            try:
                status = process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            if status != 0:
                out.seek(0)
                last = "".join(out.readlines()[-LOG_LINES:]).rstrip()
                raise Skip(f"it can't be built: {command[0]} ended with status {status} ({log})\n{last}")

    # ── Starting ──

    def start(self, lab, core=0, workers=1, env=None, wrap=()):
        """A Child that has answered GET /plaintext; its .port is on 127.0.0.1. wrap: words before its own command.

        A floor looks at nothing and divides what it receives by the length of a request: env must name it as
        LAB_REQUEST, and every request must have it."""
        self.build(lab)
        if workers != 1 and self.workers == "one":
            raise Skip(f"{self.title} has one worker and no more")
        port = free_port()
        more = {name: str(value) for name, value in (env or {}).items()}
        own = {name: more.pop(name) for name in list(more) if name.startswith("LAB_")}
        if self.kind == "floor":
            own.setdefault("LAB_REQUEST", str(len(ask_plaintext(port))))
        values = self.values(lab, LAB_PORT=str(port), LAB_WORKERS=str(workers),
                             LAB_SCRATCH=tempfile.mkdtemp(prefix=f"{self.name}-", dir=lab.scratch), **own)
        os.chmod(values["LAB_SCRATCH"], 0o755)      # servers that give up root read from it
        self.write_config(values)
        command = [self.fill(word, values) for word in self.about["run"]]
        child = Child([*wrap, *command], core=core, env={**self.environment(values), **more}, cwd=self.folder)
        child.port = port
        try:
            if self.kind == "floor":
                child.wait_for_text("listening")
            else:
                child.wait_until_serving(port, 60 if wrap else 20, target="/plaintext")
        except BaseException:
            child.stop()
            raise
        return child

    def write_config(self, values):
        """"config": files of its folder that need to know more than they can read from the environment."""
        for name, target in self.about.get("config", {}).items():
            with open(os.path.join(self.folder, name)) as f:
                text = self.fill(f.read(), values)
            with open(self.fill(target, values), "w") as f:
                f.write(text)

    # ── Versions ──

    def versions(self, lab):
        """{"rustc": {"says": "rustc 1.95.0 …", "released": "2026-04-14" or None, "old": True, False or None}, …}. The
        framework is one of them when it has a version of its own."""
        values, told = self.values(lab), {}
        if "released" in self.about:
            told[self.framework] = dated(f"{self.framework} {self.version}", self.about["released"])
        for command in self.about["versions"]:
            command = [self.fill(word, values) for word in command]
            command[0] = shutil.which(command[0], path=PATH) or command[0]
            says = (ask(*command, cwd=self.folder) or "not there").splitlines()[0]
            name = os.path.basename(command[0])
            told[name] = dated(says, self.date_of(name, says, values))
        return told

    def date_of(self, name, says, values):
        """From "dated": a command that prints it, or dates by version; else a date in what the tool says."""
        known = {self.fill(key, values): how for key, how in self.about.get("dated", {}).items()}
        how = known.get(name) or next((h for key, h in known.items() if os.path.basename(key) == name), None)
        if isinstance(how, dict):
            found = next((v for v in re.findall(r"\d+(?:\.\d+)+", says) if v in how), None)
            return how.get(found)
        return ask(*[self.fill(word, values) for word in how], cwd=self.folder) if how else says


def dated(says, text):
    match = re.search(r"\b(20\d\d)-([01]\d)-([0-3]\d)(?!\d)", text or "")
    if not match:
        return {"says": says, "released": None, "old": None}
    at = time.mktime((int(match[1]), int(match[2]), int(match[3]), 0, 0, 0, 0, 0, -1))
    return {"says": says, "released": match[0], "old": time.time() - at > OLD_YEARS * 365.25 * 86400}


def ask_plaintext(port):
    """The request that a floor counts by, when nobody has named another."""
    return f"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def get(port, target, seconds=20):
    """One GET on a connection of its own: the content. For GET /lab, which answers what a runtime tells of itself."""
    with socket.create_connection(("127.0.0.1", port), seconds) as s:
        s.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        octets = b""
        while piece := s.recv(65536):
            octets += piece
    head, _, content = octets.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise Failed(f"GET {target}: answered {head.split(bytes([13]))[0].decode(errors='replace') or 'nothing'}")
    if b"transfer-encoding: chunked" in head.lower():
        raise Failed(f"GET {target}: in chunks, which the lab does not read here")
    return content


def runtime_figures(child):
    """What the runtime of a started peer tells of itself (GET /lab), for memory of kind go, v8 and python."""
    return json.loads(get(child.port, "/lab"))
