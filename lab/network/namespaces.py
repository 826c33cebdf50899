"""namespaces.py: two network namespaces, joined by a veth pair, that nobody can leave behind.

    with Pair() as pair:
        Child([*pair.left, "leat", "serve", …])         # listens on pair.address
        Child([*pair.right, "leat", "load", …])

The namespaces have no names. Each belongs to a process that does nothing, which dies with us whatever ends us (Child
sees to that), and a namespace without processes is gone, its end of the pair with it. Addresses are given inside only,
from the block that is set aside for measuring (RFC 2544); of the machine's own network nothing is touched.
"""
import os
import shutil
import time

from kit import Child, Failed, Skip

ADDRESSES = ("198.18.0.1", "198.18.0.2")
SECONDS = 20
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def tool(name, package):
    found = shutil.which(name, path=PATH)
    if found is None:
        raise Skip(f"{name} is not installed (Debian package {package})")
    return found


def namespace(pid):
    return os.readlink(f"/proc/{pid}/ns/net")


class Pair:
    """left, right: what stands before a command that is to run in there. address: of the left one."""

    address = ADDRESSES[0]

    def __init__(self):
        self.unshare, self.nsenter = tool("unshare", "util-linux"), tool("nsenter", "util-linux")
        self.ip = tool("ip", "iproute2")
        self.holders = []

    def __enter__(self):
        try:
            for _ in ADDRESSES:
                self.hold()
            self.left, self.right = ([self.nsenter, f"--net=/proc/{holder.pid}/ns/net"] for holder in self.holders)
            self.join()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for holder in self.holders:
            holder.stop()
        self.holders = []

    def hold(self):
        """One more namespace, with the process that holds it."""
        holder = Child([self.unshare, "--net", "sleep", "infinity"])
        self.holders.append(holder)
        end = time.monotonic() + SECONDS
        while True:
            try:
                if namespace(holder.pid) != namespace("self"):
                    return
            except OSError:     # it has ended
                pass
            if not holder.alive():
                raise Skip("no network namespace can be made here, which takes root (CAP_SYS_ADMIN): " +
                           (holder.output().strip() or "unshare said nothing"))
            if time.monotonic() > end:
                holder.fail("made no namespace")
            time.sleep(0.005)

    def run(self, *command):
        with Child(command) as child:
            if child.process.wait(SECONDS) != 0:
                raise Failed(f"{' '.join(command)}: {child.output().strip()}")

    def join(self):
        """The pair, made within: its ends never stand in the namespace of the machine."""
        try:
            self.run(*self.left, self.ip, "link", "add", "left", "type", "veth",
                     "peer", "name", "right", "netns", self.holders[1].pid)
        except Failed as failed:
            raise Skip(f"this kernel makes no veth pair: {failed}")
        for side, name, address in ((self.left, "left", ADDRESSES[0]), (self.right, "right", ADDRESSES[1])):
            self.run(*side, self.ip, "address", "add", f"{address}/30", "dev", name)
            self.run(*side, self.ip, "link", "set", name, "up")
            self.run(*side, self.ip, "link", "set", "lo", "up")
