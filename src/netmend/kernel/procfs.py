"""Processes and the namespaces they are in, from /proc (proc(5))."""

import os
from collections.abc import Iterator


def mount_namespaces() -> Iterator[tuple[str, int]]:
    """Each mount namespace that can be seen, once: its name (`mnt:[4026531841]`) and the pid of a process in it."""
    seen: set[str] = set()
    for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        try:
            name = os.readlink(f"/proc/{pid}/ns/mnt")
        except OSError:  # gone meanwhile, or not ours to look at
            continue
        if name not in seen:
            seen.add(name)
            yield name, pid
