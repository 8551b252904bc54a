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
