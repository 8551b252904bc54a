"""Answers to a port with fixed IPs: the one on the link that it asks from, and nothing else.

| client says | answer |
|---|---|
| DISCOVER | OFFER of the fixed IP (the requested one, when the port has several here) |
| REQUEST for a fixed IP of its own on this link | ACK |
| REQUEST for another address | NAK: the server knows better (RFC 2131 section 4.3.2) |
| REQUEST that names another server | silence |
| INFORM | ACK with options, no address; silence when the address is another port's |
| DECLINE of its fixed IP | noted for status: another uses the port's address |
| RELEASE | noted; the address stays the port's |
"""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.counters import Drop
from netmend.services.dhcp4.directory import Directory, FixedAddress, KnownClient
from netmend.services.dhcp4.exchange import Answer, acknowledge, claimed_address, inform, refuse
from netmend.services.dhcp4.link import Scope, find_scope
from netmend.services.dhcp4.options.interface import DO_NOT
from netmend.services.dhcp4.request import Request
from netmend.services.leases.rows import PortJournal

_Type = wire.MessageType


def answer(
    request: Request,
    client: KnownClient,
    link: tuple[Scope, ...],
    *,
    directory: Directory,
    servers: frozenset[bytes],
    source: tuple[str, int] | None,
    journal: PortJournal,
    now: float,
) -> Answer | Drop:
    here = client.addresses
    if len(link) == 1:
        here = tuple(address for address in here if address.scope is link[0])
    kind = request.type
    if kind == _Type.DISCOVER:
        return _discover(request, client, here, link)
    if kind == _Type.REQUEST:
        decision = _request(request, here, client, link, servers)
        if isinstance(decision, Answer) and decision.reply == _Type.ACK:
            journal.bound[client.port.id, decision.yiaddr] = now
        return decision
    if kind == _Type.INFORM:
        own = client.port
        return inform(request, link, source, lambda number: directory.owners.get(number, own) is not own)
    server = request.server_identifier
    if server not in servers:
        return Drop.OTHER_SERVER if server else Drop.BAD_FIELD
    named = request.requested if kind == _Type.DECLINE else request.ciaddr
    if all(address.packed != named for address in client.addresses) or named is None:
        return Drop.NOT_ITS_ADDRESS
    if kind == _Type.DECLINE:
        journal.declined[client.port.id, named] = now
    else:
        journal.bound.pop((client.port.id, named), None)
    return Drop.NOTED


def _discover(
    request: Request, client: KnownClient, here: tuple[FixedAddress, ...], link: tuple[Scope, ...]
) -> Answer | Drop:
    if not here:
        # RFC 2563 section 3: an OFFER of no address tells the client to do without one.
        if wire.AUTO_CONFIGURE in request.options and client.extras.options.get(wire.AUTO_CONFIGURE) == DO_NOT:
            return Answer(_Type.OFFER, link[0])
        return Drop.NO_ADDRESS
    chosen = here[0]
    if len(here) > 1:
        chosen = next((address for address in here if address.packed == request.requested), chosen)
    return Answer(_Type.OFFER, chosen.scope, chosen.packed)


def _request(
    request: Request,
    here: tuple[FixedAddress, ...],
    client: KnownClient,
    link: tuple[Scope, ...],
    servers: frozenset[bytes],
) -> Answer | Drop:
    server = request.server_identifier
    if server is not None and server not in servers:
        return Drop.OTHER_SERVER
    claimed = claimed_address(request)
    if claimed is None:
        return Drop.BAD_FIELD
    for address in here:
        if address.packed == claimed:
            return acknowledge(request, address.scope, claimed)
    if here:
        return refuse(here[0].scope, "the address is not this client's")
    if not client.addresses:
        return Drop.NO_ADDRESS
    if find_scope(link, claimed) is None:
        return refuse(link[0], "the address is of another network")
    return Drop.NO_RECORD
