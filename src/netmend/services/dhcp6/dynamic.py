"""The addresses of a client that is no port, and of a port without fixed IPs: leases from the pools of dynamic subnets,
one for each identity association. A client is known by its DUID, an association by its IAID beside that (RFC 8415
section 12)."""

from collections.abc import Sequence

from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.exchange import Bound
from netmend.services.dhcp6.link import Scope, find_scope
from netmend.services.dhcp6.request import Association
from netmend.services.leases.table import LeaseState, LeaseTable, SubnetLeases


class DynamicBindings:
    """One request's view of the pools."""

    __slots__ = ("_duid", "_hardware", "_label", "_leases", "_now", "_pools", "decides")

    def __init__(
        self,
        duid: bytes,
        hardware: bytes | None,
        pools: tuple[Scope, ...],
        leases: LeaseTable,
        now: float,
        *,
        label: bytes = b"",
    ) -> None:
        """`hardware` is the client's MAC if it has shown one, and `label` what it calls itself, for its name in DNS."""
        self.decides = False
        self._duid, self._hardware, self._label = duid, hardware or b"", label
        self._pools, self._leases, self._now = pools, leases, now

    def offer(self, association: Association) -> Sequence[Bound]:
        key = self._key(association)
        wanted = next((address for address in association.addresses if find_scope(self._pools, address)), None)
        requested = int.from_bytes(wanted, "big") if wanted else None
        # The subnet where the association is on record comes first, then the one it asks for, then intent's order.
        for scope in sorted(
            self._pools,
            key=lambda scope: (
                self._of(scope).find(key) is None,
                requested is None or not scope.first <= requested <= scope.last,
            ),
        ):
            lease = self._of(scope).offer(key, self._hardware, requested, self._now)
            if lease:
                return (Bound(lease.address.to_bytes(16, "big"), scope),)
        self._leases.turned_away = self._now
        return ()

    def bind(self, association: Association) -> Sequence[Bound]:
        return [
            bound
            for bound in self.offer(association)
            if self._of(bound.scope).acquire(
                self._key(association), self._hardware, int.from_bytes(bound.address, "big"), self._now, self._label
            )
        ]

    def keep(self, association: Association) -> Sequence[Bound]:
        key = self._key(association)
        candidates = [
            Bound(lease.address.to_bytes(16, "big"), scope)
            for scope in self._pools
            if (lease := self._of(scope).find(key)) and lease.state == LeaseState.LEASED
        ]
        if not candidates:
            # What is free in our pools may have been given by us before a record was lost; it is nobody else's.
            located = ((address, find_scope(self._pools, address)) for address in association.addresses)
            candidates = [Bound(address, scope) for address, scope in located if scope]
        for bound in candidates:
            number = int.from_bytes(bound.address, "big")
            if self._of(bound.scope).acquire(key, self._hardware, number, self._now, self._label):
                return (bound,)
        return ()

    def release(self, association: Association, address: bytes) -> bool:
        scope = find_scope(self._pools, address) if association.code == wire.IA_NA else None
        number = int.from_bytes(address, "big")
        return scope is not None and self._of(scope).release(self._key(association), number, self._now)

    def decline(self, association: Association, address: bytes) -> bool:
        scope = find_scope(self._pools, address) if association.code == wire.IA_NA else None
        number = int.from_bytes(address, "big")
        return scope is not None and self._of(scope).decline(self._key(association), number, self._now)

    def _key(self, association: Association) -> bytes:
        return association.iaid + self._duid

    def _of(self, scope: Scope) -> SubnetLeases:
        return self._leases.of(scope.subnet.id)
