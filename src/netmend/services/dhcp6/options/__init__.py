"""Who sets which option: one file a concern, each with `options(facts)`, which gives payloads by code.

A provider says what *may* be sent. What the client asked for, in which order, and what fits is `rendering`'s business.
The client's own name differs from port to port, and is put in afterwards (`fqdn`).
"""

from netmend.services.dhcp6.options import boot, name_resolution, ntp, patience
from netmend.services.dhcp6.options.facts import Ask, Facts, Options, ask_of

PROVIDERS = (
    name_resolution.options,
    ntp.options,
    boot.options,
    patience.options,
)


def all_options(facts: Facts) -> dict[int, bytes]:
    """Everything that could be said, the port's own options winning; an empty one of those takes the option away."""
    result: dict[int, bytes] = {}
    for provider in PROVIDERS:
        result.update(provider(facts))
    result.update(facts.explicit)
    return {code: payload for code, payload in result.items() if payload}


__all__ = ["PROVIDERS", "Ask", "Facts", "Options", "all_options", "ask_of"]
