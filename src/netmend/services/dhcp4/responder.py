"""The responder of one network: requests in, replies out, intent changes in between."""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from threading import Lock

from netmend.intent import Network, Port, Subnet
from netmend.services.dhcp4 import dynamic, reserved, wire
from netmend.services.dhcp4.counters import Counters, Drop
from netmend.services.dhcp4.directory import Directory, KnownClient, PortExtras
from netmend.services.dhcp4.exchange import Answer
from netmend.services.dhcp4.link import Scope, find_scope, select_link
from netmend.services.dhcp4.options import Ask, Facts, Options, ask_of
from netmend.services.dhcp4.rendering import Rendering, refusal, render
from netmend.services.dhcp4.reply import Reply, address_reply, compose, compose_refusal
from netmend.services.dhcp4.request import Request, parse_request
from netmend.services.leases.responder import LeasedResponder
from netmend.services.leases.rows import LeaseRow, PortJournal, row_of
from netmend.services.leases.table import LeaseTable
from netmend.services.shared.port_changes import changed_ports

RENDERINGS = 1024  # kept per network; clients of one kind ask alike, so tens are usual

_NO_EXTRAS = PortExtras((), (), None)


class Dhcp4Responder(LeasedResponder):
    """Answers the DHCPv4 requests of one network from its intent. Its methods may be called from different threads."""

    def __init__(
        self, network: Network, leases: LeaseTable | None = None, exhausted: Callable[[], None] = lambda: None
    ) -> None:
        """`leases` holds what was stored of the network's dynamic leases; without, there are none yet. `exhausted` is
        called, in the thread of `handle`, when `is_exhausted` becomes true."""
        super().__init__(leases, exhausted)
        self.counters = Counters()
        self._updating = Lock()  # held while a change is worked out, so that requests need not wait for that
        self._renderings: dict[tuple[Scope, PortExtras, Ask], Rendering] = {}
        self._journal = PortJournal()
        self._network = network
        self._scopes = tuple(map(Scope, network.subnets))
        self._directory = Directory(network, self._scopes)
        self._subnets_changed()

    @property
    def network(self) -> Network:
        return self._network

    def knows(self, mac: bytes) -> bool:
        """Whether a port has this MAC (6 octets)."""
        return mac in self._directory

    def handle(self, datagram: bytes, source: tuple[str, int] | None, now: float) -> Reply | None:
        """The reply to a UDP payload that came from `source`, None for silence. Never raises, whatever the bytes.

        `now` is in seconds since the epoch. When the answer rests on a new lease, `take_changes` gives something, and
        the reply must not leave before that is stored.
        """
        request = parse_request(datagram)
        with self._lock:
            if isinstance(request, Drop):
                self.counters.dropped[request] += 1
                return None
            self.counters.received[request.type] += 1
            reply = self._reply(request, source, now)
            if isinstance(reply, Drop):
                self.counters.dropped[reply] += 1
                return None
            return reply

    def update(self, network: Network) -> None:
        """Answer from this intent of the same network from now on. Work is in proportion to what changed."""
        with self._updating:
            old = self._network
            removed, added = changed_ports(old.ports, network.ports)
            with self._lock:
                self._change(old, network, removed, added)

    def leases(self, now: float) -> list[LeaseRow]:
        """Dynamic leases, and the ports that have been acknowledged or have declined their address."""
        with self._lock:
            return self._journal.rows(self._network.ports) + [
                row_of(lease, now, self._directory.port_id(lease.hardware)) for lease in self._leases
            ]

    def lease_holder(self, address: IPv4Address, now: float) -> str | None:
        """The MAC that an address is dynamically leased to; None when it is not."""
        with self._lock:
            hardware = self._leases.holder(int(address), now)
        return hardware.hex(":") if hardware is not None and len(hardware) == 6 else None

    # --- with the lock held ---------------------------------------------------------------------------------------

    def _reply(self, request: Request, source: tuple[str, int] | None, now: float) -> Reply | Drop:
        link = select_link(request, self._scopes)
        if not link:
            return Drop.NO_SUBNET
        client = self._directory.find(request.mac, request.options.get(wire.CLIENT_IDENTIFIER))
        if client is None or (not client.port.fixed_ips and any(scope.dynamic for scope in link)):
            answer = dynamic.answer(
                request,
                link,
                directory=self._directory,
                leases=self._leases,
                servers=self._servers,
                source=source,
                now=now,
                port=None if client is None else client.port,
            )
        else:
            answer = reserved.answer(
                request,
                client,
                link,
                directory=self._directory,
                servers=self._servers,
                source=source,
                journal=self._journal,
                now=now,
            )
        if isinstance(answer, Drop):
            if answer is Drop.POOL_EXHAUSTED:
                self._note_turned_away(now)
            return answer
        payload = self._put_into_words(request, answer, client)
        if payload is None:
            return Drop.NO_ROOM
        self.counters.sent[answer.reply] += 1
        return address_reply(request, answer, payload)

    def _put_into_words(self, request: Request, answer: Answer, client: KnownClient | None) -> bytes | None:
        scope = answer.scope
        if answer.reply == wire.MessageType.NAK:
            return compose_refusal(request, refusal(scope.server, answer.refusal))
        extras = _NO_EXTRAS if client is None else client.extras
        ask = ask_of(request, answer.reply)
        key = (scope, extras, ask)
        rendering = self._renderings.get(key)
        if rendering is None:
            if len(self._renderings) >= RENDERINGS:  # a guest that asks ever differently costs a rendering each time
                del self._renderings[next(iter(self._renderings))]
            explicit = _explicit(scope.subnet, extras, ask)
            boot, network = extras.boot or scope.subnet.boot, self._network
            facts = Facts(network.mtu, scope.subnet, boot, explicit, ask, network.dns)
            rendering = self._renderings[key] = render(facts, scope.server)
        hostname = client.hostname if client else b""
        return compose(request, answer, rendering, hostname, self._network.mtu)

    def _change(self, old: Network, network: Network, removed: list[Port], added: list[Port]) -> None:
        self._network = network
        self._directory.change(removed, added)
        self._journal.forget(removed, network.ports)
        if (network.subnets, network.mtu, network.dns) != (old.subnets, old.mtu, old.dns):
            self._scopes = tuple(map(Scope, network.subnets))
            self._directory.rescope(self._scopes)
            self._subnets_changed()
        else:
            self._return_to_pools(removed)

    def _subnets_changed(self) -> None:
        self._renderings.clear()
        self._servers = frozenset(scope.server for scope in self._scopes)
        self._configure_leases()

    def _configure_leases(self) -> None:
        self._leases.keep_only({scope.subnet.id for scope in self._scopes if scope.dynamic})
        for scope in self._scopes:
            if scope.dynamic:
                leases = self._leases.of(scope.subnet.id)
                leases.configure(scope.subnet, scope.infrastructure, self._directory.owners)

    def _return_to_pools(self, removed: Iterable[Port]) -> None:
        for port in removed:
            for ip in port.fixed_ips:
                scope = find_scope(self._scopes, ip.packed)
                if scope and scope.dynamic:
                    self._leases.of(scope.subnet.id).make_available(int(ip))


def _explicit(subnet: Subnet, extras: PortExtras, ask: Ask) -> Options:
    """The options that an operator set by number or name: the subnet's, and the port's, which win."""
    own = extras.ipxe_options if ask.ipxe else extras.options
    if not subnet.dhcp_options:
        return own
    options = dict(subnet.dhcp_options)
    if extras.boot or (ask.ipxe and subnet.boot and subnet.boot.ipxe):  # it says more than the subnet's options do
        options.pop(wire.TFTP_SERVER_NAME, None)
        options.pop(wire.BOOTFILE_NAME, None)
    return {**options, **own}
