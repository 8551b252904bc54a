"""All services for guests, on all networks that are ready.

DHCPv4 comes first, in the reconciler's own threads, so that nothing delays a lease. The others follow in one thread of
their own (`Followers`), in order of arrival. A service that fails on a network is tried again, each time later, and
costs the others nothing.
"""

import contextlib
import errno
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from netmend.ground.private_files import make_private_directory
from netmend.intent.metadata import MetadataProxy
from netmend.intent.network import Network
from netmend.kernel.errors import KernelError
from netmend.node.guests.dhcp4 import Dhcp4Serving
from netmend.node.guests.followers import Followers
from netmend.node.guests.late_service import LateService
from netmend.node.guests.service import GuestService
from netmend.node.guests.wanted import wants_dhcp6, wants_dns
from netmend.node.keeping.kept import KeptSockets
from netmend.node.settings import Settings
from netmend.reconcile.reports import Ready
from netmend.reconcile.resync import Problem
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.io.store import LeaseStore
from netmend.services.leases.names import LeasedNames
from netmend.services.leases.rows import LeaseRow
from netmend.services.leases.table import Lease

if TYPE_CHECKING:  # a node without IPv6 does not load it
    from netmend.node.guests.dhcp6 import Dhcp6Serving
    from netmend.node.guests.metadata import MetadataServing


_EXHAUSTED: Final = (
    "no address is left in its pools: clients that are no ports get none; enlarge them, shorten lease_time, or look "
    "for a guest that makes up MAC addresses (`netmend status NETWORK` lists the leases)"
)


