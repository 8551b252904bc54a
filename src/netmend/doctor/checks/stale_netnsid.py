"""A veth whose far end is in a namespace that nobody can reach by name, process or descriptor (`link-netnsid`)."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.places import HostView
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, Severity

CHECK = "stale-netnsid"


def check(view: HostView) -> Iterator[Finding]:
    observation = view.observation
    if not observation.complete:
        return  # whoever has the namespace may be one that could not be looked at
    host = next((n for n in observation.networks if n.inode == observation.host_network), None)
    if host is None:
        return
    lost: dict[int, list[str]] = {}
    indexes: list[int] = []
    for link in host.links or ():
        if link.peer_netnsid is not None and link.peer_netnsid not in host.peers:
            lost.setdefault(link.peer_netnsid, []).append(link.name)
            indexes.append(link.index)
    for netnsid, names in lost.items():
        yield Finding(
            check=CHECK,
            severity=Severity.WARNING,
            summary=f"{several(names)}: the far end is in a namespace (link-netnsid {netnsid}) that nobody can reach",
            evidence=(
                f"{count(len(names), 'device')} of the host with link-netnsid {netnsid}: {several(names)}",
                f"none of {count(len(observation.networks), 'network namespace')} found by process, descriptor or "
                f"mount has that id",
            ),
            cause=(
                "The namespace is kept by something that cannot be looked into: a mount of it that is covered, a "
                "descriptor "
                "on its way through a socket, or a socket made in it. While it lives the device stays."
            ),
            mend=script(
                [
                    f"ip netns list-id nsid {netnsid}  # says its name, if it has one",
                    *(f"# if it is not wanted: ip link delete {name}" for name in names[:10]),
                    "netmend doctor  # verifies",
                ]
            ),
            suffers=("host",),
            key=(netnsid, *indexes),
        )
