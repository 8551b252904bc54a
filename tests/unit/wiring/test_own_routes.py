"""The default routes of a network's namespace, from its subnets; the kernel's part is in tests/kernel/reconcile."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

import pytest

from netmend.intent import Network, Subnet, Subnet6
from netmend.intent.names import id_from_name
from netmend.wiring.own_routes import own_routes

ALL4, ALL6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")


def routes(block: str, gateway: str | None, *, mtu: int = 1500) -> list[tuple[str, str | None]]:
    """Those of a network of one subnet with that gateway, as text."""
    network_id = id_from_name("network", "n")
    if ":" in block:
        own6, via6 = IPv6Interface(block), IPv6Address(gateway) if gateway else None
        subnets6 = (Subnet6("s", "s", own6.network, own6.ip, via6),)
        found = own_routes(Network(network_id, "n", mtu, subnets6=subnets6))
    else:
        own, via = IPv4Interface(block), IPv4Address(gateway) if gateway else None
        found = own_routes(Network(network_id, "n", mtu, subnets=(Subnet("s", "s", own.network, own.ip, via),)))
    return [(str(destination), str(gateway) if gateway else None) for destination, gateway in found]


@pytest.mark.parametrize(
    ("block", "gateway", "expected"),
    [
        ("10.0.0.2/24", "10.0.0.1", [("0.0.0.0/0", "10.0.0.1")]),
        ("10.0.0.2/24", None, []),
        ("10.0.0.2/24", "0.0.0.0", []),
        ("10.0.0.2/24", "10.0.0.2", []),
        ("10.0.0.2/24", "192.0.2.1", [("192.0.2.1/32", None), ("0.0.0.0/0", "192.0.2.1")]),
        ("10.0.0.2/24", "169.254.0.1", [("169.254.0.1/32", None), ("0.0.0.0/0", "169.254.0.1")]),
        ("10.0.0.2/32", "10.0.0.1", [("10.0.0.1/32", None), ("0.0.0.0/0", "10.0.0.1")]),
        ("2001:db8::2/64", "2001:db8::1", [("::/0", "2001:db8::1")]),
        ("2001:db8::2/64", "fe80::1", [("::/0", "fe80::1")]),
        ("2001:db8::2/64", "2001:db9::1", [("2001:db9::1/128", None), ("::/0", "2001:db9::1")]),
    ],
)
def test_of_one_subnet(block: str, gateway: str | None, expected: list[tuple[str, str | None]]) -> None:
    assert routes(block, gateway) == expected


def test_none_of_ipv6_where_the_mtu_leaves_no_room_for_it() -> None:
    assert routes("2001:db8::2/64", "2001:db8::1", mtu=1279) == []
