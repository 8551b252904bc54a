"""The kinds of `--kind`: names by which software calls its devices and namespaces.

Sources: Neutron (neutron_lib/constants.py, agent/linux), libnetwork (drivers/bridge, netutils), CNI (pkg/ip,
GetRandomVethName), Calico, Cilium, libvirt (src/util/virnetdev.c).
"""

import re
from dataclasses import dataclass
from typing import Final

from netmend.kernel.link_details import IFF_TAP, LinkDetails

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class ForeignKind:
    """A kind of devices and namespaces of other software that may be swept, by their names."""

    name: str
    devices: re.Pattern[str]
    taps: bool
    veths: bool
    namespaces: re.Pattern[str] | None = None  # names in the namespace directory
    controlled: bool = False  # a control plane has a port for each: its list of ports tells which are unwanted

    def covers(self, link: LinkDetails) -> bool:
        """True when the device is a tap, veth or internal port of this kind, and named so."""
        if link.kind == "veth":
            return self.veths and self.devices.fullmatch(link.name) is not None
        if link.kind == "openvswitch":
            return self.controlled and self.devices.fullmatch(link.name) is not None
        is_tap = link.tun is not None and link.tun.type == IFF_TAP
        return is_tap and self.taps and self.devices.fullmatch(link.name) is not None


KINDS: Final = {
    kind.name: kind
    for kind in (
        ForeignKind(
            "neutron",
            # Neutron cuts prefix and id to 14 characters together (neutron_lib LINUX_DEV_LEN)
            re.compile(
                r"(tap|ns-|qbr|qvo|qvb|qr-|qg-|sg-|ha-|fg-)[0-9a-f]{8}-[0-9a-f]{2}|(rfp-|fpr-)[0-9a-f]{8}-[0-9a-f]"
            ),
            taps=True,
            veths=True,
            controlled=True,
            namespaces=re.compile(rf"(qdhcp|qrouter|snat|fip|ovnmeta)-(?P<id>{_UUID})"),
        ),
        ForeignKind("docker", re.compile(r"veth[0-9a-f]{7}"), taps=False, veths=True),
        ForeignKind(
            "cni",
            re.compile(r"veth[0-9a-f]{8}|cali[0-9a-f]{11}|lxc[0-9a-f]{12}"),
            taps=False,
            veths=True,
            namespaces=re.compile(rf"(cni|netns)-(?P<id>{_UUID})"),
        ),
        ForeignKind("libvirt", re.compile(r"vnet[0-9]+"), taps=True, veths=False),
        ForeignKind("tap", re.compile(r".*"), taps=True, veths=False),
        ForeignKind("veth", re.compile(r".*"), taps=False, veths=True),
    )
}
