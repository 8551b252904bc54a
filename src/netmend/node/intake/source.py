"""What the node asks of whoever knows what should exist: a file, a store, a control plane."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Protocol

from netmend.intent.network import Intent


class RoutedMetadata(Protocol):
    """Metadata of guests behind routers that somebody else made, and whose proxies ask at a Unix socket."""

    @property
    def socket(self) -> Path: ...

    @property
    def mode(self) -> int: ...

    def find(
        self, network_id: str | None, router_id: str | None, address: IPv4Address | IPv6Address
    ) -> tuple[str, str] | None:
        """Who has the address on a network, or on any of a router's: ids of the instance and its project, None: nobody,
        or more than one. Blocks; raises ConnectionError."""


class Source(Protocol):
    """Where a node's intent comes from. Intents share what did not change between them: the node compares by `is`."""

    @property
    def routed_metadata(self) -> RoutedMetadata | None:
        """None: the node has no business with it."""

    def first(self) -> Intent:
        """The intent to start with; raises SourceError. May block."""

    async def follow(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        """Give newer intents to `take`, and tell `problem` why one cannot be used, or that none is pending (None).

        Runs in the node's loop, and calls both there, until it is cancelled.
        """

    def reload(self) -> None:
        """Look again, now: the node was told to (SIGHUP). Called in the node's loop."""

    def status(self) -> dict[str, Any]:
        """What status says of the source, as JSON: `kind`, and what there is to know beside."""

    def served(self, network_id: str) -> None:
        """A network was found or made right, and is answered by the newest intent of it. Comes in any thread, often."""

    def gone(self, network_id: str) -> None:
        """Nothing is left of a network that intent has no more. Comes in any thread."""
