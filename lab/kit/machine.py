"""machine.py: what stands beside every figure: the machine, its limits, the commit, and how busy the machine was."""
import hashlib
import os
import platform
import resource
import subprocess
import time

from process import machine as basics

HERE = os.path.dirname(os.path.abspath(__file__))


def ask(*command, cwd=HERE, seconds=20):
    """What a program says of itself; "" when it is not there or does not say it."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip() if done.returncode == 0 else ""


def commit(leat):
    """What was measured: the commit, and with changes in the tree what tells them from others. Without a tree: the
    version that leat tells."""
    in_tree = os.path.exists(os.path.join(HERE, "..", "..", ".git"))    # not of another's repository around us
    head = ask("git", "rev-parse", "--short=12", "HEAD") if in_tree else ""
    if not head:
        return ask(leat, "--version") or "unknown"
    # The lab's own files don't change what Leat is, but they change what is measured: all changes count.
    changes = ask("git", "diff", "HEAD", "--", ":/")
    return head + (f"+{hashlib.sha256(changes.encode()).hexdigest()[:8]}" if changes else "")


def first_line(path, otherwise=""):
    try:
        with open(path, errors="replace") as f:
            return f.readline().strip()
    except OSError:
        return otherwise


def memory_total():
    return os.sysconf("SC_PAGESIZE") * os.sysconf("SC_PHYS_PAGES")


def distribution():
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"


def load_average():
    return os.getloadavg()[0]


def describe(leat):
    """All of it, for the report."""
    where = basics()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {**where, "commit": commit(leat), "leat": ask(leat, "--version"), "distribution": distribution(),
            "libc": " ".join(platform.libc_ver()), "memory_bytes": memory_total(),
            "descriptors": {"soft": soft, "hard": hard},
            "virtual": ask("systemd-detect-virt") or "unknown",
            "governor": first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "not told here"),
            "huge_pages": first_line("/sys/kernel/mm/transparent_hugepage/enabled", "unknown"),
            "load_average": load_average(), "python": platform.python_version(),
            "at": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())}


def versions(commands):
    """[["rustc", "--version"], …] → {"rustc": "rustc 1.63.0", …}; a program that is not there says so."""
    told = {}
    for command in commands:
        lines = ask(*command).splitlines()
        told[command[0]] = lines[0] if lines else "not there"
    return told
