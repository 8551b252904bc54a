"""The facts that an option's value may depend on."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from netmend.intent import Boot, Dns, Subnet
from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.request import Request

Options = Mapping[int, bytes]  # payload by code


class Ask(NamedTuple):
    """The part of a request that shapes the options of its reply, without what is echoed: the key of cached replies."""

    reply: int  # message type of the reply
    wanted: bytes | None  # option 55, in the client's order
    architectures: bytes | None  # option 93, as sent
    http_boot: bool
    auto_configure: bool  # the client understands option 116
    inform: bool  # an answer to INFORM, so without an address
    ipxe: bool  # the client is iPXE


_IPXE = b"iPXE"  # in its user class, which it sends without the lengths of RFC 3004
_HTTP_CLIENT = b"HTTPClient"  # UEFI specification, "HTTP Boot": start of the vendor class


def ask_of(request: Request, reply: int) -> Ask:
    options = request.options
    return Ask(
        reply,
        options.get(wire.PARAMETER_REQUEST_LIST),
        options.get(wire.CLIENT_ARCHITECTURE),
        wire.VENDOR_CLASS in options and options[wire.VENDOR_CLASS].startswith(_HTTP_CLIENT),
        wire.AUTO_CONFIGURE in options,
        request.type == wire.MessageType.INFORM,
        wire.IPXE_ENCAPSULATED in options or (wire.USER_CLASS in options and _IPXE in options[wire.USER_CLASS]),
    )


class Facts(Struct, frozen=True):
    """One subnet, what a port adds to it, and what the client asked."""

    mtu: int
    subnet: Subnet
    boot: Boot | None  # the port's, else the subnet's
    explicit: Options  # the port's own options; they win
    ask: Ask
    dns: Dns | None = None  # the network's
