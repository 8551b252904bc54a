"""What of a network gets a DHCP port of its own."""

from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.names import dhcp_device_id, is_of_network, segment_network_id
from netmend.sources.neutron.parts import parts


def test_each_segment_on_this_host_is_a_network_with_a_port_of_its_own() -> None:
    raw = payloads.segmented()
    first, second = parts(raw, payloads.HOST)
    assert first.device_id == dhcp_device_id(raw["id"], payloads.HOST, 7)
    assert second.device_id == dhcp_device_id(raw["id"], payloads.HOST, 9)
    assert not any(is_of_network(part.device_id, raw["id"]) for part in (first, second))
    assert [subnet["segment_id"] for part in (first, second) for subnet in part.subnets] == ["b" * 8, "a" * 8]


def test_the_oldest_bears_the_id_of_the_network() -> None:
    raw = payloads.segmented()
    first, second = parts(raw, payloads.HOST)
    assert (first.id, second.id) == (raw["id"], segment_network_id(raw["id"], "a" * 8))
    oldest = first.subnets[0]
    raw["subnets"] = [subnet for subnet in raw["subnets"] if subnet["id"] != oldest["id"]]
    (alone,) = parts(raw, payloads.HOST)
    assert alone.id == raw["id"]
    assert alone.device_id == second.device_id


def test_a_segment_without_dhcp_is_none() -> None:
    raw = payloads.segmented()
    first, second = parts(raw, payloads.HOST)
    for subnet in raw["subnets"]:
        subnet["enable_dhcp"] = subnet["id"] != first.subnets[0]["id"]
    (alone,) = parts(raw, payloads.HOST)
    assert (alone.id, alone.device_id) == (raw["id"], second.device_id)


def test_segments_without_a_number_have_ports_apart() -> None:
    raw = payloads.segmented()
    for segment in raw["segments"]:
        segment["segmentation_id"] = None
    first, second = parts(raw, payloads.HOST)
    assert is_of_network(first.device_id, raw["id"])
    assert first.device_id != second.device_id
