"""The responder of one network: requests in, replies out, intent changes in between."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import NamedTuple

from netmend.intent import Network, Port
from netmend.services.dhcp6 import acceptance, conversation, tlv, wire
from netmend.services.dhcp6.counters import Counters, Drop
from netmend.services.dhcp6.directory import Directory, KnownClient, PortExtras
from netmend.services.dhcp6.duid import mac_of_duid, mac_of_link_local, server_duid
from netmend.services.dhcp6.dynamic import DynamicBindings, duid_of
from netmend.services.dhcp6.exchange import Answer, Bindings
from netmend.services.dhcp6.link import Scope, find_scope, scopes_of, select_link
from netmend.services.dhcp6.options import Ask, Facts, ask_of
from netmend.services.dhcp6.options.names import domain_of, fqdn_option, wants_update
from netmend.services.dhcp6.ra import routers
from netmend.services.dhcp6.relay import Envelope, open_envelopes, put_in_envelopes
from netmend.services.dhcp6.rendering import Rendering, render
from netmend.services.dhcp6.reply import Reply, compose, destination_port
from netmend.services.dhcp6.request import Request, parse_request
from netmend.services.dhcp6.reserved import ReservedBindings
from netmend.services.dhcp6.wire import MessageType, Status
from netmend.services.leases.names import label_of_wire
from netmend.services.leases.responder import LeasedResponder
from netmend.services.leases.rows import LeaseRow, PortJournal, row_of
from netmend.services.leases.table import LeaseTable
from netmend.services.shared.port_changes import changed_ports

RENDERINGS = 1024  # kept per network; clients of one kind ask alike, so tens are usual

_NO_EXTRAS = PortExtras(())


class Sender(NamedTuple):
    """The sender of a datagram, and the way of the datagram."""

    address: bytes  # IPv6 source, 16 octets
    port: int
    mac: bytes | None = None  # of the frame; None where that is not known
    unicast: bool = False  # to an address of ours, and not to the servers' group


class Dhcp6Responder(LeasedResponder):
    """Answers the DHCPv6 requests of one network from its intent. Its methods may be called from different threads."""

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
        self._scopes = scopes_of(network)
        self._directory = Directory(network, self._scopes)
        self._network_changed()

    @property
    def network(self) -> Network:
        return self._network

    @property
    def duid(self) -> bytes:
        """Netmend's own DUID on this network."""
        return self._duid

    @property
    def routers(self) -> frozenset[bytes]:
        """The link-local addresses of the routers that are to be advertised."""
        with self._lock:
            return routers(self._network, self._directory.owners.get)

    def knows(self, mac: bytes) -> bool:
        """Whether a port has this MAC (6 octets)."""
        return mac in self._directory

    def handle(self, datagram: bytes, sender: Sender, now: float) -> Reply | None:
        """The reply to a UDP payload, None for silence. Never raises, whatever the bytes.

        `now` is in seconds since the epoch. When the answer rests on a new lease, `take_changes` gives something, and
        the reply must not leave before that is stored.
        """
        reply = self._handle(datagram, sender, now)
        if isinstance(reply, Drop):
            with self._lock:
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
        """Dynamic leases, and the addresses that ports were given or have declined."""
        with self._lock:
            return self._journal.rows(self._network.ports) + [
                row_of(lease, now, self._directory.port_id(lease.hardware), duid_of(lease.client))
                for lease in self._leases
            ]

    def _handle(self, datagram: bytes, sender: Sender, now: float) -> Reply | Drop:
        if len(datagram) > wire.DATAGRAM_LIMIT:
            return Drop.TOO_LONG
        opened = open_envelopes(datagram)
        if isinstance(opened, Drop):
            return opened
        envelopes, message = opened
        request = parse_request(message)
        if isinstance(request, Drop):
            return request
        with self._lock:
            self.counters.received[request.type] += 1
            self.counters.relayed += bool(envelopes)
            return self._reply(request, envelopes, sender, now)

    # --- with the lock held ---------------------------------------------------------------------------------------

    def _reply(self, request: Request, envelopes: list[Envelope], sender: Sender, now: float) -> Reply | Drop:
        unicast = sender.unicast and not envelopes
        why = acceptance.why_discard(request, self._duid, unicast=unicast)
        if why is not None:
            return why
        link = select_link(envelopes, self._scopes)
        if not any(scope.speaks for scope in link):
            return Drop.NO_SUBNET
        client = self._client(request, envelopes, sender)
        if unicast:
            answer: Answer | Drop = Answer(MessageType.REPLY, status=Status.USE_MULTICAST)
        else:
            seen = _seen_mac(envelopes, sender)
            bindings = self._bindings(request, client, link=link, seen=seen, now=now)
            answer = conversation.answer(request, link, bindings)
            if self._leases.turned_away == now:
                self._note_turned_away(now)
        if isinstance(answer, Drop):
            return answer
        room = self._network.mtu - wire.HEADERS
        overhead = len(put_in_envelopes(b"", envelopes)) if envelopes else 0
        payload = self._put_into_words(request, answer, client, room - overhead)
        if payload is None:
            return Drop.NO_ROOM
        self.counters.sent[answer.reply] += 1
        return Reply(put_in_envelopes(payload, envelopes), destination_port(envelopes, sender.port))

    def _client(self, request: Request, envelopes: list[Envelope], sender: Sender) -> KnownClient | None:
        """The port that the client is.

        The MAC of the frame decides, or the one that the relay saw: the rest is only said, and a guest's second card
        shows the DUID of the first. A DUID that intent gives a port comes next; then, only where no MAC was seen, the
        one of which the client's address or DUID is made.
        """
        directory = self._directory
        mac = _seen_mac(envelopes, sender)
        if mac is not None and (client := directory.client(mac)):
            return client
        duid = request.client or b""
        if named := directory.mac_of_duid(duid):
            return directory.client(named)
        if mac is not None:
            return None
        peer = envelopes[-1].peer if envelopes else sender.address
        for shown in (mac_of_link_local(peer), mac_of_duid(duid)):
            if shown is not None and (client := directory.client(shown)):
                return client
        return None

    def _bindings(
        self,
        request: Request,
        client: KnownClient | None,
        *,
        link: tuple[Scope, ...],
        seen: bytes | None,
        now: float,
    ) -> Bindings | None:
        pools = tuple(scope for scope in link if scope.dynamic)
        duid = request.client
        if client is not None and (client.addresses or not pools):
            return ReservedBindings(request, client, link, self._journal, now)
        if not pools or duid is None:
            return None
        hardware = seen or mac_of_duid(duid)
        bindings = DynamicBindings(duid, hardware, pools, self._leases, now, label=_label_of(request))
        if client is not None and pools[0].subnet.lease_per == "port":
            bindings.be_port(client.port.id, request.associations)
        return bindings

    def _put_into_words(self, request: Request, answer: Answer, client: KnownClient | None, limit: int) -> bytes | None:
        scope = answer.scope
        if scope is None:
            return compose(request, answer, self._server, rendering=None, name=b"", limit=limit)
        extras = _NO_EXTRAS if client is None else client.extras
        key = (scope, extras, ask_of(request))
        rendering = self._renderings.get(key)
        if rendering is None:
            if len(self._renderings) >= RENDERINGS:  # a guest that asks ever differently costs a rendering each time
                del self._renderings[next(iter(self._renderings))]
            own = extras.ipxe_options if key[2].ipxe else extras.options
            explicit = {**dict(scope.subnet.dhcp6_options), **own}
            facts = Facts(scope.subnet, self._network.dns, explicit, key[2])
            rendering = self._renderings[key] = render(facts)
        name = b""
        said = request.options.get(wire.CLIENT_FQDN)
        if (
            client is not None
            and client.port.hostname
            and not rendering.name_given
            and (rendering.name_wanted or said is not None)  # RFC 4704 section 6
        ):
            domain = domain_of(scope.subnet, self._network.dns)
            name = fqdn_option(client.port.hostname, domain, update_wanted=wants_update(said))
        return compose(request, answer, self._server, rendering=rendering, name=name, limit=limit)

    def _change(self, old: Network, network: Network, removed: list[Port], added: list[Port]) -> None:
        self._network = network
        self._directory.change(removed, added)
        self._journal.forget(removed, network.ports)
        if network.subnets6 != old.subnets6 or network.dns != old.dns or network.dhcp_port != old.dhcp_port:
            self._scopes = scopes_of(network)
            self._directory.rescope(self._scopes)
            self._network_changed()
        else:
            self._return_to_pools(removed)

    def _network_changed(self) -> None:
        self._duid = server_duid(self._network)
        self._server = tlv.encode(wire.SERVER_IDENTIFIER, self._duid)
        self._renderings.clear()
        self._configure_leases()

    def _configure_leases(self) -> None:
        self._leases.keep_only({scope.subnet.id for scope in self._scopes if scope.dynamic})
        for scope in self._scopes:
            if scope.dynamic:
                leases = self._leases.of(scope.subnet.id)
                leases.configure(scope.subnet, scope.infrastructure, self._directory.owners)

    def _return_to_pools(self, removed: Iterable[Port]) -> None:
        for port in removed:
            for ip in port.fixed_ips6:
                scope = find_scope(self._scopes, ip.packed)
                if scope and scope.dynamic:
                    self._leases.of(scope.subnet.id).make_available(int(ip))


def _label_of(request: Request) -> bytes:
    """The client's name for itself, as a label of DNS (RFC 4704 section 4.2); b"" without one."""
    return label_of_wire(request.options.get(wire.CLIENT_FQDN, b"")[1:])


def _seen_mac(envelopes: list[Envelope], sender: Sender) -> bytes | None:
    """The client's MAC as we saw it, or the relay nearest to it."""
    return envelopes[-1].client_mac if envelopes else sender.mac
