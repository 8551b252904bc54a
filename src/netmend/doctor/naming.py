"""Whose device it is, by its name: the patterns that network programs make names from.

Sources: Neutron (neutron_lib/constants.py, agent/linux/interface.py), libnetwork (drivers/bridge), CNI plugins
(pkg/ip, GetRandomVethName), Calico, Cilium, libvirt (src/util/virnetdev*.c), Incus, Kata, netmend (intent/names.py).
"""

from __future__ import annotations

import re
from typing import Final

from netmend.doctor.observation import SeenLink

NETMEND_GROUP: Final = 0x6E6D6401
"""Device group in which netmend makes its devices."""

_ID: Final = r"[0-9a-f]{8}-[0-9a-f]{2}"
_PATTERNS: Final = (
    ("Neutron", re.compile(rf"(tap|ns-|qr-|qg-|qvo|qvb|qbr|sg-|ha-|rfp-|fpr-|fg-){_ID}\Z")),
    ("Docker", re.compile(r"veth[0-9a-f]{7}\Z")),
    ("CNI", re.compile(r"veth[0-9a-f]{8}\Z")),
    ("Calico", re.compile(r"cali[0-9a-f]{11}\Z")),
    ("Cilium", re.compile(r"lxc[0-9a-f]{12}\Z")),
    ("libvirt", re.compile(r"(vnet|macvtap|vif)[0-9]+(\.[0-9]+)?\Z")),
    ("Kata", re.compile(r"tap[0-9]+_kata\Z")),
    ("Incus", re.compile(r"(tap|mac)[0-9a-f]{8}\Z")),
)


def maker_of(link: SeenLink) -> str | None:
    """Who makes devices of such a name; None for a name of no known pattern."""
    if link.group == NETMEND_GROUP or (link.alias or "").startswith("netmend:"):
        return "netmend"
    for maker, pattern in _PATTERNS:
        if pattern.match(link.name):
            return maker
    return None
