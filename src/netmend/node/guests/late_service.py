"""A service that is loaded once a network asks for it: a node of OVN's has metadata alone, and pays for no other."""

from collections.abc import Callable
from typing import Any

from netmend.intent.network import Network
from netmend.node.guests.service import GuestService
from netmend.reconcile.reports import Ready


class LateService:
    """A GuestService in the place of another, until that is needed and on."""

    def __init__(self, name: str, wanted: Callable[[Network], bool], make: Callable[[], GuestService]) -> None:
        """`name` and `wanted` are those of the service that `make` gives; it is called in `prepare`, once."""
        self.name, self._wanted, self._make = name, wanted, make
        self._made: GuestService | None = None

    def wanted(self, network: Network) -> bool:
        return self._wanted(network)

    def prepare(self) -> None:
        if self._made is None:
            self._made = self._make()
        self._made.prepare()

    def ready(self, ready: Ready) -> None:
        assert self._made is not None, "ready before prepare"
        self._made.ready(ready)

    def update(self, network: Network) -> None:
        if self._made is not None:
            self._made.update(network)

    def gone(self, network_id: str) -> None:
        if self._made is not None:
            self._made.gone(network_id)

    def status(self, network_id: str) -> dict[str, Any] | None:
        return None if self._made is None else self._made.status(network_id)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
