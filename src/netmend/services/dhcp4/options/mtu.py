"""Interface MTU (26): RFC 2132 section 5.1."""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options


def options(facts: Facts) -> Options:
    return {wire.INTERFACE_MTU: facts.mtu.to_bytes(2, "big")}
