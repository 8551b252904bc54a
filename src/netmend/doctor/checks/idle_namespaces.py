"""Names by the dozen that lead to namespaces with nothing but `lo` and no process in them: left by a runtime."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.observation import HOST
from netmend.doctor.places import HostView
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, Severity

CHECK = "idle-namespaces"
_SOME = 20
"""Fewer are made on purpose, and wait to be used."""
_MANY = 1_000


def check(view: HostView) -> Iterator[Finding]:
    networks = {network.inode: network for network in view.observation.networks}
    for directory, _ in view.shared:
        place = view.host_place(directory)
        if place is None or not networks:
            continue
        idle = sorted(
            (name, inode)
            for name, (inode, _) in place.usable.items()
            if (network := networks.get(inode)) is not None
            and network.links is not None
            and not network.residents
            and not network.openers
            and all(link.name == "lo" for link in network.links)
        )
        if len(idle) < _SOME:
            continue
        names = [name for name, _ in idle]
        yield Finding(
            check=CHECK,
            severity=Severity.ERROR if len(idle) >= _MANY else Severity.WARNING,
            summary=f"{count(len(names), 'name')} in {place.path} lead to namespaces that hold nothing but lo, and no "
            f"process is in them: {several(names, 4)}",
            evidence=(
                f"{place.path}: {count(len(place.usable), 'namespace')}, {count(len(names), 'idle one')}",
                *(f"{name}: net:[{inode}], lo alone, no process, no open descriptor" for name, inode in idle[:4]),
            ),
            cause=(
                "A runtime that made a namespace for a pod and did not delete it after a failed start or stop (CRI-O, "
                "containerd, Kata) leaves one each time. Each keeps about 0.3 MB of the kernel's memory, and slows "
                "whoever looks at all of them."
            ),
            mend=script(
                [
                    f"ip netns list-id  # and: crictl pods, to see which of the names in {place.path} belong to a pod",
                    f"# what belongs to none: ip netns delete {quote(names[0])} (and so on)",
                    "netmend doctor  # verifies",
                ]
            ),
            suffers=(HOST,),
            directory=place.path,
            key=(directory, len(names) // _SOME, names[0]),
        )
