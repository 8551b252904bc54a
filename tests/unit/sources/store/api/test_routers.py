"""Routers and floating IPs of the API, and the intent that they are."""

from ipaddress import IPv4Address, ip_address, ip_interface, ip_network
from pathlib import Path

from tests.unit.sources.store.served import Body, Client, serve

from netmend.intent import DeviceUplink, FloatingIp, HostUplink, RouterRoute
from netmend.intent.names import bridge_name
from netmend.sources.file import load
from netmend.sources.store import Store
from netmend.sources.store.exchange.export import export


def inside(client: Client, cidr: str = "10.1.0.0/24") -> tuple[Body, Body, Body]:
    """A network, its subnet and a guest's port."""
    network = client.make("network")
    subnet = client.make("subnet", network_id=network["id"], cidr=cidr, ip_version=4)
    return network, subnet, client.make("port", network_id=network["id"])


def outside(client: Client, **settings: str) -> tuple[Body, Body]:
    network = client.make("network", router__external=True, netmend=settings)
    subnet = client.make("subnet", network_id=network["id"], cidr="203.0.113.0/24", ip_version=4, enable_dhcp=False)
    return network, subnet


def interface(client: Client, router: Body, action: str, **what: str) -> tuple[int, Body]:
    return client.ask("PUT", f"/v2.0/routers/{router['id']}/{action}_router_interface", what)


def test_a_router_with_its_networks_and_a_way_out(tmp_path: Path) -> None:
    with serve(tmp_path) as (store, client):
        network, subnet, _ = inside(client)
        external, _ = outside(client, uplink="eth1")
        router = client.make("router", name="r", external_gateway_info={"network_id": external["id"]})
        status, made = interface(client, router, "add", subnet_id=subnet["id"])
        assert (status, made["subnet_id"], made["network_id"]) == (200, subnet["id"], network["id"])
        port = client.get(f"ports/{made['port_id']}")["port"]
        assert (port["device_owner"], port["device_id"]) == ("network:router_interface", router["id"])
        assert port["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.1.0.1"}]
        shown = client.get(f"routers/{router['id']}")["router"]
        (own,) = shown["external_gateway_info"]["external_fixed_ips"]

        value = store.intent.routers[router["id"]]
        assert value.ports[0].addresses == (ip_interface("10.1.0.1/24"),)
        assert store.intent.networks[network["id"]].router_ports == value.ports
        assert isinstance(value.uplink, DeviceUplink)
        assert (value.uplink.device, value.uplink.gateways) == ("eth1", (ip_address("203.0.113.1"),))
        assert value.uplink.addresses == (ip_interface(f"{own['ip_address']}/24"),)
        assert value.snat
        client.ask("PUT", f"/v2.0/routers/{router['id']}", {"router": {"external_gateway_info": {
            "network_id": external["id"], "enable_snat": False}}})  # fmt: skip
        assert not store.intent.routers[router["id"]].snat

        assert client.refused("DELETE", f"routers/{router['id']}")[:2] == (409, "RouterInUse")
        assert client.refused("DELETE", f"ports/{made['port_id']}")[:2] == (409, "ServicePortInUse")
        assert interface(client, router, "remove", subnet_id=subnet["id"])[0] == 200
        assert interface(client, router, "remove", subnet_id=subnet["id"])[0] == 404
        assert client.ask("DELETE", f"/v2.0/routers/{router['id']}")[0] == 204
        assert not store.intent.routers
        assert not store.intent.networks[network["id"]].router_ports
        assert not client.get("ports?device_owner=network:router_gateway")["ports"]


def test_an_external_network_is_its_own_bridge_or_the_hosts_way(tmp_path: Path) -> None:
    with serve(tmp_path) as (store, client):
        external, _ = outside(client)
        host, _ = outside(client, uplink="host")
        one = client.make("router", external_gateway_info={"network_id": external["id"]})
        two = client.make("router", external_gateway_info={"network_id": host["id"]})
        uplink = store.intent.routers[one["id"]].uplink
        assert isinstance(uplink, DeviceUplink)
        assert uplink.device == bridge_name(external["id"])
        assert store.intent.routers[two["id"]].uplink == HostUplink()
        plain = {"network": {"netmend": {"uplink": "eth1"}}}
        assert client.refused("POST", "networks", plain)[0] == 400


