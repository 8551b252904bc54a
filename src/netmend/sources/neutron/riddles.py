"""Whether what a server sends has the shape that the agent's own books rest on.

A network or a port that has not is told and left aside, and what was known of it stays. What else may be wrong with it
is found when intent is made of it.
"""

from collections.abc import Iterable
from typing import Any

from netmend.sources.neutron.names import Raw

_TEXTS = ("device_id", "device_owner", "status", "name")


def riddle_of_network(raw: Any) -> str | None:
    """The reason for which `raw` is no network with its subnets and ports; None: it is one."""
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        return "it has no id"
    lists: list[Any] = [
        raw.get("ports"),
        raw.get("subnets"),
        raw.get("non_local_subnets") or [],
        raw.get("segments") or [],
    ]
    for name, found in zip(("ports", "subnets", "non_local_subnets", "segments"), lists, strict=True):
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            return f"its {name} are no list of objects"
    ports, *others = lists
    if any(not isinstance(item.get("id"), str) for found in others for item in found):
        return "one of its subnets or segments has no id"
    return next((f"one of its ports: {why}" for port in ports if (why := riddle_of_port(port)) is not None), None)


def riddle_of_port(raw: Any) -> str | None:
    """The reason for which `raw` is no port; None: it is one."""
    if not isinstance(raw, dict) or not (isinstance(raw.get("id"), str) and isinstance(raw.get("network_id"), str)):
        return "it has no id, or no network's"
    for name in _TEXTS:
        if not isinstance(raw.get(name), str | None):
            return f"{name} is no text"
    fixed_ips = raw.get("fixed_ips")
    if not isinstance(fixed_ips, list) or not all(_is_fixed_ip(item) for item in fixed_ips):
        return "fixed_ips are no list of addresses with their subnets' ids"
    revision = raw.get("revision_number") or 0
    return None if isinstance(revision, int) else "revision_number is no number"


def _is_fixed_ip(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("subnet_id"), str) and isinstance(item.get("ip_address"), str)


def sorted_out(networks: Iterable[Any]) -> tuple[dict[str, Raw], dict[str, str]]:
    """Networks by id, and why others, by id, are none; what has no id is not known by any."""
    told: dict[str, Raw] = {}
    riddles: dict[str, str] = {}
    for raw in networks:
        why = riddle_of_network(raw)
        if why is None:
            told[raw["id"]] = raw
        elif isinstance(raw, dict) and isinstance(raw.get("id"), str):
            riddles[raw["id"]] = f"what the server says of it makes no sense: {why}"
    return told, riddles
