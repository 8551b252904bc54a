"""The part of a document that has the right shape, so that what it says can be checked although the rest is wrong.

A port with a problem is left out, or the network when the problem is the network's own. Fewer ports and networks
never cause a complaint, so nothing is told that is not true of the whole.
"""

from collections.abc import Collection
from typing import Any

from netmend.sources.problem import Place

_SOME_PROXY = {"endpoints": ["http://127.0.0.1"], "shared_secret": "any"}  # for one that is told of already


class Pruned:
    """A copy of `root` without the ports and networks that `bad` places lie in."""

    def __init__(self, root: dict[str, Any], bad: Collection[Place]) -> None:
        bad_ports = {place[:4] for place in bad if len(place) > 3 and place[2] == "ports"}
        bad_networks = {place[:2] for place in bad if len(place) < 4 or place[2] != "ports"}
        networks = root.get("networks")
        self._networks: list[int] = []  # where each that is kept was
        self._ports: list[list[int]] = []
        kept: list[Any] = []
        for index, network in enumerate(networks if isinstance(networks, list) else ()):
            if ("networks", index) in bad_networks:
                continue
            ports = network.get("ports") or []
            ports_kept = [at for at in range(len(ports)) if ("networks", index, "ports", at) not in bad_ports]
            self._networks.append(index)
            self._ports.append(ports_kept)
            kept.append({**network, "ports": [ports[at] for at in ports_kept]})
        self.root: dict[str, Any] = {"networks": kept}
        if root.get("metadata_proxy") is not None:
            bad_proxy = any(place[:1] == ("metadata_proxy",) for place in bad)
            self.root["metadata_proxy"] = _SOME_PROXY if bad_proxy else root["metadata_proxy"]

    def original(self, place: Place) -> Place:
        """Where `place` of the copy is in the document."""
        if len(place) < 2 or not isinstance(place[1], int):
            return place
        if len(place) < 4 or place[2] != "ports" or not isinstance(place[3], int):
            return ("networks", self._networks[place[1]], *place[2:])
        return ("networks", self._networks[place[1]], "ports", self._ports[place[1]][place[3]], *place[4:])
