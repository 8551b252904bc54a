"""What a request is answered with, before it is put into words."""

from typing import NamedTuple

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.link import Scope
from netmend.services.dhcp4.request import Request


class Answer(NamedTuple):
    """The kind of reply, and the address it is about (RFC 2131 table 3)."""

    reply: int  # message type
    scope: Scope  # the subnet whose options are sent, and whose server address identifies the server
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


def informed_address(request: Request, source: tuple[str, int] | None) -> bytes | None:
    """The address of a client that sends INFORM: `ciaddr`; where a client leaves it out, the datagram's source."""
    ciaddr = request.ciaddr
    if ciaddr != wire.NO_ADDRESS:
        return ciaddr
    if source is None or source[0] == "0.0.0.0":
        return None
    return bytes(map(int, source[0].split(".")))
