"""What the host translates and lets through for routers that have their way out through it: one table of nftables of
netmend's own, beside whatever firewall the host has. A packet must pass both.

A router may not reach the host itself, nor another router by way of it: those are networks that are kept apart.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from netmend.ground.nftables import (
    CT_ESTABLISHED,
    CT_RELATED,
    FAMILY_INET,
    FAMILY_IPV4,
    HOOK_FORWARD,
    HOOK_INPUT,
    HOOK_POSTROUTING,
    HOOK_PREROUTING,
    PRIORITY_DNAT,
    PRIORITY_FILTER,
    PRIORITY_SNAT,
    Chain,
    Conntrack,
    Element,
    Field,
    InSet,
    LocalAddress,
    Masquerade,
    Match,
    Meta,
    Payload,
    Set,
    Table,
    Translate,
    Verdict,
    bits,
    key_of,
)
from netmend.intent.names import uplink_host_name
from netmend.intent.router import HostUplink, Router
from netmend.routing.transit import Transit

_NAME: Final = Field("ifname", 16)
_IPV4: Final = Field("ipv4_addr", 4)
_PROTOCOL: Final = Field("inet_proto", 1)
_PORT: Final = Field("inet_service", 2)
_IS_IPV4: Final = Match(Meta("nfproto"), bytes((FAMILY_IPV4,)))
_FROM_ROUTER: Final = InSet((Meta("iifname"),), "routers")
_TO_ROUTER: Final = InSet((Meta("oifname"),), "routers")
_IS_ANSWER: Final = Match(Conntrack("state"), bits(0), bits(CT_ESTABLISHED | CT_RELATED), unless=True)
_FORWARDS: Final = Translate("destination", (Meta("l4proto"), Payload("transport", 2, 2)), "forwards", port=True)
_RTN_LOCAL: Final = 2
_ACCEPT: Final = Verdict("accept")
_DROP: Final = Verdict("drop")
_NUMBERS: Final = {"tcp": b"\x06", "udp": b"\x11"}

TABLE: Final = Table(
    "netmend",
    (
        Set("routers", (_NAME,)),
        Set("addresses", (_IPV4,)),
        Set("forwards", (_PROTOCOL, _PORT), data=(_IPV4, _PORT)),
    ),
    (
        Chain(
            "prerouting",
            tuple(
                (
                    _IS_IPV4,
                    InSet((Meta("iifname"),), "routers", unless=True),
                    Match(LocalAddress(), bits(_RTN_LOCAL)),
                    Match(Meta("l4proto"), number),
                    _FORWARDS,
                )
                for number in _NUMBERS.values()
            ),
            HOOK_PREROUTING,
            PRIORITY_DNAT,
            "nat",
        ),
        Chain("input", ((_FROM_ROUTER, _IS_ANSWER, _ACCEPT), (_FROM_ROUTER, _DROP)), HOOK_INPUT, PRIORITY_FILTER),
        Chain("forward", ((_FROM_ROUTER, _TO_ROUTER, _DROP),), HOOK_FORWARD, PRIORITY_FILTER),
        Chain(
            "postrouting",
            ((_IS_IPV4, InSet((Payload("network", 12, 4),), "addresses"), Masquerade()),),
            HOOK_POSTROUTING,
            PRIORITY_SNAT,
            "nat",
        ),
    ),
    FAMILY_INET,
)
"""In the host's own namespace."""


def elements_of(routers: Iterable[Router], transits: Mapping[str, Transit]) -> frozenset[Element]:
    """What is in the sets and maps for the routers that have their way out through the host."""
    found: set[Element] = set()
    for router in routers:
        transit = transits.get(router.id)
        if not isinstance(router.uplink, HostUplink) or transit is None:
            continue
        found.add(Element("routers", uplink_host_name(router.id).encode().ljust(16, b"\0")))
        found.add(Element("addresses", transit.router.ip.packed))
        for forward in router.forwards:
            key = key_of(_NUMBERS[forward.protocol], forward.port.to_bytes(2))
            data = key_of(transit.router.ip.packed, forward.port.to_bytes(2))
            found.add(Element("forwards", key, data=data))
    return frozenset(found)
