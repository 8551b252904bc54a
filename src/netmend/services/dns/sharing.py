"""The networks of a project that share their names (`Dns.share_names`)."""

from typing import Protocol

from netmend.intent import Network
from netmend.services.dns.addresses import Region
from netmend.services.dns.found import Found


class Neighbour(Protocol):
    """A network that shares its names, as others of its project see it. The thread of all responders asks it, and holds
    the lock of the one that asks."""

    def in_own_zone(self, name: bytes, rdtype: int, apex: int) -> Found | None:
        """What it says of `name` (lower case), if the zone that begins at `apex` is one of its own; else None."""

    def in_own_subnet(self, name: bytes, rdtype: int, region: Region) -> Found | None:
        """What it says of the reverse name of one address, if one of its subnets has that; else None."""


class Sharing:
    """The networks that share names, by project. Any thread may call `neighbours`, one at a time the rest."""

    def __init__(self) -> None:
        self._members: dict[str | None, dict[str, Neighbour]] = {}  # by project, then by network id
        self._project_of: dict[str, str | None] = {}  # by network id

    def put(self, network: Network, neighbour: Neighbour) -> bool:
        """Know a network as its `share_names` says; returns whether that is new."""
        shares = network.dns is not None and network.dns.share_names
        is_known = network.id in self._project_of
        if shares and is_known and self._project_of[network.id] == network.project_id:
            if self._members[network.project_id][network.id] is neighbour:
                return False
        elif not shares and not is_known:
            return False
        self.remove(network.id)
        if shares:
            self._project_of[network.id] = network.project_id
            self._members[network.project_id] = {**self._members.get(network.project_id, {}), network.id: neighbour}
        return True

    def remove(self, network_id: str) -> bool:
        """Forget a network; returns whether it was known."""
        if network_id not in self._project_of:
            return False
        project = self._project_of.pop(network_id)
        left = {key: member for key, member in self._members[project].items() if key != network_id}
        if left:
            self._members[project] = left
        else:
            del self._members[project]
        return True

    def neighbours(self, network_id: str) -> tuple[Neighbour, ...]:
        """The networks that share with this one, in the order of their ids; none where it does not share itself."""
        if network_id not in self._project_of:
            return ()
        members = self._members.get(self._project_of.get(network_id), {})
        return tuple(members[key] for key in sorted(members) if key != network_id)
