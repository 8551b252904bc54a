"""openstacksdk and python-neutronclient: what programs, Ansible and Terraform's like are built on."""

from tests.peers.api.store_node import StoreNode, run_python

_SDK = """
import openstack
cloud = openstack.connect(cloud="netmend")
network = cloud.network.create_network(name="blue", description="d")
subnet = cloud.network.create_subnet(network_id=network.id, cidr="10.0.0.0/16", ip_version=4, name="four")
ports = list(cloud.network.create_ports([{"network_id": network.id, "name": f"p{n}"} for n in range(250)]))
assert len({port.fixed_ips[0]["ip_address"] for port in ports}) == 250
assert len(list(cloud.network.ports(network_id=network.id, limit=100))) == 251  # and netmend's own; in three pages
assert cloud.network.find_port("p7").id == ports[7].id
port = cloud.network.update_port(ports[7], name="renamed", extra_dhcp_opts=[{"opt_name": "mtu", "opt_value": "1400"}])
assert (port.name, port.revision_number) == ("renamed", 2)
try:
    cloud.network.update_port(port, if_revision=1, name="late")
    raise SystemExit("a stale revision was taken")
except openstack.exceptions.HttpException as refused:
    assert refused.status_code == 412, refused
cloud.network.set_tags(network, ["a", "b"])
assert sorted(cloud.network.get_network(network.id).tags) == ["a", "b"]
try:
    cloud.network.delete_network(network, ignore_missing=False)
    raise SystemExit("a network in use was deleted")
except openstack.exceptions.ConflictException as refused:
    assert "ports still in use" in str(refused)
for port in ports:
    cloud.network.delete_port(port.id, ignore_missing=False)
cloud.network.delete_network(network, ignore_missing=False)
assert cloud.network.find_network("blue") is None
assert list(cloud.network.agents())[0].binary == "netmend"
assert "standard-attr-tag" in [extension.alias for extension in cloud.network.extensions()]
quota = cloud.network.update_quota("p1", networks=1)
cloud.network.create_network(name="one", project_id="p1")
try:
    cloud.network.create_network(name="two", project_id="p1")
    raise SystemExit("a quota was exceeded")
except openstack.exceptions.ConflictException as refused:
    assert "Quota exceeded" in str(refused)
# the cloud layer, as Ansible's modules use it
made = cloud.create_network("layer")
cloud.create_subnet(made.id, cidr="10.1.0.0/24", ip_version=4, enable_dhcp=True)
assert cloud.create_port(made.id, name="x").fixed_ips[0]["ip_address"].startswith("10.1.0.")
assert cloud.search_networks("layer")
# a router, its way out, a floating IP
external = cloud.network.create_network(name="out", is_router_external=True)
cloud.network.create_subnet(network_id=external.id, cidr="203.0.113.0/24", ip_version=4, is_dhcp_enabled=False)
inner = cloud.network.create_network(name="inner")
net = cloud.network.create_subnet(network_id=inner.id, cidr="10.2.0.0/24", ip_version=4)
guest = cloud.network.create_port(network_id=inner.id)
router = cloud.network.create_router(name="r", external_gateway_info={"network_id": external.id})
cloud.network.add_interface_to_router(router, subnet_id=net.id)
floating = cloud.network.create_ip(floating_network_id=external.id, port_id=guest.id)
assert (floating.status, floating.router_id) == ("ACTIVE", router.id)
route = {"destination": "10.9.0.0/16", "nexthop": "10.2.0.9"}
cloud.network.add_extra_routes_to_router(router, {"router": {"routes": [route]}})
assert cloud.network.get_router(router.id).routes == [route]
assert [found.id for found in cloud.network.routers(name="r")] == [router.id]
cloud.network.delete_ip(floating, ignore_missing=False)
cloud.network.remove_interface_from_router(router, subnet_id=net.id)
cloud.network.delete_router(router, ignore_missing=False)
# security groups, by the proxy and by the cloud layer
group = cloud.network.create_security_group(name="web")
rule = cloud.network.create_security_group_rule(
    security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22)
try:
    cloud.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22)
    raise SystemExit("a rule was made twice")
except openstack.exceptions.ConflictException as refused:
    assert "already exists" in str(refused)
assert rule.id in [found["id"] for found in cloud.network.get_security_group(group.id).security_group_rules]
assert cloud.network.find_security_group("default").id in guest.security_group_ids
joined = cloud.network.update_port(guest, security_group_ids=[group.id])
assert [port.id for port in cloud.network.ports(security_group_ids=[group.id])] == [guest.id]
made = cloud.create_security_group("layer", "made by the cloud layer")
assert cloud.create_security_group_rule(made.id, 80, 80, "tcp", "0.0.0.0/0").port_range_max == 80
assert cloud.delete_security_group(made.id)
addresses = cloud.network.create_address_group(name="a", addresses=["192.0.2.0/24"])
cloud.network.add_addresses_to_address_group(addresses, ["198.51.100.1/32"])
assert len(cloud.network.get_address_group(addresses.id).addresses) == 2
print("done")
"""

_NEUTRONCLIENT = """
import os
from keystoneauth1 import session, token_endpoint
from neutronclient.common import exceptions
from neutronclient.v2_0.client import Client
auth = token_endpoint.Token(os.environ["ENDPOINT"], os.environ["TOKEN"])
neutron = Client(session=session.Session(auth=auth))
network = neutron.create_network({"network": {"name": "blue"}})["network"]
subnet = neutron.create_subnet({"subnet": {"network_id": network["id"], "cidr": "10.0.0.0/29", "ip_version": 4}})
for _ in range(4):
    neutron.create_port({"port": {"network_id": network["id"]}})
for expected, body in (
    (exceptions.IpAddressGenerationFailureClient, {"network_id": network["id"]}),
    (exceptions.NetworkNotFoundClient, {"network_id": "11111111-2222-4333-8444-555555555555"}),
):
    try:
        neutron.create_port({"port": body})
        raise SystemExit(f"no {expected}")
    except expected:
        pass
assert len(neutron.list_ports(network_id=network["id"], page_reverse=False, limit=2)["ports"]) == 5
neutron.update_network(network["id"], {"network": {"admin_state_up": False}})
assert neutron.show_network(network["id"])["network"]["admin_state_up"] is False
neutron.replace_tag("networks", network["id"], {"tags": ["x"]})
for port in neutron.list_ports(device_owner="")["ports"]:
    neutron.delete_port(port["id"])
neutron.delete_network(network["id"])
assert neutron.list_networks()["networks"] == []
assert neutron.list_agents()["agents"][0]["alive"] is True
print("done")
"""


def test_openstacksdk() -> None:
    with StoreNode() as node:
        assert run_python(node, _SDK).strip() == "done"


def test_neutronclient() -> None:
    with StoreNode() as node:
        assert run_python(node, _NEUTRONCLIENT).strip() == "done"
