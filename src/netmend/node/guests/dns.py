"""Joins networks that are ready to the DNS sockets."""

import socket
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from msgspec.structs import replace

from netmend.ground.exhaustion import share_of_descriptors
from netmend.intent.network import Network
from netmend.kernel.errors import KernelError
from netmend.kernel.sockets import open_listener, open_udp
from netmend.node.guests.host_resolvers import HostResolvers
from netmend.node.guests.wanted import wants_dns
from netmend.node.keeping.kept import KeptSockets
from netmend.node.settings import Settings
from netmend.reconcile.reports import Ready
from netmend.services.dns.io import DnsSockets
from netmend.services.dns.io.limits import Limits
from netmend.services.dns.wire import PORT
from netmend.services.leases.names import LeasedNames


class DnsServing:
    """DNS for all networks of the node that ask for it."""

    name = "dns"

    def __init__(
        self,
        suspect: Callable[[str], None],
        settings: Settings,
        leased: Callable[[str], LeasedNames],
        kept: KeptSockets,
        *,
        make_way: Callable[[str, str], None] = lambda network_id, program: None,
    ) -> None:
        """`suspect` is called, in some other thread, with the id of a network whose sockets fail; `leased` gives the
        dynamic leases of a network; `make_way` is as for Serving."""
        self._kept, self._make_way = kept, make_way
        self._sockets = DnsSockets(
            lambda network_id, *_: suspect(network_id), HostResolvers(settings.resolv_conf), _limits(), leased
        )
        self._served: dict[
            str, tuple[int, frozenset[IPv4Address | IPv6Address]]
        ] = {}  # namespace's inode, and the addresses served

    def wanted(self, network: Network) -> bool:
        return wants_dns(network)

    def prepare(self) -> None:
        """Nothing: the object came with its threads."""

    def ready(self, ready: Ready) -> None:
        """Answer on every address of netmend's own in the network; raises KernelError when sockets cannot be opened."""
        network = ready.network
        addresses: list[IPv4Address | IPv6Address] = [subnet.server_address for subnet in network.subnets]
        addresses += [subnet.server_address for subnet in network.subnets6]
        wanted = ready.namespace.inode, frozenset(addresses)
        if self._served.get(network.id) == wanted and not ready.anew:
            self._sockets.update(network)
            self._make_way(network.id, "dnsmasq")
            return
        self._served.pop(network.id, None)
        self._sockets.suspend(network.id)  # two sockets cannot listen at one address
        opened: list[socket.socket] = []
        try:
            with self._kept.opening(self.name, ready) as opening:
                for kind, opener in (("udp", open_udp), ("tcp", open_listener)):
                    if kind == "tcp":  # which one alone can listen to; of UDP, the newest socket gets the questions
                        self._make_way(network.id, "dnsmasq")
                    for address in addresses:
                        call = partial(opener, ready.namespace, ready.device, address, PORT)
                        opened.append(opening.open(f"dns-{kind}.{address.packed.hex()}", call))
        except BaseException:
            for one in opened:
                one.close()
            raise
        try:
            self._sockets.add(network, opened[: len(addresses)], opened[len(addresses) :])
        except OSError as error:
            raise KernelError("watch sockets of", network.name, error.errno or 0) from error
        self._served[network.id] = wanted

    def update(self, network: Network) -> None:
        self._sockets.update(network)

    def gone(self, network_id: str) -> None:
        self._served.pop(network_id, None)
        self._sockets.remove(network_id)
        self._kept.gone(self.name, network_id)

    def status(self, network_id: str) -> dict[str, Any] | None:
        return self._sockets.status(network_id)

    def close(self) -> None:
        self._sockets.close()


def _limits() -> Limits:
    """Less than usual where this process may have few descriptors."""
    usual = Limits()
    return replace(
        usual,
        forwards_of_node=share_of_descriptors(usual.forwards_of_node),
        connections_of_node=share_of_descriptors(usual.connections_of_node),
    )
