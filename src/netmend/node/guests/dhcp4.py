"""Joins networks that are ready to the DHCPv4 server, and keeps what is answered in step with intent."""

import time
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

from netmend.intent.network import Network
from netmend.kernel.sockets import open_dhcp, open_sender
from netmend.node.guests.dhcp import DhcpServing
from netmend.node.keeping.kept import KeptSockets
from netmend.reconcile.reports import Ready
from netmend.services.dhcp4 import Dhcp4Responder, LeaseTable
from netmend.services.dhcp4.io.server import Dhcp4Server
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.names import LeasedNames


class Dhcp4Serving(DhcpServing[Dhcp4Responder, Dhcp4Server]):
    """DHCPv4 for all networks of the node; a GuestService."""

    name = "dhcp4"

    def __init__(
        self,
        commits: LeaseCommits,
        suspect: Callable[[str], None],
        leased: Callable[[str], LeasedNames],
        kept: KeptSockets,
    ) -> None:
        """`suspect` is called, in some other thread, with the id of a network whose sockets fail; `leased` gives where
        the dynamic leases of a network are entered for DNS."""
        super().__init__(Dhcp4Server(lambda network_id, *_: suspect(network_id), commits), commits, 4, kept)
        self._suspect, self._leased = suspect, leased

    def wanted(self, network: Network) -> bool:
        return bool(network.subnets)

    def _join(self, ready: Ready, responder: Dhcp4Responder | None) -> Dhcp4Responder:
        network = ready.network
        with self._kept.opening(self.name, ready) as opening:
            udp = opening.open("dhcp4", lambda: open_dhcp(ready.namespace, ready.device))
        try:
            packet = open_sender(ready.namespace, ready.device)
        except BaseException:
            udp.close()
            raise
        if responder is None:
            stored = LeaseTable(self._stored(network.id), self._leased(network.id))
            responder = Dhcp4Responder(network, stored, lambda: self._suspect(network.id))
        else:
            self.update(network)
        mac = bytes.fromhex(ready.mac.replace(":", ""))
        self._server.add(network.id, responder, udp, packet, mac)
        return responder

    def update(self, network: Network) -> None:
        """Answer by the new intent at once; the kernel follows with the next pass."""
        served = self._served.get(network.id)
        if served is not None and served.responder.network is not network:
            served.responder.update(network)

    def lease_holder(self, network_id: str, address: IPv4Address) -> str | None:
        """The MAC that an address of a network is dynamically leased to; None when it is not."""
        served = self._served.get(network_id)
        return served.responder.lease_holder(address, time.time()) if served else None

    def status(self, network_id: str) -> dict[str, Any] | None:
        served, sockets = self._served.get(network_id), self._server.counters(network_id)
        if served is None or sockets is None:
            return None
        return {"messages": served.responder.counters.as_dict(), "sockets": sockets.as_dict()}
