"""The addresses of a client that is no port, and of a port without fixed IPs: leases from the pools of dynamic subnets.

A client that is no port is known by its DUID, and has a lease for each identity association, which is known by its IAID
beside that (RFC 8415 section 12). A port has one lease, whichever DUIDs and IAIDs its firmware, initramfs and system
send: it goes to one association of a message, the one that names the leased address, else the first.
"""

from collections.abc import Sequence

from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.exchange import Bound
from netmend.services.dhcp6.link import Scope, find_scope
from netmend.services.dhcp6.request import Association
from netmend.services.leases.table import LeaseState, LeaseTable, SubnetLeases

IAID = 4  # octets in front of the DUID in the key of a lease that is no port's
_LONGEST = IAID + wire.DUID_MOST


class DynamicBindings:
    """One request's view of the pools."""

    __slots__ = ("_chosen", "_duid", "_hardware", "_label", "_leases", "_now", "_of_port", "_pools", "decides")

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
        self._of_port: bytes | None = None
        self._chosen: Association | None = None

    def be_port(self, port_id: str, associations: Sequence[Association]) -> None:
        """The client is a port: of the `associations` of its message, one gets the port's lease."""
        self._of_port = key = _key_of_port(port_id)
        candidates = [association for association in associations if association.code == wire.IA_NA]
        self._chosen = candidates[0] if candidates else None
        for scope in self._pools:
            of_subnet = self._of(scope)
            if of_subnet.find(key) is None:  # a lease that it got while it was no port, or from an older netmend
                for association in candidates:
                    of_subnet.take_over(association.iaid + self._duid, key, self._hardware)
            if len(candidates) > 1 and (lease := of_subnet.find(key)):
                named = lease.address.to_bytes(16, "big")
                self._chosen = next((each for each in candidates if named in each.addresses), self._chosen)

    def offer(self, association: Association) -> Sequence[Bound]:
        key = self._key(association)
        if key is None:
            return ()
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
        key = self._key(association)
        return [
            bound
            for bound in self.offer(association)
            if key is not None
            and self._of(bound.scope).acquire(
                key, self._hardware, int.from_bytes(bound.address, "big"), self._now, self._label
            )
        ]

    def keep(self, association: Association) -> Sequence[Bound]:
        key = self._key(association)
        if key is None:
            return ()
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
        found = self._find(association, address)
        if found is None or (lease := found[0].find(found[1])) is None or lease.state == LeaseState.OFFERED:
            return False  # an offer is no binding yet
        return found[0].release(found[1], int.from_bytes(address, "big"), self._now)

    def decline(self, association: Association, address: bytes) -> bool:
        found = self._find(association, address)
        return found is not None and found[0].decline(found[1], int.from_bytes(address, "big"), self._now)

    def _find(self, association: Association, address: bytes) -> tuple[SubnetLeases, bytes] | None:
        """The leases that an address belongs to, and the key that the association has in them."""
        scope = find_scope(self._pools, address) if association.code == wire.IA_NA else None
        # What a port gives back is its own, in whichever association it does so.
        key = self._of_port or self._key(association)
        return None if scope is None or key is None else (self._of(scope), key)

    def _key(self, association: Association) -> bytes | None:
        """The association's key; None for one that gets nothing."""
        if self._of_port is None:
            return association.iaid + self._duid
        return self._of_port if association is self._chosen else None

    def _of(self, scope: Scope) -> SubnetLeases:
        return self._leases.of(scope.subnet.id)


def _key_of_port(port_id: str) -> bytes:
    """Longer than the key of any client that is no port: no IAID and DUID can be taken for it."""
    return port_id.encode().rjust(_LONGEST + 1, b"\0")


def duid_of(key: bytes) -> str | None:
    """The DUID in the key of a lease, in hexadecimal; None where the lease is a port's."""
    return key[IAID:].hex(":") if len(key) <= _LONGEST else None
