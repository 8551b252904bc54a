"""A named namespace with devices in it, none of which is up."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from netmend.doctor.observation import HOST
from netmend.doctor.places import HostView, Place, alike
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, Severity

CHECK = "links-down"


def check(view: HostView) -> Iterator[Finding]:
    if not view.observation.networks:
        return
    networks = {network.inode: network for network in view.observation.networks}
    told: set[int] = set()
    for _, places in view.shared:
        for place in (same[0] for same in alike(places)):
            for name, (inode, _) in place.usable.items():
                network = networks.get(inode)
                if inode in told or network is None or network.links is None:
                    continue
                told.add(inode)
                links = [link for link in network.links if link.name != "lo"]
                if not links or any(link.up for link in links):
                    continue
                shown = several([link.name for link in links])
                yield Finding(
                    check=CHECK,
                    severity=Severity.WARNING,
                    summary=f"{name}: all {count(len(links), 'device')} in it are down"
                    if len(links) > 1
                    else f"{name}: its only device, {links[0].name}, is down",
                    evidence=(
                        f"net:[{inode}], {place.path}/{name} in {place.label}: {shown}, all administratively down",
                    ),
                    cause="Whoever made the namespace did not finish, or took its devices down: nothing is served "
                    "in it.",
                    mend=script(
                        [
                            f"{_into(place, name)} ip -br addr  # what it holds",
                            "# restart the agent that owns it; or, by hand:",
                            *(f"{_into(place, name)} ip link set {link.name} up" for link in links[:8]),
                            "netmend doctor  # verifies",
                        ]
                    ),
                    suffers=(place.label,),
                    netns=name,
                    usable_in=(place.label,),
                    directory=place.path,
                    key=(inode, name, *(link.index for link in links)),
                )


def _into(place: Place, name: str) -> str:
    """What a command begins with that is to be performed in the namespace."""
    if place.label == HOST and place.path == "/run/netns":
        return f"ip netns exec {quote(name)}"
    root = "" if place.label == HOST else f"/proc/{place.namespace.pid or 'PID'}/root"
    return f"nsenter --net={quote(f'{root}{place.path}/{name}')}"
