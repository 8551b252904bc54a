"""Answers to requests as values, before they are encoded."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from typing import NamedTuple

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.counters import Drop
from netmend.services.dhcp4.link import Scope, find_scope
from netmend.services.dhcp4.request import Request


class Answer(NamedTuple):
    """The kind of reply, and the address it is about (RFC 2131 table 3)."""

    reply: int  # message type
    scope: Scope  # the subnet: its options are sent, and its server address identifies the server
    yiaddr: bytes = wire.NO_ADDRESS
    configured: bytes = wire.NO_ADDRESS  # an address that the client already answers at, to send to
    refusal: str = ""  # why, in a NAK


def claimed_address(request: Request) -> bytes | None:
    """The address that a REQUEST is about, by the state the client is in (RFC 2131 section 4.3.2).

    SELECTING: server identifier and requested address. INIT-REBOOT: requested address alone. RENEWING and REBINDING:
    `ciaddr` alone. None when the client names no address.
    """
    ciaddr = request.ciaddr
    if ciaddr == wire.NO_ADDRESS or request.server_identifier is not None:
        return request.requested or (ciaddr if ciaddr != wire.NO_ADDRESS else None)
    return ciaddr


def acknowledge(request: Request, scope: Scope, address: bytes) -> Answer:
    """A client that renews is reachable at its address; one that is being configured is not yet."""
    configured = address if request.ciaddr == address else wire.NO_ADDRESS
    return Answer(wire.MessageType.ACK, scope, address, configured)


def refuse(scope: Scope, text: str) -> Answer:
    return Answer(wire.MessageType.NAK, scope, refusal=text)


def inform(
    request: Request, link: Sequence[Scope], source: tuple[str, int] | None, owned_by_another: Callable[[int], bool]
) -> Answer | Drop:
    """Options for a client that has an address by other means (RFC 2131 section 4.3.5).

    Its address is `ciaddr`; where a client leaves that out, the datagram's source. It must be of this link,
    and not the address of another port, the gateway or the server, which would get the reply.
    """
    address = request.ciaddr
    if address == wire.NO_ADDRESS:
        if source is None or source[0] == "0.0.0.0":
            return Drop.BAD_FIELD
        address = IPv4Address(source[0]).packed
    scope = find_scope(link, address)
    if scope is None:
        return Drop.NO_SUBNET
    number = int.from_bytes(address, "big")
    if number in scope.infrastructure or owned_by_another(number):
        return Drop.NOT_ITS_ADDRESS
    return Answer(wire.MessageType.ACK, scope, configured=address)
