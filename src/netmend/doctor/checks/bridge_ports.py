"""A bridge that is nearly full: the kernel numbers ports 1 to 1,023 (BR_MAX_PORTS, net/bridge/br_private.h)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from netmend.doctor.places import HostView
from netmend.doctor.sentences import script
from netmend.ground.finding import Finding, Severity

CHECK = "bridge-ports"
PORTS = 1_023
_NEAR = 920


def check(view: HostView) -> Iterator[Finding]:
    for network in view.observation.networks:
        links = network.links or ()
        ports = Counter(link.master for link in links if link.master)
        for bridge in links:
            used = ports[bridge.index]
            if bridge.kind != "bridge" or used < _NEAR:
                continue
            down = sum(1 for link in links if link.master == bridge.index and not link.up)
            where = "" if network.inode == view.observation.host_network else f" in net:[{network.inode}]"
            full = used >= PORTS
            yield Finding(
                check=CHECK,
                severity=Severity.ERROR if full else Severity.WARNING,
                summary=f"bridge {bridge.name}{where} has {used:,} of {PORTS:,} ports"
                + (" and is full" if full else ""),
                evidence=(
                    f"{bridge.name}, index {bridge.index}: {used:,} devices have it as master, {down:,} of them down",
                ),
                cause=(
                    "A Linux bridge has 1,023 ports and no more: the next device is refused with `Exchange full`. "
                    "Ports that "
                    "are down are often orphans."
                ),
                mend=script(
                    [
                        f"ip -br link show master {bridge.name} | awk '$2 == \"DOWN\"'  # the ports that are down",
                        "# delete those that nobody wants, or spread the guests over two bridges joined by a veth",
                        "netmend doctor  # verifies",
                    ]
                ),
                suffers=("host",),
                key=(network.inode, bridge.index),
            )
