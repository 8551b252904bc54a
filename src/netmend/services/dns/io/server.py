"""DNS on all networks of a node, in one thread of its own, so that nothing here delays a lease."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import asdict

from netmend.intent import DnsServer, Network
from netmend.services.dns import DnsResponder, Domains
from netmend.services.dns.io.forwarder import Asking, Forwarder
from netmend.services.dns.io.limits import Limits, Traffic
from netmend.services.dns.io.served import Served
from netmend.services.dns.io.tcp import Connections, Listener, NodeConnections
from netmend.services.dns.io.udp import UdpEndpoint
from netmend.services.leases.names import LeasedNames
from netmend.services.shared.counters import SocketCounters
from netmend.services.shared.io.datagrams import OnError
from netmend.services.shared.io.loop import Loop


class _Network:
    """The open sockets of one network."""

    def __init__(self, served: Served, connections: Connections) -> None:
        self.served, self.connections = served, connections
        self.endpoints: list[UdpEndpoint] = []
        self.listeners: list[Listener] = []

    def counters(self) -> list[SocketCounters]:
        return [endpoint.counters for endpoint in self.endpoints]


class DnsSockets:
    """Serves networks until closed. Thread-safe, with one call at a time for any one network."""

    def __init__(
        self,
        on_error: OnError,
        host_servers: Callable[[], Sequence[DnsServer]],
        limits: Limits | None = None,
        leased: Callable[[str], LeasedNames] = lambda network_id: LeasedNames(),
    ) -> None:
        """`host_servers` gives the servers for networks that name none; it is called at each question, never blocks.
        `leased` gives the dynamic leases of a network, which DHCP enters."""
        self._on_error, self._host_servers, self._limits = on_error, host_servers, limits or Limits()
        self._leased = leased
        self._loop = Loop("netmend-dns")
        self._forwarder = Forwarder(self._loop, self._limits)
        self._node_connections = NodeConnections()
        self._domains = Domains()
        self._networks: dict[str, _Network] = {}

    def add(self, network: Network, udp: Sequence[socket.socket], listeners: Sequence[socket.socket]) -> None:
        """Serve a network from now on; one that was served before gets these sockets instead, and keeps what it knows.

        The sockets are bound, on the network's device, and owned from now on, also when this raises OSError: the kernel
        cannot watch more.
        """
        old = self._networks.pop(network.id, None)
        if old is None:
            self._domains.put(network)
            responder = DnsResponder(network, self._domains, self._leased(network.id))
            self._domains.join(network, responder)
        else:
            responder = old.served.responder
            self._close(old)
            self._update(responder, network)
        asking = Asking(responder, Traffic(), lambda: self._servers(responder))
        served = Served(network.id, responder, asking, self._forwarder)
        made = self._networks[network.id] = _Network(served, Connections(self._limits, self._node_connections))

        def failed(operation: str, error: OSError) -> None:
            made.endpoints[0].failed(operation, error)

        try:
            for one in udp:
                endpoint = UdpEndpoint(self._loop, served, one, on_error=self._on_error, limits=self._limits)
                endpoint.join()
                made.endpoints.append(endpoint)
            for one in listeners:
                listener = Listener(self._loop, served, one, connections=made.connections, failed=failed)
                listener.join()
                made.listeners.append(listener)
        except BaseException:
            self._close(made)
            for one in (*udp, *listeners):
                one.close()
            raise

    def suspend(self, network_id: str) -> None:
        """Close a network's sockets, so that others can be opened in their place; what is known stays for `add`."""
        known = self._networks.get(network_id)
        if known is not None:
            self._close(known)

    def update(self, network: Network) -> None:
        """Answer by this intent of a network from now on. No error when it is not served."""
        known = self._networks.get(network.id)
        if known is not None:
            self._update(known.served.responder, network)

    def remove(self, network_id: str) -> None:
        """Stop serving a network and close its sockets; returns when that is done. No error when it is not served."""
        known = self._networks.pop(network_id, None)
        if known is None:
            return
        self._close(known)
        self._domains.remove(network_id)

    def status(self, network_id: str) -> dict[str, Any] | None:
        """Counters, as JSON; None when the network is not served."""
        known = self._networks.get(network_id)
        if known is None or not known.endpoints:
            return None
        responder = known.served.responder
        errors: dict[str, int] = {}
        for counters in known.counters():
            for what, count in counters.errors.items():
                errors[what] = errors.get(what, 0) + count
        return {
            **asdict(known.served.traffic),
            **responder.counters.as_dict(),
            "under_way": len(known.served.asking.pending),
            "connections_open": len(known.connections.all),
            "cache_entries": len(responder.cache),
            "cache_octets": responder.cache.octets,
            "forwarders": [str(server) for server in self._servers(responder)],
            "forward_domains": {
                domain: list(map(str, servers))
                for domain, servers in (responder.network.dns.forward_domains if responder.network.dns else ())
            },
            "exceptions": sum(counters.exceptions for counters in known.counters()),
            "errors": errors,
        }

    def close(self) -> None:
        """End the thread, close every socket. Once closed, nothing else may be called."""
        for known in self._networks.values():
            self._close(known)
        self._networks.clear()
        self._loop.close()

    def _servers(self, responder: DnsResponder) -> Sequence[DnsServer]:
        dns = responder.network.dns
        if dns is None or not dns.forward:
            return ()
        return dns.forwarders or self._host_servers()

    def _update(self, responder: DnsResponder, network: Network) -> None:
        if responder.network is not network:
            self._domains.put(network)
            responder.update(network)
            self._domains.join(network, responder)

    def _close(self, known: _Network) -> None:
        while known.listeners:
            known.listeners.pop().leave()
        while known.endpoints:
            known.endpoints.pop().leave()

        def end() -> None:
            known.connections.close()
            known.served.drop()

        self._loop.call_and_wait(end)
