"""Netmend's own rules on the host for routers that have their way out through it: observed, compared, put in force."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from netmend.ground.nftables import Element
from netmend.intent.router import HostUplink, Router
from netmend.kernel.errors import KernelError
from netmend.kernel.nft.tables import TableSeen, read_changed, remake, remove_table
from netmend.reconcile.rules_socket import RulesSocket
from netmend.routing.host_rules import TABLE, elements_of
from netmend.routing.transit import Transit

_FORWARDS = Path("/proc/sys/net/ipv4/ip_forward")


class HostRules:
    """In the network namespace of the threads that use it. Not thread-safe: a pass uses it before its work on
    networks."""

    def __init__(self) -> None:
        self.socket = RulesSocket(TABLE.family)
        self._seen: TableSeen | None = None
        self._looked = False

    def differs(
        self, routers: Iterable[Router], transits: Mapping[str, Transit]
    ) -> tuple[frozenset[Element], frozenset[Element]] | None:
        """Entries to add and to remove, both empty where the rest of the table differs; None where nothing does. Raises
        KernelError."""
        wanted = elements_of(routers, transits)
        if not wanted and self._looked and self._seen is None:
            return None
        try:
            seen = self._look()
        except KernelError:
            if wanted:
                raise
            return None  # a kernel without nftables, and nothing wanted of it
        if not wanted and not seen.is_right:
            self._seen = None
            return None
        add, remove = wanted - seen.elements, seen.elements - wanted
        return (add, remove) if add or remove or not seen.is_right else None

    def apply(self, routers: Iterable[Router], transits: Mapping[str, Transit]) -> None:
        """Put the rules in force, or remove the table where nothing is wanted of it; raises KernelError."""
        wanted = elements_of(routers, transits)
        self._seen = None
        if wanted:
            remake(self.socket(), TABLE, wanted)
            self._look()
        else:
            self._looked = False  # until it is gone
            remove_table(self.socket(), TABLE)
            self._looked = True

    def _look(self) -> TableSeen:
        nft = self.socket()
        self._looked = True
        self._seen = read_changed(nft, TABLE, self._seen)
        return self._seen


def why_not_forwarded(router: Router) -> str | None:
    """Why the host lets nothing through for a router whose way out it is, as far as netmend can see. Netmend does not
    change that itself: it concerns all devices of the host."""
    if not isinstance(router.uplink, HostUplink):
        return None
    try:
        forwards = _FORWARDS.read_text().strip() != "0"
    except OSError:
        return None
    return (
        None if forwards else "the host forwards no packets, so nothing leaves by it: sysctl -w net.ipv4.ip_forward=1"
    )
