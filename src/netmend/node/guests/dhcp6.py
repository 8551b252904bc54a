"""Joins networks that are ready to the sockets of DHCPv6 and of router advertisements, and follows intent."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netmend.intent.eui64 import link_local_address
from netmend.intent.network import Network
from netmend.kernel.sockets6 import open_dhcp6
from netmend.node.guests.service import CannotServe
from netmend.node.settings import Settings
from netmend.reconcile.reports import Ready
from netmend.services.dhcp6 import Dhcp6Responder, LeaseRow
from netmend.services.dhcp6.io.sockets import Sockets6
from netmend.services.leases.io.store import LeaseStore, LeaseStoreError
from netmend.services.leases.table import LeaseTable

MTU_MIN = 1280  # bytes; a device with less has no IPv6 (RFC 8200 section 5)


@dataclass(frozen=True, slots=True)
class Served:
    """A network that is answered."""

    responder: Dhcp6Responder
    namespace: int  # inode of the namespace with its sockets


class Dhcp6Serving:
    """DHCPv6 and router advertisements for all networks of the node; a GuestService."""

    name = "dhcp6"

    def __init__(self, suspect: Callable[[str], None], settings: Settings) -> None:
        """Opens, or makes, the lease database; raises LeaseStoreError when it cannot be used.

        `suspect` is called, in some other thread, with the id of a network whose sockets fail.
        """
        self._store = LeaseStore(settings.leases, time.time())
        self._sockets = Sockets6(lambda network_id, *_: suspect(network_id), self._store, self._not_stored)
        self._served: dict[str, Served] = {}
        self.store_error: str | None = None

    def _not_stored(self, error: LeaseStoreError) -> None:
        self.store_error = str(error)

    def wanted(self, network: Network) -> bool:
        return any(
            subnet.ra_mode is not None or subnet.address_mode in ("dhcpv6-stateful", "dhcpv6-stateless")
            for subnet in network.subnets6
        )

    def prepare(self) -> None:
        """Nothing: the object came with its threads."""

    def ready(self, ready: Ready) -> None:
        """Answer and advertise on a network from now on; raises KernelError when its sockets cannot be opened, and
        CannotServe when it cannot have IPv6."""
        network = ready.network
        if network.mtu < MTU_MIN:
            raise CannotServe(f"its MTU is {network.mtu}, and IPv6 takes {MTU_MIN} (RFC 8200 section 5); raise the MTU")
        served = self._served.get(network.id)
        if served is not None and served.namespace == ready.namespace.inode and not ready.anew:
            self.update(network)
            return
        sockets = open_dhcp6(ready.namespace, ready.device)
        if served is None:
            responder = Dhcp6Responder(network, LeaseTable(self._store.load(network.id, 6)))
        else:
            responder = served.responder
            responder.update(network)
        mac = bytes.fromhex(ready.mac.replace(":", ""))
        self._sockets.add(responder, sockets.packet, sockets.groups, mac, link_local_address(ready.mac))
        self._served[network.id] = Served(responder, ready.namespace.inode)

    def update(self, network: Network) -> None:
        """Answer by the new intent at once; the kernel follows with the next pass."""
        self._sockets.update(network)

    def gone(self, network_id: str) -> None:
        """Answer no more on a network, and let go of its namespace."""
        if self._served.pop(network_id, None) is not None:
            self._sockets.remove(network_id)

    def leases(self, network_id: str) -> list[LeaseRow]:
        """Dynamic leases, and addresses that ports were given or have declined."""
        served = self._served.get(network_id)
        return served.responder.leases(time.time()) if served else []

    def status(self, network_id: str) -> dict[str, Any] | None:
        served, sockets = self._served.get(network_id), self._sockets.counters(network_id)
        if served is None or sockets is None:
            return None
        return {
            "duid": served.responder.duid.hex(":"),
            "messages": served.responder.counters.as_dict(),
            "advertisements": self._sockets.advertisements(network_id),
            "sockets": sockets.as_dict(),
        }

    def close(self) -> None:
        self._sockets.close()
        self._store.close()
