"""The domains of all networks of the node, so that no network's names are asked for elsewhere by another's guests."""

from collections.abc import Iterable
from threading import Lock

from netmend.intent import Network
from netmend.services.dns import names
from netmend.services.dns.addresses import all_subnets
from netmend.services.dns.sharing import Neighbour, Sharing
from netmend.services.dns.special import NEVER_PUBLIC


def domains_of(network: Network) -> frozenset[bytes]:
    """The zones that a network's names are in."""
    if network.dns is None:
        return frozenset()
    texts = [network.dns.domain, *(subnet.domain for subnet in all_subnets(network))]
    return frozenset(names.from_text(text) for text in texts if text)


class Domains:
    """The network of each domain. Thread-safe."""

    def __init__(self) -> None:
        self.version = 0  # another with each change: an answer that rests on an earlier one shows by it
        self._owners: dict[bytes, dict[str, str | None]] = {}  # domain: project by network id
        self._of_network: dict[str, frozenset[bytes]] = {}
        self._lock = Lock()
        self._sharing = Sharing()

    def join(self, network: Network, neighbour: Neighbour) -> None:
        """Have the names of a network shared, or no more, as its `share_names` says; `neighbour` answers for it."""
        with self._lock:
            if self._sharing.put(network, neighbour):
                self.version += 1

    def neighbours(self, network_id: str) -> tuple[Neighbour, ...]:
        """The networks that share names with this one."""
        return self._sharing.neighbours(network_id)

    def put(self, network: Network) -> None:
        """Know, or know anew, a network's domains."""
        domains = domains_of(network)
        with self._lock:
            known = self._of_network.get(network.id, frozenset())
            if known == domains and all(self._owners[name][network.id] == network.project_id for name in domains):
                return
            self._forget(network.id, known - domains)
            self._of_network[network.id] = domains
            for domain in domains:
                owners = dict(self._owners.get(domain, ()))
                owners[network.id] = network.project_id
                self._owners[domain] = owners
            self.version += 1  # last: a thread that sees it sees the rest

    def remove(self, network_id: str) -> None:
        with self._lock:
            was_shared = self._sharing.remove(network_id)
            known = self._of_network.pop(network_id, frozenset())
            self._forget(network_id, known)
            if known or was_shared:
                self.version += 1

    def _forget(self, network_id: str, domains: Iterable[bytes]) -> None:
        for domain in domains:
            owners = {key: project for key, project in self._owners[domain].items() if key != network_id}
            if owners:
                self._owners[domain] = owners
            else:
                del self._owners[domain]

    def elsewhere(self, domain: bytes, network_id: str, project_id: str | None) -> bool:
        """Whether a name in this very domain is another network's business.

        Where networks have projects, a project must not take a public domain away from the guests of the others by
        naming a network so: between projects, only domains that are never public count.
        """
        owners = self._owners.get(domain)
        if owners is None or network_id in owners:
            return False
        if project_id is None or any(project is None or project == project_id for project in owners.values()):
            return True
        return domain[domain[0] + 1 :] == names.ROOT or any(domain.endswith(end) for end in NEVER_PUBLIC)
