"""What a router translates and lets through, as one table of nftables in its namespace.

The rules are the same for every router. What differs is in their sets and maps: the device of the uplink (`uplinks`, in
`open` too where everything may come in by it), the address that guests without a floating IP are seen as (`sources`),
and whom what comes in is for (`floating-to`, `floating-from`, `forwards`).

A connection between the router's own networks meets no translation, but for one to a floating IP or a published port
from inside: that gets the router's address as its source, or the guest's own floating IP, so that answers come back
this way.
"""

from ipaddress import IPv4Address
from typing import Final

from netmend.ground.nftables import (
    CT_DNAT,
    CT_ESTABLISHED,
    CT_INVALID,
    CT_RELATED,
    FAMILY_INET,
    FAMILY_IPV4,
    HOOK_FORWARD,
    HOOK_POSTROUTING,
    HOOK_PREROUTING,
    PRIORITY_DNAT,
    PRIORITY_FILTER,
    PRIORITY_SNAT,
    Chain,
    ClampSegments,
    Conntrack,
    Element,
    Field,
    InSet,
    Masquerade,
    Match,
    Meta,
    Payload,
    Rule,
    Set,
    SetMark,
    Table,
    Translate,
    Verdict,
    bits,
    key_of,
)
from netmend.intent.names import uplink_name
from netmend.intent.router import DeviceUplink, HostUplink, PortForward, Router
from netmend.routing.transit import Transit

_NAME: Final = Field("ifname", 16)
_IPV4: Final = Field("ipv4_addr", 4)
_PROTOCOL: Final = Field("inet_proto", 1)
_PORT: Final = Field("inet_service", 2)

_IN: Final = Meta("iifname")
_OUT: Final = Meta("oifname")
_L4: Final = Meta("l4proto")
_FROM: Final = Payload("network", 12, 4)
_TO: Final = Payload("network", 16, 4)
_TO_PORT: Final = Payload("transport", 2, 2)
_TCP_FLAGS: Final = Payload("transport", 13, 1)
_IS_IPV4: Final = Match(Meta("nfproto"), bytes((FAMILY_IPV4,)))
_IS_TCP: Final = Match(_L4, b"\x06")
_IS_UDP: Final = Match(_L4, b"\x11")
_BY_UPLINK: Final = InSet((_IN,), "uplinks")
_TO_UPLINK: Final = InSet((_OUT,), "uplinks")
_NOT_TO_UPLINK: Final = InSet((_OUT,), "uplinks", unless=True)
_ACCEPT: Final = Verdict("accept")
_DROP: Final = Verdict("drop")
_INSIDE: Final = 1  # the mark of what a guest of the router sent
_NUMBERS: Final = {"tcp": b"\x06", "udp": b"\x11"}


def _has(key: Conntrack, bit: int) -> Match:
    return Match(key, bits(0), bits(bit), unless=True)


_FORWARDS: Final = Translate("destination", (_L4, _TO, _TO_PORT), "forwards", port=True)
_PREROUTING: Final = Chain(
    "prerouting",
    (
        (InSet((_IN,), "uplinks", unless=True), SetMark(_INSIDE)),
        (_IS_IPV4, Translate("destination", (_TO,), "floating-to")),
        (_IS_IPV4, _IS_TCP, _FORWARDS),
        (_IS_IPV4, _IS_UDP, _FORWARDS),
    ),
    HOOK_PREROUTING,
    PRIORITY_DNAT,
    "nat",
)
_FORWARD_RULES: Final[tuple[Rule, ...]] = (
    (_IS_TCP, Match(_TCP_FLAGS, b"\x02", b"\x06"), ClampSegments()),  # SYN, and not RST
    (_TO_UPLINK, _has(Conntrack("state"), CT_INVALID), _DROP),  # it would go out without translation
    (InSet((_IN,), "uplinks", unless=True), _ACCEPT),
    (_has(Conntrack("state"), CT_ESTABLISHED | CT_RELATED), _ACCEPT),
    (_has(Conntrack("status"), CT_DNAT), _ACCEPT),
    (InSet((_IN,), "open"), _ACCEPT),
    (_DROP,),
)
_POSTROUTING_RULES: Final[tuple[Rule, ...]] = (
    (_IS_IPV4, _TO_UPLINK, Translate("source", (_FROM,), "floating-from")),
    (_IS_IPV4, Translate("source", (_OUT,), "sources")),
    (
        _IS_IPV4,
        _NOT_TO_UPLINK,
        Match(Meta("mark"), bits(_INSIDE)),
        _has(Conntrack("status"), CT_DNAT),
        Translate("source", (_FROM,), "floating-from"),
    ),
    (
        _IS_IPV4,
        _NOT_TO_UPLINK,
        Match(Meta("mark"), bits(_INSIDE)),
        _has(Conntrack("status"), CT_DNAT),
        Masquerade(),
    ),
)

TABLE: Final = Table(
    "netmend",
    (
        Set("uplinks", (_NAME,)),
        Set("open", (_NAME,)),
        Set("sources", (_NAME,), data=(_IPV4,)),
        Set("floating-to", (_IPV4,), data=(_IPV4,)),
        Set("floating-from", (_IPV4,), data=(_IPV4,)),
        Set("forwards", (_PROTOCOL, _IPV4, _PORT), data=(_IPV4, _PORT)),
    ),
    (
        _PREROUTING,
        Chain("forward", _FORWARD_RULES, HOOK_FORWARD, PRIORITY_FILTER),
        Chain("postrouting", _POSTROUTING_RULES, HOOK_POSTROUTING, PRIORITY_SNAT, "nat"),
    ),
    FAMILY_INET,
)
"""In the namespace of a router."""


def elements_of(router: Router, transit: Transit | None) -> frozenset[Element]:
    """What is in the sets and maps for this router. `transit` is its link to the host, where that is its uplink."""
    uplink, found = router.uplink, set[Element]()
    if uplink is None:
        return frozenset()
    name = uplink_name(router.id).encode().ljust(16, b"\0")
    found.add(Element("uplinks", name))
    source = source_address(router, transit)
    if not router.snat:
        found.add(Element("open", name))
    elif source is not None:
        found.add(Element("sources", name, data=source.packed))
    for floating in router.floating_ips:
        found.add(Element("floating-to", floating.address.packed, data=floating.fixed_ip.packed))
        found.add(Element("floating-from", floating.fixed_ip.packed, data=floating.address.packed))
    for forward in router.forwards:
        address = forward.address or source
        if address is not None:
            found.add(element_of_forward(forward, address, forward.to_address, forward.to_port))
    return frozenset(found)


def element_of_forward(forward: PortForward, address: IPv4Address, to: IPv4Address, to_port: int) -> Element:
    """What leads from a port of `address` to one of a guest, or of a router on the way."""
    key = key_of(_NUMBERS[forward.protocol], address.packed, forward.port.to_bytes(2))
    return Element("forwards", key, data=key_of(to.packed, to_port.to_bytes(2)))


def source_address(router: Router, transit: Transit | None) -> IPv4Address | None:
    """The address that guests without a floating IP are seen as beyond the uplink."""
    match router.uplink:
        case DeviceUplink(addresses=addresses):
            return next((own.ip for own in addresses if isinstance(own.ip, IPv4Address)), None)
        case HostUplink():
            return transit.router.ip if transit else None
        case None:
            return None
