"""The addresses of a port that has fixed IPs: those on the link that it speaks from, and nothing else.

All of them go to one identity association of a message: the one that names one of them, else the first. A guest's
firmware and its system, which name their associations differently, so get the same addresses in turn.
"""

from collections.abc import Sequence

from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.directory import KnownClient
from netmend.services.dhcp6.exchange import Bound
from netmend.services.dhcp6.link import Scope
from netmend.services.dhcp6.request import Association, Request
from netmend.services.leases.rows import PortJournal


class ReservedBindings:
    """One request's view of a port."""

    __slots__ = ("_bound", "_chosen", "_client", "_journal", "_now", "decides")

    def __init__(
        self, request: Request, client: KnownClient, link: tuple[Scope, ...], journal: PortJournal, now: float
    ) -> None:
        self.decides = True
        self._client, self._journal, self._now = client, journal, now
        self._bound: Sequence[Bound] = client.addresses
        if len(link) == 1:
            self._bound = [bound for bound in client.addresses if bound.scope is link[0]]
        self._chosen = self._choose(request.associations)

    def _choose(self, associations: Sequence[Association]) -> Association | None:
        candidates = [association for association in associations if association.code == wire.IA_NA]
        if len(candidates) > 1:
            own = {bound.address for bound in self._bound}
            for association in candidates:
                if not own.isdisjoint(association.addresses):
                    return association
        return candidates[0] if candidates else None

    def offer(self, association: Association) -> Sequence[Bound]:
        return self._bound if association is self._chosen else ()

    def bind(self, association: Association) -> Sequence[Bound]:
        bound = self.offer(association)
        for each in bound:
            self._journal.bound[self._client.port.id, each.address] = self._now
        return bound

    keep = bind

    def release(self, association: Association, address: bytes) -> bool:
        """Noted; the address stays the port's."""
        if not self._has(association, address):
            return False
        self._journal.bound.pop((self._client.port.id, address), None)
        return True

    def decline(self, association: Association, address: bytes) -> bool:
        """Noted for status: another host uses the port's address."""
        if not self._has(association, address):
            return False
        self._journal.declined[self._client.port.id, address] = self._now
        return True

    def _has(self, association: Association, address: bytes) -> bool:
        return association.code == wire.IA_NA and any(bound.address == address for bound in self._client.addresses)
