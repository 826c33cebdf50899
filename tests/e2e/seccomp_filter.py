"""Filters of system calls, as container runtimes and service managers put them upon a program before it starts: functions
to be given to subprocess as preexec_fn. Through libseccomp, which knows the calls' numbers."""
import ctypes
import errno
import re
import subprocess

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
UNKNOWN = -1        # no such call to this library
IO_URING = ("io_uring_setup", "io_uring_enter", "io_uring_register")

library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
library.seccomp_init.restype = ctypes.c_void_p
library.seccomp_init.argtypes = (ctypes.c_uint32,)
library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
library.seccomp_rule_add.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint)
library.seccomp_load.argtypes = (ctypes.c_void_p,)


def number(name):
    return library.seccomp_syscall_resolve_name(name.encode())


def make(otherwise, action, numbers):
    rules = library.seccomp_init(otherwise)
    assert rules
    for call in numbers:
        assert library.seccomp_rule_add(rules, action, call, 0) == 0

    def load():
        failed = library.seccomp_load(rules)
        if failed:
            raise OSError(-failed, "seccomp_load")
    return load


def forbidding(names, error=errno.EPERM):
    """All calls but these; these fail with error."""
    numbers = [number(name) for name in names]
    assert UNKNOWN not in numbers, names
    return make(ALLOW, ERRNO | error, numbers)


def allowing(names, error=errno.EPERM):
    """These calls; all others fail with error. Names that the library does not know are others."""
    return make(ERRNO | error, ALLOW, [call for call in map(number, names) if call >= 0])


def names_of_unit(file):
    """The calls that SystemCallFilter= of a unit lets pass, by systemd's own groups."""
    listing = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    groups, group = {}, None
    for line in listing.splitlines():
        if re.fullmatch(r"@[\w-]+", line):
            group = groups.setdefault(line, [])
        elif group is not None and line.startswith("    ") and not line.lstrip().startswith("#"):
            group.append(line.strip())

    def expand(name):
        return set().union(*map(expand, groups[name])) if name.startswith("@") else {name}

    with open(file, encoding="utf-8") as unit:
        lines = re.findall(r"^SystemCallFilter=(.*)$", unit.read(), re.MULTILINE)
    allowed = expand("@default")
    for line in lines:
        change = set().union(*map(expand, line.lstrip("~").split()))
        allowed = allowed - change if line.startswith("~") else allowed | change
    return allowed
