"""A look at the kernel is spared where ports change that netmend does not wire, and nowhere else."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from msgspec.structs import replace

from netmend.intent import NetnsPlug, Network, Port, Subnet
from netmend.intent.port_map import PortMap
from netmend.node.hints import same_devices

SUBNET = Subnet("s", "four", IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.2"))
PORT = Port("p", "web", "fa:16:3e:00:00:01", (IPv4Address("10.0.0.9"),))
PLUGGED = replace(PORT, id="q", mac="fa:16:3e:00:00:02", fixed_ips=(), plug=NetnsPlug("guest"))
OLD = Network("n", "blue", subnets=(SUBNET,), ports=PortMap({"p": PORT, "q": PLUGGED}))


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        replace(OLD, ports=OLD.ports.evolve({"p": None})),  # type: ignore[attr-defined]
        replace(OLD, ports=OLD.ports.evolve({"r": replace(PORT, id="r")})),  # type: ignore[attr-defined]
        replace(OLD, ports={**OLD.ports, "p": replace(PORT, hostname="x")}),
    ],
)
def test_ports_that_are_not_wired(new: Network) -> None:
    assert same_devices(OLD, new)


@pytest.mark.parametrize(
    "new",
    [
        replace(OLD, mtu=1400),
        replace(OLD, subnets=()),
        replace(OLD, metadata="embedded"),
        replace(OLD, mtu=1400, ports=OLD.ports.evolve({"p": None})),  # type: ignore[attr-defined]
        replace(OLD, ports=OLD.ports.evolve({"q": None})),  # type: ignore[attr-defined]
        replace(OLD, ports=OLD.ports.evolve({"q": replace(PLUGGED, plug=PORT.plug)})),  # type: ignore[attr-defined]
        replace(OLD, ports=OLD.ports.evolve({"r": replace(PLUGGED, id="r")})),  # type: ignore[attr-defined]
    ],
)
def test_all_else(new: Network) -> None:
    assert not same_devices(OLD, new)
