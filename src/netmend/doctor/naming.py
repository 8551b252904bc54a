"""Whose device it is, by its name: the patterns that network programs make names from.

Sources: Neutron (neutron_lib/constants.py, agent/linux/interface.py), libnetwork (drivers/bridge), CNI plugins (pkg/ip,
GetRandomVethName), Calico (felix; the bandwidth plugin's ifb devices), Cilium, libvirt (src/util/virnetdev*.c), Incus,
Kata, urunc, the CNI plugins of AWS (`eni`, digits of a hash), Azure and GKE, OVN-Kubernetes, Kube-OVN, Antrea, Weave,
Proxmox (fwln, fwpr), netmend (intent/names.py).
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
_RUNTIMES: Final = (
    ("AWS VPC CNI", re.compile(r"eni[0-9a-f]{8,11}\Z")),
    ("Calico's bandwidth limits", re.compile(r"bwcali[0-9a-f]{6,11}\Z")),
    ("CNI bandwidth", re.compile(r"bwp[0-9a-f]{12}\Z")),
    ("urunc", re.compile(r"tap[0-9]+_urunc\Z")),
    ("Kata", re.compile(r"(tap|br|eth)[0-9]+_kata\Z|kata_[0-9a-f]+\Z")),
    ("Azure CNI", re.compile(r"azv[0-9a-f]{7,11}\Z")),
    ("GKE", re.compile(r"gke[0-9a-f]{11}\Z")),
    ("OVN-Kubernetes", re.compile(r"[0-9a-f]{15}\Z")),
    ("Kube-OVN", re.compile(r"[0-9a-f]{12}_[ch]\Z")),
    ("Antrea", re.compile(r"[a-z0-9-]{1,8}-[0-9a-f]{6}\Z")),
    ("Weave", re.compile(r"vethwe(pl|-)[0-9a-z-]+\Z")),
    ("Cilium", re.compile(r"(lxc_health|tmp[0-9a-f]{5,12})\Z")),
    ("LXC", re.compile(r"veth[0-9A-Za-z]{6}\Z|veth[0-9]+_[0-9A-Za-z]{4}\Z")),
    ("Proxmox", re.compile(r"(tap|veth|fwln|fwpr)[0-9]+[ip][0-9]+\Z")),
    ("Podman", re.compile(r"veth[0-9]{1,4}\Z")),
)
"""Container runtimes of which less is known than of the first: what is told of their devices is a note."""


def maker_of(link: SeenLink) -> str | None:
    """Who makes devices of such a name; None for a name of no known pattern."""
    if link.group == NETMEND_GROUP or (link.alias or "").startswith("netmend:"):
        return "netmend"
    for maker, pattern in (*_PATTERNS, *_RUNTIMES):
        if pattern.match(link.name):
            return maker
    return None


def is_well_known(maker: str) -> bool:
    """Whether a device of that maker, once it is nobody's, is known to be an orphan, not only likely."""
    return maker == "netmend" or any(maker == known for known, _ in _PATTERNS)
