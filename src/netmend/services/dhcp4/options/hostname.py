"""Host name (12): RFC 2132 section 3.14.

It differs from port to port where all else is alike, so it is not part of the rendered options that ports share: a
rendering has a place for it, and this is what goes there.
"""

from netmend.intent import Port
from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.tlv import encode


def hostname_option(port: Port) -> bytes:
    """The encoded option, empty when the port has no name or sets option 12 by itself."""
    if not port.hostname or any(code == wire.HOST_NAME for code, _ in port.dhcp_options):
        return b""
    return encode(wire.HOST_NAME, port.hostname.encode())
