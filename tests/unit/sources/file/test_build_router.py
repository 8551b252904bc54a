"""Routers in an intent file: what they become, and what is complained of."""

from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from netmend.intent import DeviceUplink, HostUplink, Intent
from netmend.sources.file import IntentError, load

NETWORKS = """
networks:
  - name: blue
    subnets:
      - {cidr: 10.1.0.0/24, gateway: 10.1.0.1, dynamic: true}
      - {cidr: "2001:db8:1::/64", gateway: "2001:db8:1::1"}
  - name: green
    subnets: [{cidr: 10.2.0.0/24, gateway: 10.2.0.1, dynamic: true}]
  - name: same
    subnets: [{cidr: 10.2.0.0/16, gateway: 10.2.0.1, dynamic: true}]
  - name: lonely
    subnets: [{cidr: 10.4.0.0/24, dynamic: true}]
  - name: bare
"""
UPLINK = "uplink: {device: eth1, addresses: [203.0.113.2/24, '2001:db8::2/64'], gateways: [203.0.113.1]}"


def read(tmp_path: Path, *fields: str, networks: str = "[blue, green]") -> Intent:
    path = tmp_path / "intent.yaml"
    path.write_text(
        NETWORKS + f"routers:\n  - name: r\n    networks: {networks}\n" + "".join(f"    {f}\n" for f in fields)
    )
    return load(path)


def test_a_router_has_the_gateways_of_its_networks(tmp_path: Path) -> None:
    intent = read(tmp_path, UPLINK, "port_forwards: [{port: 8080, to: 10.2.0.9, to_port: 80}]")
    (router,) = intent.routers.values()
    blue, green = (next(each for each in intent.networks.values() if each.name == name) for name in ("blue", "green"))
    assert blue.router_ports == router.ports[:1]
    assert green.router_ports == router.ports[1:]
    assert router.ports[0].addresses == (ip_interface("10.1.0.1/24"), ip_interface("2001:db8:1::1/64"))
    assert isinstance(router.uplink, DeviceUplink)
    assert router.uplink.gateways == (ip_address("203.0.113.1"),)
    assert router.forwards[0].address == ip_address("203.0.113.2")
    assert router.snat


def test_by_way_of_the_host(tmp_path: Path) -> None:
    (router,) = read(
        tmp_path, "uplink: host", "port_forwards: [{port: 53, protocol: udp, to: 10.2.0.9}]"
    ).routers.values()
    assert router.uplink == HostUplink()
    assert router.forwards[0].address is None
    assert router.forwards[0].to_port == 53


@pytest.mark.parametrize(
    ("fields", "networks", "why"),
    [
        ((), "[blue, nowhere]", "routers[r].networks[1]: there is no network nowhere in this file"),
        ((), "[blue, blue]", "routers[r].networks[1]: network blue is on router r already"),
        ((), "[green, same]", "10.2.0.0/16 overlaps 10.2.0.0/24 of network green, on the same router"),
        ((), "[lonely]", "has no gateway of its own: say `gateway`"),
        ((), "[bare]", "network bare has no subnet"),
        (("uplink: {addresses: [203.0.113.2/24]}",), "[blue]", "an uplink is `host` or `{device"),
        (("uplink: eth1",), "[blue]", "expected `host` or `{device"),
        (("uplink: {device: eth1}",), "[blue]", "needs at least one of its own"),
        (("uplink: {device: eth1, addresses: [203.0.113.2]}",), "[blue]", "'203.0.113.2' has no prefix length"),
        (("uplink: {device: eth1, addresses: [203.0.113.0/24]}",), "[blue]", "is the network address of"),
        (
            ("uplink: {device: eth1, addresses: [203.0.113.2/24], gateways: [192.0.2.1]}",),
            "[blue]",
            "uplink.gateways[0]: 192.0.2.1 is not on the uplink",
        ),
        (
            (UPLINK.replace("[203.0.113.1]", "[203.0.113.1, 203.0.113.3]"),),
            "[blue]",
            "uplink.gateways[1]: is the second of IPv4",
        ),
        (("routes: [{destination: 10.9.0.0/16, nexthop: 10.2.0.7}]",), "[blue]", "is on no network of the router"),
        (("routes: [{destination: 10.1.0.0/24, nexthop: 10.1.0.7}]",), "[blue]", "is a network of the router itself"),
        (("routes: [{destination: '::/0', nexthop: 10.1.0.7}]",), "[blue]", "is not of the version of ::/0"),
        (("floating_ips: [{address: 203.0.113.9, to: 10.1.0.5}]",), "[blue]", "need an uplink by a device"),
        ((UPLINK, "floating_ips: [{address: 203.0.113.2, to: 10.1.0.5}]"), "[blue]", "is the uplink's own address"),
        ((UPLINK, "floating_ips: [{address: 10.1.0.9, to: 10.1.0.5}]"), "[blue]", "is on a network of this router"),
        ((UPLINK, "floating_ips: [{address: 203.0.113.9, to: 10.2.0.5}]"), "[blue]", "is on no network of this router"),
        ((UPLINK, "floating_ips: [{address: 203.0.113.9, to: 10.1.0.1}]"), "[blue]", "10.1.0.1 is the router's own"),
        (("port_forwards: [{port: 80, to: 10.1.0.5}]",), "[blue]", "need an uplink"),
        ((UPLINK, "port_forwards: [{port: 0, to: 10.1.0.5}]"), "[blue]", "0 is no port"),
        (
            (UPLINK, "port_forwards: [{port: 80, to: 10.1.0.5}, {port: 80, to: 10.1.0.6}]"),
            "[blue]",
            "tcp port 80 is forwarded already",
        ),
        (
            ("uplink: host", "port_forwards: [{port: 80, to: 10.1.0.5, address: 203.0.113.1}]"),
            "[blue]",
            "a port is published on every address of the host",
        ),
    ],
)
def test_mistakes(tmp_path: Path, fields: tuple[str, ...], networks: str, why: str) -> None:
    with pytest.raises(IntentError) as error:
        read(tmp_path, *fields, networks=networks)
    assert why in str(error.value)
