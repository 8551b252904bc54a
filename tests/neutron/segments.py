"""Networks whose segments lie in racks: the switch of this host reaches rack1 and rack2 (openvswitch_agent.ini)."""

import os
from dataclasses import dataclass

import pytest
from tests.neutron.cloud import Cloud, Resource


@dataclass(frozen=True)
class Routed:
    """A network with a segment a rack, and a subnet a segment; both by the rack's number."""

    network: Resource
    segments: dict[int, Resource]
    subnets: dict[int, Resource]

    def port(self, cloud: Cloud, rack: int, **fields: object) -> Resource:
        fixed_ips = [{"subnet_id": self.subnets[rack]["id"]}]
        return cloud.port(self.network, **({"fixed_ips": fixed_ips} | fields))


def routed(cloud: Cloud, number: int, *racks: int) -> Routed:
    """With the VLAN 10 * number + rack in a rack, and 10.<200 + number>.<rack>.0/24 on it. The order is that in which
    they are made. Skips the test where the server cannot have it."""

    if {1, 2} <= set(racks) and os.environ.get("NEUTRON_RELEASE", "").startswith("21."):
        pytest.skip("Zed's server has one segment of a network on a host: HostConnectedToMultipleSegments")

    def vlan(rack: int) -> dict[str, object]:
        return {"network_type": "vlan", "physical_network": f"rack{rack}", "segmentation_id": 100 + 10 * number + rack}

    network = cloud.network(**{f"provider:{key}": value for key, value in vlan(racks[0]).items()})
    segments = {racks[0]: cloud.segments(network)[0]}
    for rack in racks[1:]:
        segments[rack] = cloud.segment(network, **vlan(rack))
    subnets = {}
    for rack in racks:
        cidr = f"10.{200 + number}.{rack}.0/24"
        subnets[rack] = cloud.subnet(network, cidr, segment_id=segments[rack]["id"])
    return Routed(network, segments, subnets)
