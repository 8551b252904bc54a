"""The options of DHCPv4 by family, one file each: `interface`, `routing`, `names`, `times`, `boot`.

Each gives payloads by code for the `facts` of a request: what *may* be sent. `rendering` decides what the client asked
for, in which order, and what fits. The host name alone differs from port to port as a rule, and is put in afterwards
(`names.hostname_option`).
"""

from netmend.services.dhcp4.options import boot, interface, names, routing, times
from netmend.services.dhcp4.options.facts import Ask, Facts, Options, ask_of

PROVIDERS = (  # in the order in which a reply has them, where the client sets none
    interface.addressing,
    routing.options,
    names.servers_and_domain,
    interface.mtu,
    times.ntp_servers,
    times.lease_times,
    boot.options,
    interface.auto_configure,
)


def all_options(facts: Facts) -> dict[int, bytes]:
    """All options of a client. The port's own options win, and an empty one of those takes the option away."""
    result: dict[int, bytes] = {}
    for provider in PROVIDERS:
        result.update(provider(facts))
    result.update(times.without_lease_times(facts.explicit) if facts.ask.inform else facts.explicit)
    return {code: payload for code, payload in result.items() if payload}


__all__ = ["PROVIDERS", "Ask", "Facts", "Options", "all_options", "ask_of"]