class Serving:
    """All services. Thread-safe, but calls for one network come one at a time."""

    def __init__(
        self,
        settings: Settings,
        suspect: Callable[[str], None],
        metadata_proxy: Callable[[], MetadataProxy | None],
        all_served: Callable[[Network], None] = lambda network: None,
        kept: KeptSockets | None = None,
        *,
        make_way: Callable[[str, str], None] = lambda network_id, program: None,
    ) -> None:
        """`suspect` is called, in some other thread, with the id of a network whose sockets fail; `all_served`, in some
        other thread, with a network that has all services from now on, when that is later than `ready`.
        `metadata_proxy` gives what the intent in force says of it; `kept` keeps sockets over restarts. `make_way` is
        called with the id of a network, and `dnsmasq` or `haproxy`, when this program of another agent is not needed
        there any more, or is in the way: sockets of UDP are opened beside it, so that no question finds none.
        """
        self._suspect, self._make_way = suspect, make_way
        self.kept = kept or KeptSockets(None)
        self._names: dict[str, LeasedNames] = {}  # by network id
        self._commits = LeaseCommits(
            settings.leases,
            open_store=_open_leases,
            changed=self._look_at_pools,
            held=self._held,
            opened=self._restore_leases,
        )
        self.dhcp4 = Dhcp4Serving(self._commits, suspect, self._leased_names, self.kept)
        self._dhcp6: Dhcp6Serving | None = None
        self._metadata: MetadataServing | None = None
        self._followers = Followers(self._make_followers(settings, suspect, metadata_proxy), suspect, all_served)

    def _make_followers(
        self, settings: Settings, suspect: Callable[[str], None], metadata_proxy: Callable[[], MetadataProxy | None]
    ) -> Callable[[], Sequence[GuestService]]:
        """What makes the services that follow. It is called once a network asks for one: to load them takes time."""

        def make() -> Sequence[GuestService]:
            from netmend.node.guests.metadata import MetadataServing

            self._metadata = MetadataServing(
                suspect, settings, metadata_proxy, self.dhcp4.lease_holder, self.kept, make_way=self._make_way
            )
            return LateService("dhcp6", wants_dhcp6, dhcp6), LateService("dns", wants_dns, dns), self._metadata

        def dhcp6() -> GuestService:
            from netmend.node.guests.dhcp6 import Dhcp6Serving

            self._dhcp6 = Dhcp6Serving(self._commits, suspect, self._leased_names, self.kept)
            return self._dhcp6

        def dns() -> GuestService:
            from netmend.node.guests.dns import DnsServing

            return DnsServing(suspect, settings, self._leased_names, self.kept, make_way=self._make_way)

        return make

    def _leased_names(self, network_id: str) -> LeasedNames:
        """Where DHCP enters the leases of a network and DNS finds them; one and the same for all who ask."""
        return self._names.setdefault(network_id, LeasedNames(time.time))

    def answers(self, network: Network) -> bool:
        """Whether guests get their addresses: by DHCPv4 where intent asks for it, else by all services."""
        if self.dhcp4.wanted(network):
            return self.dhcp4.served_since(network.id) is not None
        return self.served_since(network) is not None

    def ready(self, ready: Ready) -> list[Problem]:
        """Serve a network from now on; returns the services that are not there yet for a problem. Raises KernelError
        when the sockets of DHCPv4 cannot be opened."""
        served = self.served_since(ready.network) is not None
        if ready.network.metadata == "off" or served:
            self._make_way(ready.network.id, "haproxy")  # else when metadata is about to be served
        if self.dhcp4.wanted(ready.network):
            self._ready_beside_dnsmasq(ready)
        else:
            self.dhcp4.gone(ready.network.id)
        if served or not wants_dns(ready.network):
            self._make_way(ready.network.id, "dnsmasq")  # else when DNS has its sockets
        found = self._of_pools(ready.network)
        if not (_asks_for_more(ready.network) or ready.network.id in self._followers):
            return found
        self._followers.ready(ready)
        more = self._followers.problems(ready.network.id)
        found += [Problem(None, f"{name} is not served: {text}", serves=True) for name, text in more.items()]
        if self._metadata is not None and (trouble := self._metadata.trouble(ready.network.id)) is not None:
            found.append(Problem(None, trouble, serves=True))
        return found

    def load(self, network: Network) -> None:
        """Load all services that intent asks for on the network, and wait for it."""
        self._followers.load(network)

    def _ready_beside_dnsmasq(self, ready: Ready) -> None:
        """Serve DHCPv4. A dnsmasq that shares its port with nobody is ended first."""
        try:
            self.dhcp4.ready(ready)
        except KernelError as error:
            if error.code != errno.EADDRINUSE:
                raise
            self._make_way(ready.network.id, "dnsmasq")
            self.dhcp4.ready(ready)

    def _of_pools(self, network: Network) -> list[Problem]:
        """Why clients that are no ports get no address of the network's pools."""
        if not network.has_pools:
            return []
        found = []
        if (problem := self._commits.problem) is not None:
            found.append(Problem(None, f"dynamic leases are not given, fixed IPs are: {problem}", serves=True))
        if any(service.is_exhausted(network.id) for service in self._both_dhcps):
            found.append(Problem(None, _EXHAUSTED, serves=True))
        return found

    def _look_at_pools(self) -> None:
        """Have the networks looked at that the lease file concerns, so that the reason comes and goes with the
        problem."""
        for network_id in {network_id for service in self._both_dhcps for network_id in service.with_pools()}:
            self._suspect(network_id)

    def _held(self) -> list[tuple[str, Lease]]:
        return [lease for service in self._both_dhcps for lease in service.held()]

    def _restore_leases(self) -> None:
        for service in self._both_dhcps:
            service.restore()

    @property
    def _both_dhcps(self) -> "list[Dhcp4Serving | Dhcp6Serving]":
        return [self.dhcp4] if self._dhcp6 is None else [self.dhcp4, self._dhcp6]

    def networks_changed(self, networks: Iterable[Network]) -> None:
        """Answer by the new intent of these networks at once, where they are served; devices follow with the next
        pass."""
        for network in networks:
            self.dhcp4.update(network)
            self._followers.update(network)

    def follows_at_once(self, network: Network) -> bool:
        """Whether `networks_changed` was all that a network needed: DHCPv4 alone answers on it."""
        alone = not (_asks_for_more(network) or network.id in self._followers)
        return alone and self.dhcp4.wanted(network) and self.dhcp4.served_since(network.id) is not None

    def gone(self, network_id: str) -> None:
        """Answer no more on a network, and let go of its namespace."""
        self.dhcp4.gone(network_id)
        self._followers.gone(network_id)
        self._names.pop(network_id, None)

    def served_since(self, network: Network) -> float | None:
        """Since when all services that intent asks for are there, in seconds since the epoch; None: one is not."""
        leases = [self.dhcp4.served_since(network.id)] if self.dhcp4.wanted(network) else []
        more = [self._followers.served_since(network.id)] if _asks_for_more(network) else []
        moments = [moment for moment in leases + more if moment is not None]
        return max(moments) if moments and len(moments) == len(leases) + len(more) else None

    def leases(self, network_id: str) -> list[LeaseRow]:
        """Of DHCPv4 and DHCPv6: dynamic leases, and addresses that ports were given or have declined."""
        found = self.dhcp4.leases(network_id)
        if self._dhcp6 is not None:
            found += self._dhcp6.leases(network_id)
        return found

    @property
    def leases_problem(self) -> str | None:
        """Why dynamic leases cannot be stored, None while they can."""
        return self._commits.problem

    def status(self, network_id: str) -> dict[str, Any]:
        """By name of the service, what it counts; services that the network has not are left out."""
        found = {service.name: service.status(network_id) for service in (self.dhcp4, *self._followers.services)}
        return {name: status for name, status in found.items() if status is not None}

    def close(self) -> None:
        self._followers.close()
        self.dhcp4.close()
        self._commits.close()
        self.kept.close()


def _open_leases(path: Path, now: float) -> LeaseStore:
    with contextlib.suppress(OSError):  # of which SQLite speaks, as it finds no directory
        make_private_directory(path.parent)
    return LeaseStore(path, now)


def _asks_for_more(network: Network) -> bool:
    """Whether intent asks for any service but DHCPv4."""
    return bool(network.subnets6) or network.dns is not None or network.metadata != "off"
