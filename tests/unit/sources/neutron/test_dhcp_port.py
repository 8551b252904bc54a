"""What is asked of the server so that a network has a port of ours with an address in each subnet."""

from typing import Any

from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.dhcp_port import CreatePort, UpdatePort, instead, wish, with_port
from netmend.sources.neutron.dhcp_scopes import dhcp_scopes
from netmend.sources.neutron.names import dhcp_device_id


def subject(name: str = "plain", host: str = payloads.HOST) -> tuple[dict[str, Any], str]:
    raw = payloads.network(name)
    return raw, dhcp_device_id(raw["id"], host)


def test_device_ids_are_neutrons() -> None:
    raw, device_id = subject()
    assert any(port["device_id"] == device_id for port in raw["ports"])
    assert dhcp_device_id(raw["id"], f"{payloads.HOST}.example.org") == device_id  # names and full names are one host
    assert dhcp_device_id(raw["id"], payloads.HOST, 7) == f"{device_id}-7"


def test_nothing_when_all_is_there() -> None:
    raw, device_id = subject()
    assert wish(raw, device_id, raw["subnets"]) is None


def test_a_new_port_where_there_is_none() -> None:
    raw, device_id = subject(host="node2")
    wanted = wish(raw, device_id, raw["subnets"])
    assert isinstance(wanted, CreatePort)
    assert wanted.body["fixed_ips"] == [{"subnet_id": raw["subnets"][0]["id"]}]
    assert (wanted.body["device_id"], wanted.body["network_id"]) == (device_id, raw["id"])
    assert wanted.body["project_id"] == raw["project_id"]


def test_a_reserved_port_is_taken() -> None:
    raw, device_id = subject("reserved", host="node2")
    reserved = next(port for port in raw["ports"] if port["device_id"] == "reserved_dhcp_port")
    assert wish(raw, device_id, raw["subnets"]) == UpdatePort(
        reserved["id"], {"network_id": raw["id"], "device_id": device_id}
    )


def test_a_subnet_that_came_is_asked_for_and_the_addresses_kept() -> None:
    raw, device_id = subject()
    own = next(port for port in raw["ports"] if port["device_id"] == device_id)
    new = {**raw["subnets"][0], "id": "new"}
    wanted = wish(raw, device_id, [*raw["subnets"], new])
    kept = {key: own["fixed_ips"][0][key] for key in ("subnet_id", "ip_address")}
    assert wanted == UpdatePort(own["id"], {"network_id": raw["id"], "fixed_ips": [kept, {"subnet_id": "new"}]})


def test_a_subnet_whose_dhcp_was_turned_off_is_left() -> None:
    raw, device_id = subject("two subnets")
    raw["subnets"][0]["enable_dhcp"] = False
    wanted = wish(raw, device_id, raw["subnets"])
    assert isinstance(wanted, UpdatePort)
    assert [fixed["subnet_id"] for fixed in wanted.body["fixed_ips"]] == [raw["subnets"][1]["id"]]


def test_the_answer_takes_its_place_among_the_ports() -> None:
    raw, device_id = subject(host="node2")
    network = with_port(raw, {"id": "own", "device_id": device_id, "fixed_ips": []})
    assert len(network["ports"]) == len(raw["ports"]) + 1
    assert len(with_port(network, {"id": "own", "fixed_ips": [1]})["ports"]) == len(raw["ports"]) + 1


def test_what_is_refused_for_a_segment_is_a_new_port_with_the_addresses_of_the_old() -> None:
    raw = payloads.segmented()
    scope = dhcp_scopes(raw, payloads.HOST)[0]
    own = next(port for port in raw["ports"] if port["device_owner"] == "network:dhcp")
    own["device_id"] = scope.device_id
    refused = wish(raw, scope.device_id, scope.subnets)
    assert isinstance(refused, UpdatePort)
    another = instead(raw, scope.device_id, refused)
    assert another is not None
    assert another.body["device_id"] == scope.device_id
    assert another.body["fixed_ips"] == refused.body["fixed_ips"]
    assert another.body["fixed_ips"][0]["ip_address"] in {fixed["ip_address"] for fixed in own["fixed_ips"]}


def test_what_is_refused_for_a_network_or_of_anothers_port_is_not_asked_for_anew() -> None:
    raw, device_id = subject("two subnets")
    refused = wish(raw, device_id, raw["subnets"][:1])
    assert isinstance(refused, UpdatePort)
    assert instead(raw, device_id, refused) is None
    raw = payloads.segmented()
    scope = dhcp_scopes(raw, payloads.HOST)[0]
    assert instead(raw, scope.device_id, UpdatePort("another", {"fixed_ips": []})) is None


def test_a_reserved_port_of_another_segment_is_left() -> None:
    raw = payloads.segmented()
    first, second = dhcp_scopes(raw, payloads.HOST)
    reserved = next(port for port in raw["ports"] if port["device_owner"] == "network:dhcp")
    reserved["device_id"] = "reserved_dhcp_port"
    reserved["fixed_ips"] = [{"subnet_id": second.subnets[0]["id"], "ip_address": "10.20.9.1"}]
    assert isinstance(wish(raw, first.device_id, first.subnets), CreatePort)
    taken = wish(raw, second.device_id, second.subnets)
    assert isinstance(taken, UpdatePort)
    assert taken.port_id == reserved["id"]


def test_a_network_of_nobodys_has_a_port_of_nobodys() -> None:
    raw, device_id = subject(host="node2")
    raw["project_id"] = ""  # that of highly available routers: of a port whose project is null the server makes nothing
    wanted = wish(raw, device_id, raw["subnets"])
    assert isinstance(wanted, CreatePort)
    assert wanted.body["project_id"] == ""
