"""Subnet mask (1) and broadcast address (28): RFC 2132 sections 3.3 and 5.3."""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options


def options(facts: Facts) -> Options:
    cidr = facts.subnet.cidr
    return {wire.SUBNET_MASK: cidr.netmask.packed, wire.BROADCAST_ADDRESS: cidr.broadcast_address.packed}
