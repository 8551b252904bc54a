"""Answers to a MAC that is no port's, and to a port without fixed IPs: a lease from the pools of a dynamic subnet, or
silence.

| client says | answer |
|---|---|
| DISCOVER | OFFER: the address it has or had, the one it asks for, any; silence when the pools are exhausted |
| REQUEST, SELECTING | ACK when the address is (still) to be had, else NAK; another server: offer forgotten |
| REQUEST, INIT-REBOOT, RENEWING, REBINDING | ACK on the recorded address; NAK on any other of a recorded client, |
| | and on an address of another network; silence when the server has no record (RFC 2131 section 4.3.2) |
| INFORM | ACK with options, no address; silence when the address is a port's |
| DECLINE | the address is kept away from everybody for a while |
| RELEASE | the lease ends |
"""

from netmend.intent import Port
from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.counters import Drop
from netmend.services.dhcp4.directory import Directory
from netmend.services.dhcp4.exchange import Answer, acknowledge, claimed_address, inform, refuse
from netmend.services.dhcp4.link import Scope, find_scope
from netmend.services.dhcp4.request import Request
from netmend.services.leases.names import label_of, label_of_fqdn
from netmend.services.leases.table import LeaseTable

_Type = wire.MessageType


def answer(
    request: Request,
    link: tuple[Scope, ...],
    *,
    directory: Directory,
    leases: LeaseTable,
    servers: frozenset[bytes],
    source: tuple[str, int] | None,
    now: float,
    port: Port | None = None,
) -> Answer | Drop:
    """`port` is the client, if it is a port: then it has one lease, whatever identifier its stages of boot send."""
    pools = tuple(scope for scope in link if scope.dynamic)
    if not pools:
        return Drop.UNKNOWN_CLIENT
    key = _key_of(request, port, pools, leases)
    kind = request.type
    if kind == _Type.DISCOVER:
        return _discover(request, key, pools, leases, now)
    if kind == _Type.REQUEST:
        return _request(request, key, link=link, pools=pools, leases=leases, servers=servers, now=now)
    if kind == _Type.INFORM:
        return inform(request, pools, source, directory.owners.__contains__)
    server = request.server_identifier
    if server not in servers:
        return Drop.OTHER_SERVER if server else Drop.BAD_FIELD
    named = request.requested if kind == _Type.DECLINE else request.ciaddr
    scope = find_scope(pools, named) if named else None
    if named is None or scope is None:
        return Drop.NOT_ITS_ADDRESS
    of_subnet = leases.of(scope.subnet.id)
    act = of_subnet.decline if kind == _Type.DECLINE else of_subnet.release
    return Drop.NOTED if act(key, int.from_bytes(named, "big"), now) else Drop.NOT_ITS_ADDRESS


def _key_of(request: Request, port: Port | None, pools: tuple[Scope, ...], leases: LeaseTable) -> bytes:
    """The client's key: a port's id, unless the subnet says otherwise."""
    by_client = request.client_key
    if port is None or pools[0].subnet.lease_per == "client":
        return by_client
    key = b"p" + port.id.encode()
    for scope in pools:
        of_subnet = leases.of(scope.subnet.id)
        if of_subnet.find(key) is None:
            of_subnet.take_over(by_client, key, request.hardware)
    return key


def _label_of(request: Request) -> bytes:
    """The client's name for itself, as a label of DNS; b"" without one, or when it may not have that one."""
    options = request.options
    if wire.HOST_NAME in options:
        return label_of(options[wire.HOST_NAME])
    return label_of_fqdn(options[wire.CLIENT_FQDN]) if wire.CLIENT_FQDN in options else b""


def _discover(request: Request, key: bytes, pools: tuple[Scope, ...], leases: LeaseTable, now: float) -> Answer | Drop:
    requested = request.requested
    wanted = int.from_bytes(requested, "big") if requested else None
    # The subnet where the client is on record comes first, then the one it asks for, then intent's order.
    for scope in sorted(
        pools,
        key=lambda scope: (leases.of(scope.subnet.id).find(key) is None, wanted is None or wanted not in scope),
    ):
        lease = leases.of(scope.subnet.id).offer(key, request.hardware, wanted, now)
        if lease:
            return Answer(_Type.OFFER, scope, lease.address.to_bytes(4, "big"))
    leases.turned_away = now
    return Drop.POOL_EXHAUSTED


def _request(
    request: Request,
    key: bytes,
    *,
    link: tuple[Scope, ...],
    pools: tuple[Scope, ...],
    leases: LeaseTable,
    servers: frozenset[bytes],
    now: float,
) -> Answer | Drop:
    server = request.server_identifier
    if server is not None and server not in servers:
        for pool in pools:
            leases.of(pool.subnet.id).withdraw(key)
        return Drop.OTHER_SERVER
    claimed = claimed_address(request)
    if claimed is None:
        return Drop.BAD_FIELD
    if find_scope(link, claimed) is None:
        return refuse(pools[0], "the address is of another network")
    on_record = next((scope for scope in pools if leases.of(scope.subnet.id).find(key)), None)
    if server is None and on_record is None:
        return Drop.NO_RECORD
    scope = find_scope(pools, claimed)
    if scope is None:
        return refuse(on_record or pools[0], "the address is not to be leased")
    of_subnet, address = leases.of(scope.subnet.id), int.from_bytes(claimed, "big")
    if server is None:
        record = of_subnet.find(key)
        if record is None or record.address != address:
            return refuse(scope, "the address is not this client's")
    if of_subnet.acquire(key, request.hardware, address, now, _label_of(request)) is None:
        return refuse(scope, "the address is no longer available")
    return acknowledge(request, scope, claimed)
