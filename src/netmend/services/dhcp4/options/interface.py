"""The guest's interface: subnet mask (1) and broadcast address (28), RFC 2132 sections 3.3 and 5.3; MTU (26), section
5.1; auto-configure (116), RFC 2563.

Auto-configure is answered in an OFFER to a client that sent it: "may auto-configure" (1), unless the port's own options
say otherwise. Together with an address its value is moot; a port without an address here and with `auto-config: false`
learns that it shall stay without one (see `exchange`).
"""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options

DO_NOT, MAY = b"\x00", b"\x01"


def addressing(facts: Facts) -> Options:
    cidr = facts.subnet.cidr
    broadcast = cidr.broadcast_address.packed if cidr.prefixlen < 31 else b""  # RFC 3021 section 2.2
    return {wire.SUBNET_MASK: cidr.netmask.packed, wire.BROADCAST_ADDRESS: broadcast}


def mtu(facts: Facts) -> Options:
    return {wire.INTERFACE_MTU: facts.mtu.to_bytes(2, "big")}


def auto_configure(facts: Facts) -> Options:
    return {wire.AUTO_CONFIGURE: MAY}
