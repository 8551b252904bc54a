"""What the node asks of each service for guests: DHCP, router advertisements, DNS, metadata."""

from typing import Any, Protocol

from netmend.intent.network import Network
from netmend.reconcile.reports import Ready


class CannotServe(Exception):
    """A service cannot be started, though no system call failed; the text says why, to a person."""


class GuestService(Protocol):
    """One service, on all networks of the node. Calls for one network come one at a time."""

    name: str  # its key in status: "dhcp4", "dhcp6", "dns", "metadata"

    def wanted(self, network: Network) -> bool:
        """Whether intent asks for this service on the network."""

    def prepare(self) -> None:
        """Start what serves any network. Called before `ready`, in the host's namespaces: threads must be born there.
        Raises CannotServe."""

    def ready(self, ready: Ready) -> None:
        """Serve a network from now on, or go on, by its newest intent. The calling thread is in its namespace.

        Sockets in the same namespace and on the same device (not `ready.anew`) are left as they are. Raises KernelError
        or CannotServe, and is then called again later.
        """

    def update(self, network: Network) -> None:
        """Answer by the new intent of a network that is served; sockets that it needs come with the next `ready`."""

    def gone(self, network_id: str) -> None:
        """Serve the network no more, and close its sockets. No error when it is not served."""

    def status(self, network_id: str) -> dict[str, Any] | None:
        """Counters and the like, as JSON; None when the network is not served."""

    def close(self) -> None:
        """Close every socket and end every thread."""
