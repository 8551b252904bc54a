"""The facts that an option's value may depend on."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from netmend.intent import Dns, Subnet6
from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.request import Request
from netmend.services.dhcp6.wire import MessageType

Options = Mapping[int, bytes]  # payload by code


_IPXE = b"\x00\x04iPXE"  # its user class, with its length (RFC 8415 section 21.15)


class Ask(NamedTuple):
    """The part of a request that shapes the options of its reply, but the client's name: the key of cached replies."""

    wanted: bytes | None  # the option request option (RFC 8415 section 21.7), in the client's order
    information: bool  # an answer to Information-request, so without an address
    ipxe: bool  # the client is iPXE


def ask_of(request: Request) -> Ask:
    return Ask(
        request.options.get(wire.OPTION_REQUEST),
        request.type == MessageType.INFORMATION_REQUEST,
        _IPXE in request.options.get(wire.USER_CLASS, b""),
    )


class Facts(Struct, frozen=True):
    """One subnet, what a port adds to it, and what the client asked."""

    subnet: Subnet6
    dns: Dns | None  # the network's own resolver
    explicit: Options  # the port's own options; they win
    ask: Ask
