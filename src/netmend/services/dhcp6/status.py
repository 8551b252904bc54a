"""What status shows of a network's clients."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Literal

from netmend.intent import Port
from netmend.services.leases.table import Lease, LeaseState

State = Literal["reserved", "offered", "leased", "expired", "declined"]
_IAID = 4  # octets in front of the DUID in a lease's client


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """One address of a client. Times are seconds since the epoch."""

    address: IPv6Address
    mac: str | None  # None when the client has shown none
    duid: str | None  # hexadecimal; None for a port
    port_id: str | None  # None for a dynamic lease
    state: State
    acknowledged: float | None = None  # last Reply to a port; None for dynamic leases, and when a port has released
    expires: float | None = None  # end of a dynamic lease
    declined: float | None = None  # when a port last said that its address is in use by somebody else


def row_of(lease: Lease, now: float) -> LeaseRow:
    state: State = "declined"
    if lease.state == LeaseState.OFFERED:
        state = "offered"
    elif lease.state == LeaseState.LEASED:
        state = "leased" if lease.expires > now else "expired"
    mac = lease.hardware.hex(":") if len(lease.hardware) == 6 else None
    return LeaseRow(IPv6Address(lease.address), mac, lease.client[_IAID:].hex(":"), None, state, expires=lease.expires)


class PortJournal:
    """The last things that ports did, by port id and address: when an address was given, and when it was declined."""

    __slots__ = ("bound", "declined")

    def __init__(self) -> None:
        self.bound: dict[tuple[str, bytes], float] = {}
        self.declined: dict[tuple[str, bytes], float] = {}

    def forget(self, port_ids: Container[str]) -> None:
        for noted in (self.bound, self.declined):
            for key in [key for key in noted if key[0] in port_ids]:
                del noted[key]

    def rows(self, ports: Mapping[str, Port]) -> list[LeaseRow]:
        """One row a port and address."""
        return [
            LeaseRow(
                IPv6Address(key[1]),
                ports[key[0]].mac,
                None,
                key[0],
                "reserved",
                acknowledged=self.bound.get(key),
                declined=self.declined.get(key),
            )
            for key in dict.fromkeys((*self.bound, *self.declined))
        ]
