"""What the host translates and lets through for routers that have their way out through it: one table of nftables of
netmend's own, beside whatever firewall the host has. A packet must pass both.

A router may not reach the host itself, nor another router by way of it: those are networks that are kept apart.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from netmend.ground.nftables import (
    ACCEPT,
    DROP,
    FAMILY_INET,
    HOOK_FORWARD,
    HOOK_INPUT,
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
    Element,
    InSet,
    LocalAddress,
    Masquerade,
    Match,
    Meta,
    Payload,
    Set,
    Table,
    Translate,
    bits,
    key_of,
    key_of_name,
)
from netmend.intent.names import uplink_host_name
from netmend.intent.router import HostUplink, Router
from netmend.routing.rules import IS_ANSWER, NUMBERS
from netmend.routing.transit import Transit

_FROM_ROUTER: Final = InSet((Meta("iifname"),), "routers")
_TO_ROUTER: Final = InSet((Meta("oifname"),), "routers")
_FORWARDS: Final = Translate("destination", (Meta("l4proto"), Payload("transport", 2, 2)), "forwards", port=True)
_RTN_LOCAL: Final = 2

TABLE: Final = Table(
    "netmend",
    (
        Set("routers", (IFNAME,)),
        Set("addresses", (IPV4_ADDR,)),
        Set("forwards", (INET_PROTO, INET_SERVICE), data=(IPV4_ADDR, INET_SERVICE)),
    ),
    (
        Chain(
            "prerouting",
            tuple(
                (
                    IS_IPV4,
                    InSet((Meta("iifname"),), "routers", unless=True),
                    Match(LocalAddress(), bits(_RTN_LOCAL)),
                    Match(Meta("l4proto"), number),
                    _FORWARDS,
                )
                for number in NUMBERS.values()
            ),
            HOOK_PREROUTING,
            PRIORITY_DNAT,
            "nat",
        ),
        Chain("input", ((_FROM_ROUTER, IS_ANSWER, ACCEPT), (_FROM_ROUTER, DROP)), HOOK_INPUT, PRIORITY_FILTER),
        Chain("forward", ((_FROM_ROUTER, _TO_ROUTER, DROP),), HOOK_FORWARD, PRIORITY_FILTER),
        Chain(
            "postrouting",
            ((IS_IPV4, InSet((Payload("network", 12, 4),), "addresses"), Masquerade()),),
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
        found.add(Element("routers", key_of_name(uplink_host_name(router.id))))
        found.add(Element("addresses", transit.router.ip.packed))
        for forward in router.forwards:
            key = key_of(NUMBERS[forward.protocol], forward.port.to_bytes(2))
            data = key_of(transit.router.ip.packed, forward.port.to_bytes(2))
            found.add(Element("forwards", key, data=data))
    return frozenset(found)
