"""Guests of a real cloud with ML2/OVN: their addresses from OVN, their metadata from netmend, on two chassis."""

import json

from tests.neutron.cloud import Cloud, Resource, address_of, call
from tests.neutron.guests import Guest
from tests.neutron.ovn.booting import boot
from tests.neutron.ovn.chassis import Chassis
from tests.neutron.ovn.instances import INSTANCES, STATEFUL, USER_DATA, WHO, ask


def metadata_address(cloud: Cloud, network: Resource) -> str:
    """Of the network's port for metadata."""
    found = call("GET", f"ports?network_id={network['id']}&device_owner=network:distributed")["ports"]
    return address_of(found[0])


def test_addresses_from_ovn_metadata_from_netmend_on_both_chassis(cloud: Cloud, one: Chassis, two: Chassis) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.70.0.0/24", dns_nameservers=["192.0.2.53"])
    cloud.subnet(network, "fd70::/64", **STATEFUL)
    ports = [
        cloud.port(network, device_id=instance, **{"binding:host_id": name})
        for instance, name in zip(INSTANCES, ("node1", "node2"), strict=True)
    ]
    with one.netmend() as first, two.netmend() as second:
        with Guest(ports[0], one.host) as here, Guest(ports[1], two.host) as there:
            for guest, netmend in ((here, first), (there, second)):
                cloud.wait_until_active(guest.port)
                netmend.wait_until_serves(network["id"])
                four, six = sorted((fixed["ip_address"] for fixed in guest.port["fixed_ips"]), key=lambda ip: ":" in ip)
                lease = guest.dhcp()
                assert (lease["ip"], lease["dns"], lease["mtu"]) == (four, "192.0.2.53", "1442")
                way = f"169.254.169.254/32 {metadata_address(cloud, network)}"
                assert way in lease["staticroutes"], lease
                assert ask(guest) == {
                    "path": WHO, "instance": guest.port["device_id"], "tenant": network["project_id"], "from": four,
                }  # fmt: skip
                assert guest.dhclient(6)["new_ip6_address"] == six
                guest.inside("ip", "addr", "add", f"{six}/128", "dev", guest.device)
                said = ask(guest, f"[fe80::a9fe:a9fe%25{guest.device}]")
                assert said["instance"] == guest.port["device_id"], said
            here.wait_until_reached(address_of(ports[1]))
            for chassis in (one, two):
                assert chassis.namespaces() == {f"ovnmeta-{network['id']}"}
        for chassis, netmend in ((one, first), (two, second)):
            netmend.wait_until_serves()
            chassis.wait_until_clean(network)


def test_cloud_init_applies_what_nova_has_for_the_instance(cloud: Cloud, one: Chassis) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.71.0.0/24")
    port = cloud.port(network, device_id=INSTANCES[0])
    with one.netmend() as netmend, Guest(port, one.host) as guest:
        netmend.wait_until_serves(network["id"])
        found = boot(guest)
        assert found.get("written") == "by write_files" and found["ran"] == "by runcmd\n", found
        assert found["instance-id"].strip() == INSTANCES[0]
        result = json.loads(found["result.json"])["v1"]
        assert result["errors"] == [] and result["datasource"].startswith("DataSourceOpenStackLocal"), found
        assert found["user-data.txt"] == USER_DATA
