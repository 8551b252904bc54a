"""Port security as one table of nftables, in family bridge.

The rules are the same on every host. What differs is in their sets: which devices are guarded (`ports`), with which
MACs (`macs`) and addresses (`addresses4`, `addresses6`, and those of ranges in `ranges4`, `ranges6`). Keys begin with
the name of a device, which is known before the device is there: a guarded port passes nothing else from the instant it
exists. Each lookup is one of a hash, whatever the number of ports.

Beside that, netmend's bridges have no business with the host's own stack: nothing that comes in by a device of netmend
(`devices`) goes up there, and nothing from there out by one, whatever the settings of the bridge have become.

What cannot be read is dropped: each chain says what passes, and ends with `drop`. So a header that hides behind others
or in a later fragment (RFC 7113) wins nothing. A fragment that is not the first passes by its addresses alone: without
its first, which was read, it is nothing. `netmend.firewall.verdict` is the same in Python, and tests compare them.
"""

from collections.abc import Iterable
from typing import Final

from netmend.firewall.guard import Allowed, Guard
from netmend.ground.nftables import (
    ACCEPT,
    DROP,
    ETHER_ADDR,
    HOOK_INPUT,
    HOOK_OUTPUT,
    HOOK_PREROUTING,
    IFNAME,
    IPV4_ADDR,
    IPV6_ADDR,
    Chain,
    Element,
    FragmentOffset,
    InSet,
    Load,
    Match,
    Meta,
    Payload,
    Rule,
    Set,
    Table,
    Verdict,
    key_of,
    key_of_name,
)

_DEVICE: Final = Meta("iifname")
_PROTOCOL: Final = Meta("l4proto")
_ETHER_TO: Final = Payload("link", 0, 6)
_ETHER_FROM: Final = Payload("link", 6, 6)
_ETHER_TYPE: Final = Payload("link", 12, 2)
_ARP_HEAD: Final = Payload("network", 0, 6)  # hardware, protocol, their lengths (RFC 826)
_ARP_SENDER_MAC: Final = Payload("network", 8, 6)
_ARP_SENDER: Final = Payload("network", 14, 4)
_ARP_TARGET: Final = Payload("network", 24, 4)
_IPV4_FROM: Final = Payload("network", 12, 4)
_IPV4_FRAGMENT: Final = Payload("network", 6, 2)
_IPV6_FROM: Final = Payload("network", 8, 16)
_PORTS: Final = Payload("transport", 0, 4)
_ICMP_TYPE: Final = Payload("transport", 0, 1)
_ND_TARGET: Final = Payload("transport", 8, 16)

_ICMPV6: Final = b"\x3a"
_UDP: Final = b"\x11"
_SOLICITATION, _ADVERTISEMENT = b"\x87", b"\x88"  # neighbours' (RFC 4861)
_DHCP4_SERVER: Final = b"\x00\x43\x00\x44"  # UDP from port 67 to 68
_DHCP4_CLIENT: Final = b"\x00\x44\x00\x43"
_DHCP6_SERVER: Final = b"\x02\x23\x02\x22"  # from 547 to 546


def _goto(chain: str) -> Verdict:
    return Verdict("goto", chain)


def _own(name: str, *loads: Load) -> InSet:
    return InSet((_DEVICE, *loads), name)


def _owned(version: int, verdict: Verdict, mac: Load, address: Load) -> tuple[Rule, Rule]:
    """`verdict`, where the port may use that MAC with that address."""
    return (_own(f"addresses{version}", mac, address), verdict), (_own(f"ranges{version}", mac, address), verdict)


_LATER_FRAGMENT4: Final = Match(_IPV4_FRAGMENT, b"\0\0", b"\x1f\xff", unless=True)
_LATER_FRAGMENT6: Final = Match(FragmentOffset(), b"\0\0", b"\xff\xf8", unless=True)

