"""What a real server (29.0.0) said over RPC of one network for each feature; recorded by tests/neutron/record.py."""

import copy
import json
from pathlib import Path
from typing import Any

_RECORD = json.loads(Path(__file__).with_name("payloads.json").read_text())

HOST: str = _RECORD["host"]
NAMES: tuple[str, ...] = tuple(_RECORD["active"])


def network(name: str) -> dict[str, Any]:
    """A copy, to change at will."""
    return copy.deepcopy(_RECORD["active"][name])


def one() -> dict[str, Any]:
    """The answer to `get_network_info` of the network `names`."""
    return copy.deepcopy(_RECORD["get_network_info"])


def segmented() -> dict[str, Any]:
    """The network `two subnets`, with each subnet on a segment of its own; the one on `b` is the older, and our port is
    that segment's."""
    raw = network("two subnets")
    raw["segments"] = [{"id": letter * 8, "segmentation_id": number} for letter, number in (("b", 7), ("a", 9))]
    by_age = sorted(raw["subnets"], key=lambda subnet: subnet["standard_attr_id"])
    for subnet, segment in zip(by_age, raw["segments"], strict=True):
        subnet["segment_id"] = segment["id"]
    own = next(port for port in raw["ports"] if port["device_owner"] == "network:dhcp")
    own["device_id"] += "-7"
    return raw