def test_floating_ips(tmp_path: Path) -> None:
    with serve(tmp_path) as (store, client):
        _, subnet, port = inside(client)
        external, _ = outside(client)
        fixed = port["fixed_ips"][0]["ip_address"]
        router = client.make("router", external_gateway_info={"network_id": external["id"]})
        floating = client.make("floatingip", floating_network_id=external["id"])
        assert (floating["status"], floating["port_id"]) == ("DOWN", None)
        path = f"floatingips/{floating['id']}"
        wanted = {"floatingip": {"port_id": port["id"]}}
        assert client.refused("PUT", path, wanted)[:2] == (404, "ExternalGatewayForFloatingIPNotFound")
        interface(client, router, "add", subnet_id=subnet["id"])
        status, found = client.ask("PUT", f"/v2.0/{path}", wanted)
        assert (status, found["floatingip"]["fixed_ip_address"]) == (200, fixed)
        assert found["floatingip"]["router_id"] == router["id"]
        pair = FloatingIp(IPv4Address(floating["floating_ip_address"]), IPv4Address(fixed))
        assert store.intent.routers[router["id"]].floating_ips == (pair,)
        again = {"floatingip": {"floating_network_id": external["id"], "port_id": port["id"]}}
        assert client.refused("POST", "floatingips", again)[:2] == (409, "FloatingIPPortAlreadyAssociated")
        refused = client.refused("PUT", f"routers/{router['id']}/remove_router_interface", {"subnet_id": subnet["id"]})
        assert refused[:2] == (409, "RouterInterfaceInUseByFloatingIP")
        assert client.ask("DELETE", f"/v2.0/ports/{port['id']}")[0] == 204
        assert client.get(path)["floatingip"]["port_id"] is None
        assert not store.intent.routers[router["id"]].floating_ips
        assert [each["id"] for each in client.get("floatingips?status=DOWN")["floatingips"]] == [floating["id"]]
        assert client.ask("DELETE", f"/v2.0/{path}")[0] == 204
        assert not client.get("ports?device_owner=network:floatingip")["ports"]


def test_static_routes(tmp_path: Path) -> None:
    with serve(tmp_path) as (store, client):
        _, subnet, _ = inside(client)
        router = client.make("router")
        interface(client, router, "add", subnet_id=subnet["id"])
        route = {"destination": "10.9.0.0/16", "nexthop": "10.1.0.9"}
        path = f"/v2.0/routers/{router['id']}"
        status, found = client.ask("PUT", f"{path}/add_extraroutes", {"router": {"routes": [route]}})
        assert (status, found["router"]["routes"]) == (200, [route])
        wanted = RouterRoute(ip_network("10.9.0.0/16"), ip_address("10.1.0.9"))
        assert store.intent.routers[router["id"]].routes == (wanted,)
        elsewhere = {"router": {"routes": [{**route, "nexthop": "192.0.2.1"}]}}
        assert client.refused("PUT", f"routers/{router['id']}", elsewhere)[:2] == (400, "InvalidRoutes")
        bodies: list[Body] = [{"router": {"routes": {}}}, {"router": {"routes": None}}, {"router": {}}]
        for body in bodies:
            assert client.refused("PUT", f"routers/{router['id']}/add_extraroutes", body)[0] == 400
        client.ask("PUT", f"{path}/remove_extraroutes", {"router": {"routes": [route]}})
        assert not store.intent.routers[router["id"]].routes


def test_refusals_are_neutrons(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        network, subnet, _ = inside(client)
        router = client.make("router")
        assert client.refused("GET", "routers/absent")[:2] == (404, "RouterNotFound")
        assert client.refused("GET", "floatingips/absent")[:2] == (404, "FloatingIPNotFound")
        gateway = {"router": {"external_gateway_info": {"network_id": network["id"]}}}
        assert client.refused("PUT", f"routers/{router['id']}", gateway)[0] == 400
        assert interface(client, router, "add")[0] == 400
        assert interface(client, router, "add", subnet_id=subnet["id"])[0] == 200
        assert interface(client, client.make("router"), "add", subnet_id=subnet["id"])[0] == 409
        _, same, _ = inside(client, "10.1.0.0/16")
        assert interface(client, router, "add", subnet_id=same["id"])[0] == 400
        assert client.refused("POST", "floatingips", {"floatingip": {"floating_network_id": network["id"]}})[0] == 400


def test_a_store_opened_again_has_its_routers(tmp_path: Path) -> None:
    with serve(tmp_path) as (store, client):
        _, subnet, _ = inside(client)
        router = client.make("router", name="kept")
        interface(client, router, "add", subnet_id=subnet["id"])
        before = store.intent
        other = Store(store.path)
        try:
            assert other.intent == before
        finally:
            other.close()


def test_an_export_says_what_it_leaves_out(tmp_path: Path) -> None:
    with serve(tmp_path) as (store, client):
        _, subnet, _ = inside(client)
        external, _ = outside(client, uplink="eth1")
        router = client.make("router", name="r", external_gateway_info={"network_id": external["id"]})
        interface(client, router, "add", subnet_id=subnet["id"])
        exported = export(store.read())
        assert "router r: routers are not exported" in exported.left_out
        assert any("uplink is of external networks" in text for text in exported.left_out)
        path = tmp_path / "out.yaml"
        path.write_text(exported.text())
        assert sum(len(network.ports) for network in load(path).networks.values()) == 1


def test_no_gateway_and_no_routes_are_said_as_in_neutron(tmp_path: Path) -> None:
    """`{}` and null: Tempest and its kind send both."""
    with serve(tmp_path) as (_, client):
        router = client.make("router", name="r", external_gateway_info={})
        assert router["external_gateway_info"] is None
        network = client.make("network")
        subnet = client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
        path = f"/v2.0/routers/{router['id']}"
        assert client.ask("PUT", f"{path}/add_router_interface", {"subnet_id": subnet["id"]})[0] == 200
        routes = [{"destination": "10.9.0.0/24", "nexthop": "10.0.0.9"}]
        assert client.ask("PUT", path, {"router": {"routes": routes}})[1]["router"]["routes"] == routes
        assert client.ask("PUT", path, {"router": {"routes": None}})[1]["router"]["routes"] == []
        assert client.ask("PUT", path, {"router": {"external_gateway_info": {}}})[0] == 200
