"""A network's DHCP clients as status shows them."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from msgspec import Struct

from netmend.intent import Port
from netmend.services.leases.table import Lease, LeaseState

State = Literal["reserved", "offered", "leased", "expired", "declined"]


class LeaseRow(Struct, frozen=True):
    """One address of a client. Times are in seconds since the epoch."""

    address: IPv4Address | IPv6Address
    mac: str | None  # None when the client has shown none of Ethernet
    port_id: str | None  # None where the client is no port
    state: State
    acknowledged: float | None = None  # last time a port got it; None for dynamic leases, and once it was released
    expires: float | None = None  # end of a dynamic lease
    declined: float | None = None  # last time a port said that another host uses the address
    duid: str | None = None  # hexadecimal; of a client of DHCPv6 that is no port


def row_of(lease: Lease, now: float, port_id: str | None = None, duid: str | None = None) -> LeaseRow:
    """The row of a dynamic lease; `port_id` is the port that has its hardware address."""
    state: State = "declined"
    if lease.state == LeaseState.OFFERED:
        state = "offered"
    elif lease.state == LeaseState.LEASED:
        state = "leased" if lease.expires > now else "expired"
    mac = lease.hardware.hex(":") if len(lease.hardware) == 6 else None
    return LeaseRow(ip_address(lease.address), mac, port_id, state, expires=lease.expires, duid=duid)


class PortJournal:
    """The last things that ports did, by port id and address: when an address was given, and when it was declined."""

    __slots__ = ("bound", "declined")

    def __init__(self) -> None:
        self.bound: dict[tuple[str, bytes], float] = {}
        self.declined: dict[tuple[str, bytes], float] = {}

    def forget(self, removed: Iterable[Port], ports: Mapping[str, Port]) -> None:
        """Forget records of addresses that ports no longer have: `removed` are the old ports, `ports` those of now."""
        for port in removed:
            now = ports.get(port.id)
            kept = () if now is None else now.addresses
            addresses = port.addresses
            for address in addresses:
                if address not in kept:
                    key = port.id, address.packed
                    self.bound.pop(key, None)
                    self.declined.pop(key, None)

    def rows(self, ports: Mapping[str, Port]) -> list[LeaseRow]:
        """One row a port and address."""
        return [
            LeaseRow(
                ip_address(key[1]),
                ports[key[0]].mac,
                key[0],
                "reserved",
                acknowledged=self.bound.get(key),
                declined=self.declined.get(key),
            )
            for key in dict.fromkeys((*self.bound, *self.declined))
        ]
