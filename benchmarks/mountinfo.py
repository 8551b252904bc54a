"""How many lines of mountinfo are parsed a second on one core, and what a mount costs in memory.

python benchmarks/mountinfo.py
"""

from __future__ import annotations

import gc
import time
import tracemalloc

from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import Parser


def namespace(number: int, lines: int, *, distinct: bool) -> bytes:
    """A namespace of ``lines`` mounts; ``distinct``: no line's text is found in another namespace."""
    base = number * lines
    own = number if distinct else 0
    text = [f"{base} 1 0:{number} / / rw,relatime - overlay overlay rw,lowerdir=/l/{number},upperdir=/u/{number}"]
    text += [
        f"{base + i} {base} 0:{i % 900} / /run/netns/qdhcp-{i:06}-{own} rw,nosuid,nodev,noexec,relatime shared:{i + 7} "
        "- tmpfs tmpfs rw,size=1212632k,mode=755"
        for i in range(1, lines)
    ]
    return "\n".join(text).encode() + b"\n"


def measure(title: str, namespaces: list[bytes], lines: int) -> None:
    best = 0.0
    for _ in range(5):
        parser = Parser()
        gc.collect()
        start = time.perf_counter()
        for data in namespaces:
            parser.parse(data)
        best = max(best, lines / (time.perf_counter() - start))
    print(f"{title}: {best:,.0f} lines/s")


def main() -> None:
    one = [namespace(1, 100_000, distinct=True)]
    measure("one file of 100,000 lines, all different", one, 100_000)
    alike = [namespace(n, 1_000, distinct=False) for n in range(200)]
    measure("200 namespaces of 1,000 mounts, alike", alike, 200_000)
    different = [namespace(n, 1_000, distinct=True) for n in range(200)]
    measure("200 namespaces of 1,000 mounts, nothing alike", different, 200_000)
    for title, data in (("alike", alike), ("nothing alike", different)):
        tracemalloc.start()
        parser = Parser()
        trees = [MountTree(parser.parse(text)) for text in data]
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"memory a mount, {title}: {size / sum(map(len, trees)):.0f} bytes")


if __name__ == "__main__":
    main()
