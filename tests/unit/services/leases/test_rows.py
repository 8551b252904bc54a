"""What status shows of clients: dynamic leases, and what ports did with their addresses."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from msgspec.structs import replace

from netmend.intent import Port
from netmend.services.leases.rows import LeaseRow, PortJournal, row_of
from netmend.services.leases.table import Lease, LeaseState

LEASE = Lease("subnet", int(IPv4Address("192.0.2.9")), b"client", b"\2\0\0\0\0\1", LeaseState.LEASED, 100.0)
V4, V6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")
PORT = Port("p", "port", "02:00:00:00:00:02", fixed_ips=(V4,), fixed_ips6=(V6,))


@pytest.mark.parametrize(
    ("state", "now", "shown"),
    [
        (LeaseState.OFFERED, 0.0, "offered"),
        (LeaseState.LEASED, 99.0, "leased"),
        (LeaseState.LEASED, 100.0, "expired"),
        (LeaseState.DECLINED, 0.0, "declined"),
    ],
)
def test_the_state_of_a_lease(state: LeaseState, now: float, shown: str) -> None:
    row = row_of(replace(LEASE, state=state), now)
    assert (row.address, row.mac, row.state, row.expires) == (IPv4Address("192.0.2.9"), "02:00:00:00:00:01", shown, 100)


def test_a_client_without_a_mac_that_has_a_duid() -> None:
    row = row_of(replace(LEASE, address=int(V6), hardware=b""), 0.0, duid="00:01")
    assert (row.address, row.mac, row.duid) == (V6, None, "00:01")


def test_a_port_has_a_row_for_each_address() -> None:
    journal = PortJournal()
    journal.bound["p", V4.packed] = 1.0
    journal.declined["p", V4.packed] = 2.0
    journal.bound["p", V6.packed] = 3.0
    assert journal.rows({"p": PORT}) == [
        LeaseRow(V4, PORT.mac, "p", "reserved", acknowledged=1.0, declined=2.0),
        LeaseRow(V6, PORT.mac, "p", "reserved", acknowledged=3.0),
    ]


def test_what_a_port_has_no_more_is_forgotten() -> None:
    journal = PortJournal()
    journal.bound["p", V4.packed] = journal.bound["p", V6.packed] = 1.0
    renamed = replace(PORT, name="other")
    journal.forget([PORT], {"p": renamed})
    assert [row.address for row in journal.rows({"p": renamed})] == [V4, V6]
    moved = replace(PORT, fixed_ips=(IPv4Address("192.0.2.2"),))
    journal.forget([PORT], {"p": moved})
    assert [row.address for row in journal.rows({"p": moved})] == [V6]
    journal.forget([moved], {})
    assert journal.rows({}) == []
