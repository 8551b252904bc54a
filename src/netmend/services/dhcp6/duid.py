"""DUIDs (RFC 8415 section 11): the server's own, and the hardware addresses that those of clients show."""

from uuid import UUID

from netmend.intent import Network
from netmend.intent.eui64 import mac_in
from netmend.intent.names import dhcp_port
from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.wire import DuidType

_ETHERNET = wire.HARDWARE_ETHERNET.to_bytes(2, "big")
_LINK_LAYER = DuidType.LINK_LAYER.to_bytes(2, "big") + _ETHERNET
_LINK_LAYER_TIME = DuidType.LINK_LAYER_TIME.to_bytes(2, "big") + _ETHERNET


def server_duid(network: Network) -> bytes:
    """Netmend's DUID on a network: DUID-UUID (RFC 6355) of the id of its port there, and so the same for ever."""
    return DuidType.UUID.to_bytes(2, "big") + UUID(dhcp_port(network).id).bytes


def mac_of_duid(duid: bytes) -> bytes | None:
    """The MAC in a DUID-LL or DUID-LLT of Ethernet (sections 11.2 and 11.4), None in any other."""
    if duid.startswith(_LINK_LAYER) and len(duid) == 10:
        return duid[4:]
    if duid.startswith(_LINK_LAYER_TIME) and len(duid) == 14:
        return duid[8:]
    return None


def mac_of_link_local(address: bytes) -> bytes | None:
    """The MAC from which a link-local address was made (RFC 4291 appendix A), None if it was not made so."""
    return mac_in(address[8:]) if address[:8] == b"\xfe\x80" + bytes(6) else None
