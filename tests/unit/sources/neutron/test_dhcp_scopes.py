"""What of a network gets a DHCP port of its own."""

from typing import Any

from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.dhcp_scopes import dhcp_scopes, left_over
from netmend.sources.neutron.names import dhcp_device_id, is_of_network, segment_network_id


def test_each_segment_on_this_host_is_a_network_with_a_port_of_its_own() -> None:
    raw = payloads.segmented()
    first, second = dhcp_scopes(raw, payloads.HOST)
    assert first.device_id == dhcp_device_id(raw["id"], payloads.HOST, 7)
    assert second.device_id == dhcp_device_id(raw["id"], payloads.HOST, 9)
    assert not any(is_of_network(scope.device_id, raw["id"]) for scope in (first, second))
    assert [subnet["segment_id"] for scope in (first, second) for subnet in scope.subnets] == ["b" * 8, "a" * 8]


def test_the_oldest_bears_the_id_of_the_network() -> None:
    raw = payloads.segmented()
    first, second = dhcp_scopes(raw, payloads.HOST)
    assert (first.id, second.id) == (raw["id"], segment_network_id(raw["id"], "a" * 8))
    oldest = first.subnets[0]
    raw["subnets"] = [subnet for subnet in raw["subnets"] if subnet["id"] != oldest["id"]]
    (alone,) = dhcp_scopes(raw, payloads.HOST)
    assert alone.id == raw["id"]
    assert alone.device_id == second.device_id


def test_a_segment_without_dhcp_is_none() -> None:
    raw = payloads.segmented()
    first, second = dhcp_scopes(raw, payloads.HOST)
    for subnet in raw["subnets"]:
        subnet["enable_dhcp"] = subnet["id"] != first.subnets[0]["id"]
    (alone,) = dhcp_scopes(raw, payloads.HOST)
    assert (alone.id, alone.device_id) == (raw["id"], second.device_id)


def test_segments_without_a_number_have_ports_apart() -> None:
    raw = payloads.segmented()
    for segment in raw["segments"]:
        segment["segmentation_id"] = None
    first, second = dhcp_scopes(raw, payloads.HOST)
    assert is_of_network(first.device_id, raw["id"])
    assert first.device_id != second.device_id


def one_segment(*device_ids: str) -> dict[str, Any]:
    """A network with one segment on this host, and DHCP ports with these device ids."""
    raw = payloads.segmented()
    raw["subnets"] = raw["subnets"][:1]
    guests = [port for port in raw["ports"] if port["device_owner"] != "network:dhcp"]
    model = next(port for port in raw["ports"] if port["device_owner"] == "network:dhcp")
    own = [{**model, "id": f"own-{number}", "device_id": device_id} for number, device_id in enumerate(device_ids)]
    return {**raw, "ports": [*guests, *own]}


def test_a_port_of_zeds_for_the_whole_network_is_that_of_its_only_segment() -> None:
    (scope,) = dhcp_scopes(one_segment(), payloads.HOST)
    whole = dhcp_device_id(payloads.segmented()["id"], payloads.HOST)
    assert not is_of_network(scope.device_id, payloads.segmented()["id"])
    taken_over = one_segment(whole)
    (found,) = dhcp_scopes(taken_over, payloads.HOST)
    assert (found.id, found.device_id, found.subnets) == (scope.id, whole, scope.subnets)
    assert left_over(taken_over, payloads.HOST) is None


def test_it_is_left_over_beside_the_segments_own() -> None:
    (scope,) = dhcp_scopes(one_segment(), payloads.HOST)
    whole = dhcp_device_id(payloads.segmented()["id"], payloads.HOST)
    both = one_segment(whole, scope.device_id)
    assert dhcp_scopes(both, payloads.HOST) == [scope]
    assert left_over(both, payloads.HOST) == whole
    assert left_over(one_segment(scope.device_id), payloads.HOST) is None


def test_it_is_left_over_where_there_are_several_segments() -> None:
    raw = payloads.segmented()
    assert left_over(raw, payloads.HOST) is None
    whole = dhcp_device_id(raw["id"], payloads.HOST)
    next(port for port in raw["ports"] if port["device_owner"] == "network:dhcp")["device_id"] = whole
    assert len(dhcp_scopes(raw, payloads.HOST)) == 2
    assert left_over(raw, payloads.HOST) == whole


def test_it_is_not_left_over_where_it_serves_what_has_no_number() -> None:
    raw = payloads.segmented()
    raw["segments"][1]["segmentation_id"] = None
    assert len(dhcp_scopes(raw, payloads.HOST)) == 2
    assert left_over(raw, payloads.HOST) is None
    assert left_over(payloads.network("plain"), payloads.HOST) is None
