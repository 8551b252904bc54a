"""How long the doctor takes over a synthetic host of 1,000 mount namespaces with 1,000 mounts each, and in what memory.

python benchmarks/doctor.py [NAMESPACES [MOUNTS]]

The host is written to a directory as copies of /proc/PID/mountinfo, and read back by `netmend doctor --mountinfo` in a
process of its own, start-up included. Three hosts: one where most mounts have nothing to do with namespaces (volumes of
containers, as on a Kubernetes node); one where every mount is a namespace (dnsmasq and haproxy by `ip netns exec` in
a thousand networks); and that one with private containers for whom every name is a plain file.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

RUN = "0:25 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=1212632k,mode=755"
PROGRAM = "from netmend.cli.main import main; main()"


def volumes(namespaces: int, mounts: int) -> Iterator[tuple[str, list[str]]]:
    """A host with 20 names, and containers whose mounts are volumes; all of them share /run/netns."""
    names = 20
    for number in range(namespaces):
        base = 1_000_000 + number * mounts
        if number == 0:
            lines = [f"{base} 1 254:0 / / rw shared:1 - ext4 /dev/vda1 rw", f"{base + 1} {base} {RUN}"]
            holder = base + 1
        else:
            lines = [f"{base} 1 0:{300 + number} / / rw - overlay overlay rw,lowerdir=/l/{number},upperdir=/u/{number}"]
            lines.append(f"{base + 1} {base} 0:25 /netns /run/netns rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,mode=755")
            holder = base + 1
        lines += [
            f"{base + 2 + i} {holder} 0:4 net:[{4026532000 + i}] /run/netns/cni-{i:04} rw shared:{i + 9} - nsfs nsfs rw"
            for i in range(names)
        ]
        for i in range(len(lines), mounts):
            point = (
                f"/var/lib/kubelet/pods/{number:08x}-{i:04x}/volumes/kubernetes.io~projected/kube-api-access-{i:05x}"
            )
            lines.append(
                f"{base + i} {base} 0:{900 + i} / {point} rw,relatime shared:{5000 + i} - tmpfs tmpfs rw,size=4k"
            )
        yield "host" if number == 0 else f"c{number}", lines


def networks(namespaces: int, mounts: int, private: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Every mount a namespace; `private`: so many see the directory and none of the namespaces."""
    for number in range(namespaces):
        base = 1_000_000 + number * mounts
        group = "shared:5" if number == 0 else "master:5"
        cut_off = 0 < number <= private
        if cut_off:
            group = f"shared:{50_000 + number}"
        lines = [
            f"{base} 1 254:0 / / rw shared:1 - ext4 /dev/vda1 rw",
            f"{base + 1} {base} 0:25 / /run rw,nosuid,nodev {group} - tmpfs tmpfs rw,size=1212632k,mode=755",
        ]
        for i in range(mounts - 2):
            own = f"shared:{100 + i}" if number == 0 else f"master:{100 + i}"
            if cut_off:
                lines.append(f"{base + 2 + i} {base} 0:{900 + i} / /srv/{i:05} rw - tmpfs tmpfs rw")
                continue
            name = f"qdhcp-{i:08x}-1111-2222-3333-444455556666"
            lines.append(
                f"{base + 2 + i} {base + 1} 0:4 net:[{4026532000 + i}] /run/netns/{name} rw {own} - nsfs nsfs rw"
            )
        yield "host" if number == 0 else f"c{number}", lines


def measure(title: str, host: Iterator[tuple[str, list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        words = []
        lines = 0
        for label, text in host:
            path = Path(folder, label)
            path.write_text("\n".join(text) + "\n")
            lines += len(text)
            words += ["--mountinfo", f"{label}={path}"]
        with Path(folder, "out").open("wb") as out:
            start = time.perf_counter()
            child = subprocess.Popen([sys.executable, "-c", PROGRAM, "doctor", "--json", *words], stdout=out)
            _, status, usage = os.wait4(child.pid, 0)
            took = time.perf_counter() - start
        code = os.waitstatus_to_exitcode(status)
        said = Path(folder, "out").read_bytes().count(b'"check"')
    took_memory = usage.ru_maxrss / 1024
    print(f"{title}: {lines:,} lines, {said:,} findings (exit code {code}): {took:.2f} s, {took_memory:.0f} MB at most")


def main() -> None:
    namespaces = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    mounts = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    measure("mounts are volumes", volumes(namespaces, mounts))
    measure("mounts are namespaces", networks(namespaces, mounts))
    measure("10 containers lack every one of them", networks(namespaces, mounts, private=10))


if __name__ == "__main__":
    main()
