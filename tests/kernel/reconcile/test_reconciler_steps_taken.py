"""A pass reports each device, name and address that it has made or removed, for the log."""

import os
from ipaddress import IPv4Network

import pytest
from msgspec.structs import replace

from netmend.intent import Intent, Network, Port, Subnet, TapPlug
from netmend.intent.names import bridge_name, dhcp_port, id_from_name, namespace_name, tap_name
from netmend.reconcile.reconciler import Reconciler

CIDR = IPv4Network("10.0.0.0/24")
SUBNET = Subnet(id_from_name("subnet", "s"), "s", CIDR, CIDR[2], CIDR[1])
GUEST = Port(id_from_name("port", "g"), "g", "fa:16:3e:00:00:01", (CIDR[11],), plug=TapPlug(0))
ONE = Network(id_from_name("network", "n"), "n", subnets=(SUBNET,), ports={GUEST.id: GUEST})
OWN, TAP, BRIDGE, NAMESPACE = (
    tap_name(dhcp_port(ONE).id),
    tap_name(GUEST.id),
    bridge_name(ONE.id),
    namespace_name(ONE.id),
)


def taken(reconciler: Reconciler, *networks: Network) -> list[str]:
    report = reconciler.run(Intent({network.id: network for network in networks}))
    assert not report.wrong and {one.network_id for one in report.taken} <= {ONE.id}
    return [one.text for one in report.taken if not one.text.startswith("port security")]


def test_each_is_named() -> None:
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("this user may not open /dev/net/tun")
    reconciler = Reconciler()
    assert taken(reconciler, ONE) == [
        f"create bridge {BRIDGE}",
        f"create namespace {NAMESPACE}",
        f"pin namespace {NAMESPACE}",
        f"create veth {OWN} with 10.0.0.2/24",
        f"create tap {TAP}",
    ]
    assert taken(reconciler, ONE) == []
    moved = replace(ONE, subnets=(replace(SUBNET, server_address=CIDR[3], gateway=CIDR[4]),), ports={})
    added, routed, removed = sorted(taken(reconciler, moved))
    assert added.startswith("add 10.0.0.3/24, remove 10.0.0.2/24 on ns-")
    assert routed.startswith("add route default via 10.0.0.4, remove route default via 10.0.0.1 on ns-")
    assert removed == f"delete tun {TAP}: not in intent"
    assert set(taken(reconciler)) == {
        f"delete veth {OWN}: not in intent",
        f"delete bridge {BRIDGE}: not in intent",
        f"remove namespace {NAMESPACE} with 10.0.0.3/24",
    }
