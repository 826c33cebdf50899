"""slab.py: what the kernel spends on connections: how its slab grows, without what has nothing to do with sockets."""
import os
import re
import time

# Caches of files, mappings and processes: what other programs do meanwhile grows them, and no socket lies in them.
NOT_OF_SOCKETS = re.compile(
    r"ext4|btrfs|xfs|jbd2|fuse|ovl|bio|nfs|squashfs|^inode_cache|(shmem|proc|hugetlbfs)_inode_cache|radix_tree|buffer_head|"
    r"vm_area|vma_lock|anon_vma|maple_node|^mm_struct|task_|signal|sighand|^pid|cred|files_cache|fs_cache|names_cache|"
    r"kernfs|perf_event|numa|iomap|page->ptl|pgtable|^Acpi")


def slab():
    """Bytes of living objects in each of the kernel's caches; where only root may see them, one sum of pages."""
    try:
        with open("/proc/slabinfo") as f:
            rows = [line.split() for line in f.readlines()[2:]]
    except OSError:
        with open("/proc/meminfo") as f:
            return {"slab": int(re.search(r"^Slab:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024}
    page = os.sysconf("SC_PAGESIZE")
    return {r[0]: int(r[1]) * int(r[5]) * page // int(r[4]) for r in rows if not NOT_OF_SOCKETS.search(r[0])}


def settled_slab():
    """The slab when it no longer falls: the kernel frees sockets some time after they are closed."""
    last = slab()
    for _ in range(20):
        time.sleep(0.5)
        now = slab()
        if sum(now.values()) > sum(last.values()) - (256 << 10):
            return now
        last = now
    return last


def growth(before, after, connections):
    """Bytes a connection, by cache."""
    return {c: (after[c] - before.get(c, 0)) / connections for c in after}


def largest(caches):
    ordered = sorted(caches.items(), key=lambda item: -abs(item[1]))
    return ", ".join(f"{name} {each:,.0f}" for name, each in ordered[:7] if abs(each) >= 1)
