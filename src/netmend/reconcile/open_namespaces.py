"""The namespaces that this process has open, by network id: they live whatever happens to their names."""

from collections.abc import Iterator
from threading import Lock

from netmend.kernel.netns import Netns


class OpenNamespaces:
    """One descriptor for each network. Thread-safe."""

    def __init__(self) -> None:
        self._open: dict[str, Netns] = {}
        self._lock = Lock()

    def __contains__(self, network_id: str) -> bool:
        return network_id in self._open

    def __getitem__(self, network_id: str) -> Netns:
        return self._open[network_id]

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._open))

    def get(self, network_id: str) -> Netns | None:
        return self._open.get(network_id)

    def hold(self, network_id: str, namespace: Netns) -> None:
        """Keep `namespace` open, and close the one kept before."""
        with self._lock:
            before = self._open.get(network_id)
            self._open[network_id] = namespace
        if before is not None and before is not namespace:
            before.close()

    def release(self, network_id: str) -> None:
        """Close the namespace of a network; it ends here if it has no name and no process is in it."""
        with self._lock:
            namespace = self._open.pop(network_id, None)
        if namespace is not None:
            namespace.close()

    def close(self) -> None:
        for network_id in self:
            self.release(network_id)
