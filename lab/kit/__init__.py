"""kit: what the lab's tables are made with.

    from kit import Child, Failed, Figure, Skip, Step

A table is a module in lab/tables with TITLE, ABOUT and steps(lab) → [Step]; a step's run(lab) answers [Figure], or
raises Skip (it can't be done here) or Failed (it went wrong): both are results, and the lab goes on. What a step may
use of the lab is the class below.
"""
import math
import os
import sys
import tempfile
from typing import NamedTuple

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BESIDE = os.path.dirname(LAB)       # of the source tree, or of what is installed
sys.path.insert(0, os.path.join(BESIDE, "bench"))

from process import Child, Failed, Progress, free_port     # noqa: E402

from . import load as load_tool                             # noqa: E402
from .figures import Figure, Line, fit_line, paired_ratio, short     # noqa: E402
from .peers import load_peers                           # noqa: E402
from .steps import Skip, Step                               # noqa: E402

__all__ = ["Child", "Failed", "Figure", "Lab", "Line", "Progress", "Skip", "Step", "fit_line", "free_port",
           "paired_ratio", "short"]

SMALL_FILE, LARGE_FILE = 4096, 1 << 20


class Cores(NamedTuple):
    """Who runs where: the server on one, its clients on the other; on a machine with one core both share it."""
    server: int
    client: int


class Lab:
    """leat: the folder of the build (release), or where the command is installed. quick: for trying, not for quoting.
    scale: at most 1; what the budget leaves of the rounds that a step would like."""

    def __init__(self, leat, quick=False, peers_folder=None, build_folder=None):
        self.leat = os.path.abspath(leat)
        self.quick = quick
        self.scale = 1.0
        usable = sorted(os.sched_getaffinity(0))
        self.cores = Cores(usable[0], usable[1] if len(usable) > 1 else usable[0])
        self.peers_folder = peers_folder or os.path.join(LAB, "peers")
        self.build_folder = build_folder or default_build_folder()
        self._scratch = tempfile.TemporaryDirectory(prefix="leat-lab-")
        os.chmod(self._scratch.name, 0o755)     # servers that give up root read from it
        self._files = None
        self._peers = None
        self.progress = Progress()

    def close(self):
        self._scratch.cleanup()

    @property
    def scratch(self):
        """A folder for the run, gone at its end."""
        return self._scratch.name

    @property
    def files(self):
        """LAB_FILES: what peers serve as files."""
        if self._files is None:
            folder = os.path.join(self.scratch, "files")
            os.mkdir(folder, 0o755)
            page = b"<!doctype html><title>small</title><p>"
            with open(f"{folder}/small.html", "wb") as f:
                f.write(page + b"x" * (SMALL_FILE - len(page)))
            with open(f"{folder}/large.bin", "wb") as f:
                f.write(bytes(range(256)) * (LARGE_FILE // 256))
            self._files = folder
        return self._files

    @property
    def peers(self):
        """Peers, in the order of their tables: Leat's own, then the others."""
        if self._peers is None:
            self._peers = load_peers(self.peers_folder)
        return self._peers

    def program(self, path):
        """leat/path: of the build. Skip when it is not there."""
        full = os.path.join(self.leat, path)
        if not os.path.exists(full):
            raise Skip(f"{path} is not in {self.leat}: it is built in the source tree (./dev lab)")
        return full

    def rounds(self, wanted, least=2):
        """How many rounds to measure of those that were wanted."""
        part = self.scale * (0.2 if self.quick else 1)
        return max(min(least, wanted), math.floor(wanted * part + 0.5))

    def load(self, url, core=None, limit_s=300, wrap=(), **options):
        """What `leat load URL --json` says, run on the client's core (core=-1: on any). wrap: words before it."""
        core = self.cores.client if core is None else core
        return load_tool.run(self.program("leat"), url, None if core < 0 else core, limit_s, wrap, options)

    def tell(self, text, done=None):
        """How a step stands, on the line that changes. done: 0 to 1."""
        self.progress.tell(f"    {text}", done)


def default_build_folder():
    """Where peers are built: in the tree's build folder, which git ignores, or in the user's cache."""
    if os.access(BESIDE, os.W_OK) and os.path.exists(os.path.join(BESIDE, "CMakePresets.json")):
        return os.path.join(BESIDE, "build", "lab")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "leat-lab")
