"""Port forwardings of floating IPs."""

from ipaddress import IPv4Address
from pathlib import Path

from tests.unit.sources.store.served import serve

from netmend.intent import PortForward


def test_port_forwardings(tmp_path: Path) -> None:
    with serve(tmp_path) as (store, client):
        network = client.make("network")
        subnet = client.make("subnet", network_id=network["id"], cidr="10.1.0.0/24", ip_version=4)
        port = client.make("port", network_id=network["id"])
        external = client.make("network", router__external=True)
        client.make("subnet", network_id=external["id"], cidr="203.0.113.0/24", ip_version=4, enable_dhcp=False)
        router = client.make("router", external_gateway_info={"network_id": external["id"]})
        floating = client.make("floatingip", floating_network_id=external["id"])
        path = f"floatingips/{floating['id']}/port_forwardings"
        body = {"internal_port_id": port["id"], "internal_port": 80, "external_port": 8080, "protocol": "tcp"}
        wanted = {"port_forwarding": body}
        assert client.refused("POST", path, wanted)[:2] == (404, "ExternalGatewayForFloatingIPNotFound")
        client.ask("PUT", f"/v2.0/routers/{router['id']}/add_router_interface", {"subnet_id": subnet["id"]})
        status, made = client.ask("POST", f"/v2.0/{path}", wanted)
        fixed = port["fixed_ips"][0]["ip_address"]
        assert (status, made["port_forwarding"]["internal_ip_address"]) == (201, fixed)
        one = f"{path}/{made['port_forwarding']['id']}"
        assert client.get(path)["port_forwardings"] == [client.get(one)["port_forwarding"]]
        assert client.get(f"floatingips/{floating['id']}")["floatingip"]["status"] == "ACTIVE"
        address = IPv4Address(floating["floating_ip_address"])
        value = PortForward("tcp", 8080, IPv4Address(fixed), 80, address)
        assert store.intent.routers[router["id"]].forwards == (value,)

        assert client.refused("POST", path, wanted)[0] == 400
        associated = {"floatingip": {"port_id": port["id"]}}
        assert client.refused("PUT", f"floatingips/{floating['id']}", associated)[0] == 409
        client.ask("PUT", f"/v2.0/{one}", {"port_forwarding": {"external_port": 9090}})
        assert store.intent.routers[router["id"]].forwards[0].port == 9090
        assert client.ask("DELETE", f"/v2.0/{one}")[0] == 204
        assert client.refused("GET", one)[:2] == (404, "PortForwardingNotFound")
        assert not store.intent.routers[router["id"]].forwards
        client.ask("POST", f"/v2.0/{path}", wanted)
        assert client.ask("DELETE", f"/v2.0/ports/{port['id']}")[0] == 204
        assert client.get(path)["port_forwardings"] == []
