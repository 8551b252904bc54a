"""Joins networks that are ready to the server of DHCPv6 and router advertisements, and follows intent."""

from collections.abc import Callable
from typing import Any

from netmend.intent.eui64 import link_local_address
from netmend.intent.network import Network
from netmend.kernel.sockets6 import open_groups, open_questions
from netmend.node.guests.dhcp import DhcpServing
from netmend.node.guests.service import CannotServe
from netmend.node.guests.wanted import wants_dhcp6
from netmend.node.keeping.kept import KeptSockets
from netmend.reconcile.reports import Ready
from netmend.services.dhcp6 import Dhcp6Responder
from netmend.services.dhcp6.io.server import Dhcp6Server
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.names import LeasedNames
from netmend.services.leases.table import LeaseTable

MTU_MIN = 1280  # bytes; a device with less has no IPv6 (RFC 8200 section 5)


class Dhcp6Serving(DhcpServing[Dhcp6Responder, Dhcp6Server]):
    """DHCPv6 and router advertisements for all networks of the node; a GuestService."""

    name = "dhcp6"

    def __init__(
        self,
        commits: LeaseCommits,
        suspect: Callable[[str], None],
        leased: Callable[[str], LeasedNames],
        kept: KeptSockets,
    ) -> None:
        """`suspect` is called, in some other thread, with the id of a network whose sockets fail; `leased` gives where
        the dynamic leases of a network are entered for DNS."""
        super().__init__(Dhcp6Server(lambda network_id, *_: suspect(network_id), commits), commits, 6, kept)
        self._suspect, self._leased = suspect, leased

    def wanted(self, network: Network) -> bool:
        return wants_dhcp6(network)

    def ready(self, ready: Ready) -> None:
        """Answer and advertise on a network from now on; raises KernelError when its sockets cannot be opened, and
        CannotServe when it cannot have IPv6."""
        mtu = ready.network.mtu
        if mtu < MTU_MIN:
            raise CannotServe(f"its MTU is {mtu}, and IPv6 takes {MTU_MIN} (RFC 8200 section 5); raise the MTU")
        super().ready(ready)

    def _join(self, ready: Ready, responder: Dhcp6Responder | None) -> Dhcp6Responder:
        network = ready.network
        namespace, device = ready.namespace, ready.device
        with self._kept.opening(self.name, ready) as opening:
            groups = opening.open("dhcp6-groups", lambda: open_groups(namespace, device))
            try:
                packet = opening.open("dhcp6", lambda: open_questions(namespace, device))
            except BaseException:
                groups.close()
                raise
        if responder is None:
            stored = LeaseTable(self._stored(network.id), self._leased(network.id))
            responder = Dhcp6Responder(network, stored, lambda: self._suspect(network.id))
        else:
            responder.update(network)
        mac = bytes.fromhex(ready.mac.replace(":", ""))
        self._server.add(responder, packet, groups, mac, link_local_address(ready.mac))
        return responder

    def update(self, network: Network) -> None:
        """Answer by the new intent at once; the kernel follows with the next pass."""
        self._server.update(network)

    def status(self, network_id: str) -> dict[str, Any] | None:
        served, sockets = self._served.get(network_id), self._server.counters(network_id)
        if served is None or sockets is None:
            return None
        return {
            "duid": served.responder.duid.hex(":"),
            "messages": served.responder.counters.as_dict(),
            "advertisements": self._server.advertisements(network_id),
            "sockets": sockets.as_dict(),
        }
