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
    ACCEPT,
    CT_DNAT,
    CT_ESTABLISHED,
    CT_INVALID,
    CT_RELATED,
    DROP,
    FAMILY_INET,
    HOOK_FORWARD,
    HOOK_POSTROUTING,
    HOOK_PREROUTING,
    IFNAME,
    INET_PROTO,
    INET_SERVICE,
    IPV4_ADDR,
    IS_IPV4,
    PRIORITY_DNAT,
    PRIORITY_FILTER,
    PRIORITY_SNAT,
    Chain,
    ClampSegments,
    Conntrack,
    Element,
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
    bits,
    key_of,
    key_of_name,
)
from netmend.intent.names import uplink_name
from netmend.intent.router import DeviceUplink, HostUplink, PortForward, Router
from netmend.routing.transit import Transit

NUMBERS: Final = {"tcp": b"\x06", "udp": b"\x11"}  # of protocols, as parts of keys
_IN: Final = Meta("iifname")
_OUT: Final = Meta("oifname")
_L4: Final = Meta("l4proto")
_FROM: Final = Payload("network", 12, 4)
_TO: Final = Payload("network", 16, 4)
_TO_PORT: Final = Payload("transport", 2, 2)
_TCP_FLAGS: Final = Payload("transport", 13, 1)
_IS_TCP: Final = Match(_L4, NUMBERS["tcp"])
_IS_UDP: Final = Match(_L4, NUMBERS["udp"])
_TO_UPLINK: Final = InSet((_OUT,), "uplinks")
_NOT_TO_UPLINK: Final = InSet((_OUT,), "uplinks", unless=True)
_NOT_BY_UPLINK: Final = InSet((_IN,), "uplinks", unless=True)
_INSIDE: Final = 1  # the mark of what a guest of the router sent


def _has(key: Conntrack, bit: int) -> Match:
    return Match(key, bits(0), bits(bit), unless=True)


IS_ANSWER: Final = _has(Conntrack("state"), CT_ESTABLISHED | CT_RELATED)


_FORWARDS: Final = Translate("destination", (_L4, _TO, _TO_PORT), "forwards", port=True)
_PREROUTING: Final = Chain(
    "prerouting",
    (
        (_NOT_BY_UPLINK, SetMark(_INSIDE)),
        (IS_IPV4, Translate("destination", (_TO,), "floating-to")),
        (IS_IPV4, _IS_TCP, _FORWARDS),
        (IS_IPV4, _IS_UDP, _FORWARDS),
    ),
    HOOK_PREROUTING,
    PRIORITY_DNAT,
    "nat",
)
_FORWARD_RULES: Final[tuple[Rule, ...]] = (
    (_IS_TCP, Match(_TCP_FLAGS, b"\x02", b"\x06"), ClampSegments()),  # SYN, and not RST
    (_TO_UPLINK, _has(Conntrack("state"), CT_INVALID), DROP),  # it would go out without translation
    (_NOT_BY_UPLINK, ACCEPT),
    (IS_ANSWER, ACCEPT),
    (_has(Conntrack("status"), CT_DNAT), ACCEPT),
    (InSet((_IN,), "open"), ACCEPT),
    (DROP,),
)
_POSTROUTING_RULES: Final[tuple[Rule, ...]] = (
    (IS_IPV4, _TO_UPLINK, Translate("source", (_FROM,), "floating-from")),
    (IS_IPV4, Translate("source", (_OUT,), "sources")),
    (
        IS_IPV4,
        _NOT_TO_UPLINK,
        Match(Meta("mark"), bits(_INSIDE)),
        _has(Conntrack("status"), CT_DNAT),
        Translate("source", (_FROM,), "floating-from"),
    ),
    (
        IS_IPV4,
        _NOT_TO_UPLINK,
        Match(Meta("mark"), bits(_INSIDE)),
        _has(Conntrack("status"), CT_DNAT),
        Masquerade(),
    ),
)

TABLE: Final = Table(
    "netmend",
    (
        Set("uplinks", (IFNAME,)),
        Set("open", (IFNAME,)),
        Set("sources", (IFNAME,), data=(IPV4_ADDR,)),
        Set("floating-to", (IPV4_ADDR,), data=(IPV4_ADDR,)),
        Set("floating-from", (IPV4_ADDR,), data=(IPV4_ADDR,)),
        Set("forwards", (INET_PROTO, IPV4_ADDR, INET_SERVICE), data=(IPV4_ADDR, INET_SERVICE)),
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
    name = key_of_name(uplink_name(router.id))
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
    key = key_of(NUMBERS[forward.protocol], address.packed, forward.port.to_bytes(2))
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
