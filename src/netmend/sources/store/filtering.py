"""Whether the rules of security groups are asked about what a port sends and is sent."""

from typing import Final

from netmend.sources.store.transaction import Document

FILTERED: Final = "filtered"  # `netmend.filtered` of a port: false where no rules are asked
_TRUSTED = ("network:", "neutron:")  # device owners that are part of the network itself: Neutron filters none of them


def is_trusted(port: Document) -> bool:
    """Whether the port belongs to the network itself, which no security group is for."""
    return str(port["device_owner"]).startswith(_TRUSTED)


def is_exempt(port: Document) -> bool:
    """Whether its owner wants no rules to be asked, as for all ports that are older than security groups here."""
    return port["netmend"].get(FILTERED) is False


def is_filtered(port: Document) -> bool:
    """Whether the port passes nothing but what the rules of its groups allow; without groups, nothing."""
    return bool(port["port_security_enabled"]) and not is_trusted(port) and not is_exempt(port)
