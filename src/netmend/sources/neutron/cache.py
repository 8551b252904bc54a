"""The networks as the server last described them, with its notifications applied as they come.

A notification of a port carries the port, so no call is needed to know it; one of a network or a subnet only says that
the network must be fetched again. An answer to a fetch may be older than what was notified while it was on its way:
what came meanwhile is applied to it again, as far as revision numbers and deletions say that it is news.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from netmend.sources.neutron.names import Raw

_DELETED_KEPT = 24 * 3600.0  # seconds a deleted port's id is remembered (DELETED_PORT_MAX_AGE)


@dataclass(slots=True)
class Entry:
    """One network. `fetching` counts fetches on their way; `noticed` are port notices since the oldest of them."""

    raw: dict[str, Any] | None = None  # without its ports
    ports: dict[str, Raw] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)  # port ids by address
    fetching: int = 0
    noticed: list[Raw | str] = field(default_factory=list)  # a port, or the id of a deleted one

    def put(self, port: Raw) -> bool:
        """Take a port as news; False when what is known of it is as new."""
        known = self.ports.get(port["id"])
        if known is not None:
            if _revision(known) > _revision(port) or known == port:
                return False
            self._disown(known)
        self.ports[port["id"]] = port
        self.owners.update((fixed["ip_address"], port["id"]) for fixed in port["fixed_ips"])
        return True

    def drop(self, port_id: str) -> bool:
        known = self.ports.pop(port_id, None)
        if known is not None:
            self._disown(known)
        return known is not None

    def replace_ports(self, ports: Iterable[Raw]) -> None:
        """These are all; what is known to be newer is kept, and the same object where nothing changed."""
        before, self.ports, self.owners = self.ports, {}, {}
        for port in ports:
            known = before.get(port["id"])
            keep = known is not None and (known == port or _revision(known) > _revision(port))
            self.put(known if known is not None and keep else port)

    def _disown(self, port: Raw) -> None:
        for fixed in port["fixed_ips"]:
            if self.owners.get(fixed["ip_address"]) == port["id"]:
                del self.owners[fixed["ip_address"]]


class NetworkCache:
    """Networks by id. `now` is in seconds of any steady clock."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._network_of_subnet: dict[str, str] = {}
        self._deleted: dict[str, float] = {}

    def __contains__(self, network_id: object) -> bool:
        entry = self._entries.get(str(network_id))
        return entry is not None and entry.raw is not None

    def ids(self) -> list[str]:
        return [network_id for network_id, entry in self._entries.items() if entry.raw is not None]

    def get(self, network_id: str) -> dict[str, Any] | None:
        """The network with its ports, as the server sends it."""
        entry = self._entries.get(network_id)
        if entry is None or entry.raw is None:
            return None
        return {**entry.raw, "ports": list(entry.ports.values())}

    def port_ids(self, network_id: str) -> set[str]:
        entry = self._entries.get(network_id)
        return set(entry.ports) if entry else set()

    def port(self, network_id: str, port_id: str) -> Raw | None:
        entry = self._entries.get(network_id)
        return entry.ports.get(port_id) if entry else None

    def network_of_subnet(self, subnet_id: str) -> str | None:
        return self._network_of_subnet.get(subnet_id)

    def counts(self) -> dict[str, int]:
        """The counts for the agent's state report."""
        found = [entry for entry in self._entries.values() if entry.raw is not None]
        subnets = sum(len(_subnets(entry.raw)) for entry in found if entry.raw)
        return {"networks": len(found), "subnets": subnets, "ports": sum(len(entry.ports) for entry in found)}

    # --- fetches --------------------------------------------------------------------------------------------------

    def fetch_begins(self, network_id: str) -> None:
        self._entries.setdefault(network_id, Entry()).fetching += 1

    def fetch_fails(self, network_id: str) -> None:
        self._fetch_ends(network_id)

    def fetched(self, network_id: str, raw: Raw | None) -> None:
        """The answer to a fetch that began before: None when the network is gone."""
        entry = self._entries.setdefault(network_id, Entry())
        noticed = entry.noticed
        if raw is None:
            self.remove(network_id)
        else:
            self._put(entry, network_id, raw)
            for notice in noticed:
                if isinstance(notice, str):
                    entry.drop(notice)
                else:
                    entry.put(notice)
        self._fetch_ends(network_id)

    def _fetch_ends(self, network_id: str) -> None:
        entry = self._entries.get(network_id)
        if entry is None:
            return
        entry.fetching = max(0, entry.fetching - 1)
        if not entry.fetching:
            entry.noticed = []
            if entry.raw is None:
                del self._entries[network_id]

    def remove(self, network_id: str) -> None:
        entry = self._entries.get(network_id)
        if entry is None or entry.raw is None:
            return
        for subnet in _subnets(entry.raw):
            self._network_of_subnet.pop(subnet["id"], None)
        entry.raw, entry.ports, entry.owners = None, {}, {}
        if not entry.fetching:
            del self._entries[network_id]

    def _put(self, entry: Entry, network_id: str, raw: Raw) -> None:
        if entry.raw is not None:
            for subnet in _subnets(entry.raw):
                self._network_of_subnet.pop(subnet["id"], None)
        entry.raw = {key: value for key, value in raw.items() if key != "ports"}
        entry.replace_ports(raw["ports"])
        self._network_of_subnet.update((subnet["id"], network_id) for subnet in _subnets(raw))

    # --- notices --------------------------------------------------------------------------------------------------

    def port_told(self, port: Raw, now: float) -> bool:
        """A port was made or changed; whether that is news of a network that we have."""
        self._forget_deleted(now)
        entry = self._entries.get(port["network_id"])
        if entry is None or port["id"] in self._deleted:
            return False
        if entry.fetching:
            entry.noticed.append(port)
        return entry.raw is not None and entry.put(port)

    def port_gone(self, port_id: str, network_id: str, now: float) -> bool:
        """Forget a deleted port; returns whether it was known."""
        self._deleted[port_id] = now
        entry = self._entries.get(network_id)
        if entry is None:
            return False
        if entry.fetching:
            entry.noticed.append(port_id)
        return entry.drop(port_id)

    def clashes(self, port: Raw) -> bool:
        """Whether a port that was made has an address that we take for another's: we have missed something."""
        entry = self._entries.get(port["network_id"])
        found = (entry.owners.get(fixed["ip_address"]) for fixed in port["fixed_ips"]) if entry else ()
        return any(owner not in {None, port["id"]} for owner in found)

    def _forget_deleted(self, now: float) -> None:
        while self._deleted:
            oldest = next(iter(self._deleted))
            if now - self._deleted[oldest] < _DELETED_KEPT:
                return
            del self._deleted[oldest]


def _subnets(raw: Raw) -> list[Raw]:
    return [*raw["subnets"], *(raw.get("non_local_subnets") or ())]


def _revision(port: Raw) -> int:
    return int(port.get("revision_number") or 0)
