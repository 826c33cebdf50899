"""steps.py: a step of the lab, its result, and how both live in a folder.

A result is <results>/<id>.json: {"id", "table", "title", "peer", "state": "done|skipped|failed", "why", "at",
"seconds", "commit", "quick", "scale", "load_average", "figures": […]}. What is done for the same commit, as quickly or
as slowly, is not done again; what was skipped or failed is.
"""
import json
import os
import tempfile
from dataclasses import dataclass
from typing import Any, Callable

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


class Skip(Exception):
    """A step that can't be done here; the text says why, and what would help."""


@dataclass
class Step:
    """id: "table/name", stable. seconds: what it takes, roughly, on a machine with nothing else to do. run(lab)
    answers figures. peer: is built before it."""
    id: str
    title: str
    seconds: float
    run: Callable
    peer: Any = None


class Results:
    """The folder."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name + ".json")

    def read(self, name):
        """None when there is none, or none that can be read."""
        try:
            with open(self.path(name)) as f:
                found = json.load(f)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def write(self, name, value):
        """All of it or nothing, also when we are ended meanwhile."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False) as f:
            json.dump(value, f, indent=1, ensure_ascii=False)
            f.write("\n")
        os.chmod(f.name, 0o644)
        os.replace(f.name, path)

    def is_done(self, step, commit, quick):
        found = self.read(step.id)
        return bool(found and found.get("state") == DONE and found.get("commit") == commit and
                    found.get("quick") == quick)
