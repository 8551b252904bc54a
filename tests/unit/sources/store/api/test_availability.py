"""How many addresses are left, counted as Neutron counts them."""

from pathlib import Path

from tests.unit.sources.store.served import serve


def test_addresses_are_counted_by_subnet_and_version(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        network = client.make("network", name="blue")
        client.make("network", name="empty")
        pools = [{"start": "10.0.0.10", "end": "10.0.0.19"}]
        four = client.make("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, allocation_pools=pools)
        pools = [{"start": "2001:db8::10", "end": "2001:db8::1f"}]
        client.make("subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6, allocation_pools=pools)
        client.make("port", network_id=network["id"])
        found = client.get(f"network-ip-availabilities/{network['id']}")["network_ip_availability"]
        by_id = {one["subnet_id"]: one for one in found["subnet_ip_availability"]}
        assert (by_id[four["id"]]["total_ips"], by_id[four["id"]]["used_ips"]) == (10, 2), "the guest's and our own"
        assert found["total_ips"] == 10 + 16
        assert found["used_ips"] == 4

        listed = client.get("network-ip-availabilities?network_name=blue&ip_version=4")["network_ip_availabilities"]
        assert [(one["network_name"], one["total_ips"], one["used_ips"]) for one in listed] == [("blue", 10, 2)]
        every = client.get("network-ip-availabilities")["network_ip_availabilities"]
        assert sorted(one["network_name"] for one in every) == ["blue", "empty"]


def test_refusals(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        assert client.refused("GET", "network-ip-availabilities/absent")[:2] == (404, "NetworkNotFound")
        assert client.refused("GET", "network-ip-availabilities?colour=blue")[0] == 400
        assert client.refused("GET", "network-ip-availabilities?ip_version=5")[0] == 400


def test_there_is_one_zone_and_a_network_may_name_it(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, client):
        (zone,) = client.get("availability_zones")["availability_zones"]
        assert (zone["name"], zone["resource"], zone["state"]) == ("nova", "network", "available")
        assert client.make("network", availability_zone_hints=["nova"])["availability_zone_hints"] == ["nova"]
        body = {"network": {"availability_zone_hints": ["moon"]}}
        assert client.refused("POST", "networks", body)[:2] == (404, "AvailabilityZoneNotFound")
        assert client.get("agents")["agents"][0]["availability_zone"] == "nova"
