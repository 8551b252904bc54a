"""The options of DHCPv6 by family, one file each: `names`, `times`, `boot`.

Each gives payloads by code for the `facts` of a request: what *may* be sent. `rendering` decides what the client asked
for, in which order, and what fits. The client's own name differs from port to port, and is put in afterwards
(`names.fqdn_option`).
"""

from netmend.services.dhcp6.options import boot, names, times
from netmend.services.dhcp6.options.facts import Ask, Facts, Options, ask_of

PROVIDERS = (  # in the order in which a reply has them, where the client sets none
    names.options,
    times.ntp_servers,
    boot.options,
    times.waiting_times,
)


def all_options(facts: Facts) -> dict[int, bytes]:
    """All options of a client. The port's own options win, and an empty one of those takes the option away."""
    result: dict[int, bytes] = {}
    for provider in PROVIDERS:
        result.update(provider(facts))
    result.update(facts.explicit)
    return {code: payload for code, payload in result.items() if payload}


__all__ = ["PROVIDERS", "Ask", "Facts", "Options", "all_options", "ask_of"]
