"""Who sets which option: one file a concern, each with `options(facts)`, which gives payloads by code.

A provider says what *may* be sent. What the client asked for, in which order, and what fits is `rendering`'s business.
The host name is the only option that differs from port to port as a rule, and is put in afterwards (`hostname`).
"""

from netmend.services.dhcp4.options import (
    addressing,
    auto_configure,
    boot,
    lease_time,
    mtu,
    name_resolution,
    ntp,
    routing,
)
from netmend.services.dhcp4.options.facts import Ask, Facts, Options, ask_of

PROVIDERS = (
    addressing.options,
    routing.options,
    name_resolution.options,
    mtu.options,
    ntp.options,
    lease_time.options,
    boot.options,
    auto_configure.options,
)


def all_options(facts: Facts) -> dict[int, bytes]:
    """Everything that could be said, the port's own options winning; an empty one of those takes the option away."""
    result: dict[int, bytes] = {}
    for provider in PROVIDERS:
        result.update(provider(facts))
    result.update(lease_time.without_times(facts.explicit) if facts.ask.inform else facts.explicit)
    return {code: payload for code, payload in result.items() if payload}


__all__ = ["PROVIDERS", "Ask", "Facts", "Options", "all_options", "ask_of"]
