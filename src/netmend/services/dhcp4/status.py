"""What status shows of a network's clients."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from netmend.intent import Port
from netmend.services.leases.table import Lease, LeaseState

State = Literal["reserved", "offered", "leased", "expired", "declined"]


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """One client. Times are seconds since the epoch."""

    address: IPv4Address
    mac: str | None  # None when the client's hardware is not Ethernet
    port_id: str | None  # None for a dynamic lease
    state: State
    acknowledged: float | None = None  # last ACK to a port; None for dynamic leases, and when a port has released
    expires: float | None = None  # end of a dynamic lease
    declined: float | None = None  # when a port last said that its address is in use by somebody else


def row_of(lease: Lease, now: float) -> LeaseRow:
    state: State = "declined"
    if lease.state == LeaseState.OFFERED:
        state = "offered"
    elif lease.state == LeaseState.LEASED:
        state = "leased" if lease.expires > now else "expired"
    mac = lease.hardware.hex(":") if len(lease.hardware) == 6 else None
    return LeaseRow(IPv4Address(lease.address), mac, None, state, expires=lease.expires)


class PortJournal:
    """The last things that ports did: by port id, which address, and when."""

    __slots__ = ("acknowledged", "declined")

    def __init__(self) -> None:
        self.acknowledged: dict[str, tuple[bytes, float]] = {}
        self.declined: dict[str, tuple[bytes, float]] = {}

    def forget(self, port_ids: Iterable[str]) -> None:
        for port_id in port_ids:
            self.acknowledged.pop(port_id, None)
            self.declined.pop(port_id, None)

    def rows(self, ports: Mapping[str, Port]) -> list[LeaseRow]:
        """One row a port and address."""
        addresses = dict.fromkeys(
            (port_id, address)
            for noted in (self.acknowledged, self.declined)
            for port_id, (address, _) in noted.items()
        )
        return [
            LeaseRow(
                IPv4Address(address),
                ports[port_id].mac,
                port_id,
                "reserved",
                acknowledged=_when(self.acknowledged, port_id, address),
                declined=_when(self.declined, port_id, address),
            )
            for port_id, address in addresses
        ]


def _when(noted: Mapping[str, tuple[bytes, float]], port_id: str, address: bytes) -> float | None:
    noted_address, when = noted.get(port_id, (b"", 0.0))
    return when if noted_address == address else None