_FROM_GUEST: Final = Chain(
    "from-guest",
    (
        (InSet((_DEVICE, _ETHER_FROM), "macs", unless=True), DROP),
        # Spanning tree and what else bridges tell each other (IEEE 802.1D, table 7-10).
        (Match(_ETHER_TO, b"\x01\x80\xc2\0\0\0", b"\xff\xff\xff\xff\xff\xf0"), DROP),
        (Match(_ETHER_TYPE, b"\x08\x06"), _goto("arp")),
        (Match(_ETHER_TYPE, b"\x08\x00"), _goto("ipv4")),
        (Match(_ETHER_TYPE, b"\x86\xdd"), _goto("ipv6")),
        (DROP,),
    ),
)
_ARP: Final = Chain(
    "arp",
    (
        (Match(_ARP_HEAD, b"\0\1\x08\0\6\4", unless=True), DROP),
        *_owned(4, ACCEPT, _ARP_SENDER_MAC, _ARP_SENDER),
        # Asking whether its own address is free (RFC 5227).
        (Match(_ARP_SENDER, b"\0\0\0\0", unless=True), DROP),
        *_owned(4, ACCEPT, _ARP_SENDER_MAC, _ARP_TARGET),
        (DROP,),
    ),
)
_FROM_IPV4: Final = Chain(
    "ipv4",
    (
        *_owned(4, _goto("ipv4-protocol"), _ETHER_FROM, _IPV4_FROM),
        # A DHCP client speaks from no address, or from one that was taken from it, to hear so (RFC 2131 section 4.4.5).
        (
            Match(_IPV4_FRAGMENT, b"\0\0", b"\x1f\xff"),  # not all kernels keep from reading on in a later fragment
            Match(_PROTOCOL, _UDP),
            Match(_PORTS, _DHCP4_CLIENT),
            ACCEPT,
        ),
        (DROP,),
    ),
)
_IPV4_PROTOCOL: Final = Chain(
    "ipv4-protocol",
    (
        (Match(_PROTOCOL, _UDP, unless=True), ACCEPT),
        (_LATER_FRAGMENT4, ACCEPT),
        (Match(_PORTS, _DHCP4_SERVER, unless=True), ACCEPT),
        (DROP,),
    ),
)
_FROM_IPV6: Final = Chain(
    "ipv6",
    (
        *_owned(6, _goto("ipv6-protocol"), _ETHER_FROM, _IPV6_FROM),
        (Match(_IPV6_FROM, bytes(16)), Match(_PROTOCOL, _ICMPV6), _goto("without-address")),
        (DROP,),
    ),
)
_IPV6_PROTOCOL: Final = Chain(
    "ipv6-protocol",
    (
        (Match(_PROTOCOL, _ICMPV6), _goto("icmpv6")),
        (Match(_PROTOCOL, _UDP), _goto("udp6")),
        (Match(_PROTOCOL, _UDP, unless=True), ACCEPT),
        (DROP,),
    ),
)
_UDP6: Final = Chain(
    "udp6",
    (
        (_LATER_FRAGMENT6, ACCEPT),
        (Match(_PORTS, _DHCP6_SERVER, unless=True), ACCEPT),
        (DROP,),
    ),
)
_ICMP6: Final = Chain(
    "icmpv6",
    (
        (_LATER_FRAGMENT6, ACCEPT),
        (Match(_ICMP_TYPE, b"\x86"), DROP),  # a router's advertisement
        (Match(_ICMP_TYPE, b"\x89"), DROP),  # a redirect
        (Match(_ICMP_TYPE, _ADVERTISEMENT), _goto("neighbour")),
        (Match(_ICMP_TYPE, _ADVERTISEMENT, unless=True), ACCEPT),
        (DROP,),
    ),
)
_NEIGHBOUR: Final = Chain("neighbour", (*_owned(6, ACCEPT, _ETHER_FROM, _ND_TARGET), (DROP,)))
# A guest that has no address yet looks for routers, joins groups, and asks whether its own address is free (RFC 4862).
_WITHOUT_ADDRESS: Final = Chain(
    "without-address",
    (
        (_LATER_FRAGMENT6, DROP),
        *((Match(_ICMP_TYPE, bytes((kind,))), ACCEPT) for kind in (131, 132, 133, 143)),
        (Match(_ICMP_TYPE, _SOLICITATION), _goto("neighbour")),
        (DROP,),
    ),
)

GROUPS: Final = "netmend-groups"
"""The name of the tables of security groups (`netmend.firewall.group_rules`), which a node without any loads not."""
TABLE: Final = Table(
    "netmend",
    (
        Set("ports", (IFNAME,)),
        Set("devices", (IFNAME,)),
        Set("macs", (IFNAME, ETHER_ADDR)),
        Set("addresses4", (IFNAME, ETHER_ADDR, IPV4_ADDR)),
        Set("addresses6", (IFNAME, ETHER_ADDR, IPV6_ADDR)),
        Set("ranges4", (IFNAME, ETHER_ADDR, IPV4_ADDR), ranges=True),
        Set("ranges6", (IFNAME, ETHER_ADDR, IPV6_ADDR), ranges=True),
    ),
    (
        _NEIGHBOUR, _WITHOUT_ADDRESS, _ICMP6, _UDP6, _IPV6_PROTOCOL, _IPV4_PROTOCOL, _FROM_IPV6, _FROM_IPV4, _ARP,
        _FROM_GUEST,
        Chain("prerouting", ((InSet((_DEVICE,), "ports"), _goto("from-guest")),), HOOK_PREROUTING),
        Chain("to-host", ((InSet((_DEVICE,), "devices"), DROP),), HOOK_INPUT),
        Chain("from-host", ((InSet((Meta("oifname"),), "devices"), DROP),), HOOK_OUTPUT),
    ),
)  # fmt: skip
"""Chains in such an order that each goes on only with those before it."""


def element_of_device(name: str) -> Element:
    """What keeps a device on a bridge from the host's stack."""
    return Element("devices", key_of_name(name))


def elements_of(guard: Guard) -> frozenset[Element]:
    """What a guarded port adds to the sets."""
    name = key_of_name(guard.device)
    found = {Element("ports", name)}
    found.update(Element("macs", key_of(name, _mac(mac))) for mac in guard.macs)
    for allowed in _apart(guard.addresses):
        head, version = name + key_of(_mac(allowed.mac)), allowed.first.version
        if allowed.first == allowed.last:
            found.add(Element(f"addresses{version}", head + allowed.first.packed))
        else:
            found.add(Element(f"ranges{version}", head + allowed.first.packed, head + allowed.last.packed))
    return frozenset(found)


def _apart(addresses: Iterable[Allowed]) -> list[Allowed]:
    """The same addresses in ranges that do not overlap: a set of the kernel's takes no others."""
    found: list[Allowed] = []
    for one in sorted(addresses, key=lambda each: (each.mac, each.first.version, int(each.first))):
        before = found[-1] if found else None
        is_of_before = before is not None and (before.mac, before.last.version) == (one.mac, one.first.version)
        if before is None or not is_of_before or int(one.first) > int(before.last):
            found.append(one)
        elif int(one.last) > int(before.last):
            found[-1] = Allowed(before.mac, before.first, one.last)
    return found


def device_of(element: Element) -> str:
    """The name of the device that an element is about."""
    return element.key[:16].rstrip(b"\0").decode(errors="replace")


def _mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
