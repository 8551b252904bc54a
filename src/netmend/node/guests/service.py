"""What the node asks of each service for guests: DHCP, router advertisements, names, metadata."""

from typing import Any, Protocol

from netmend.intent.network import Network
from netmend.reconcile.reports import Ready


class CannotServe(Exception):
    """Why a service cannot be started, where it is no system call that fails; the text is for people."""


class GuestService(Protocol):
    """One service, on all networks of the node. For any one network, one call at a time comes."""

    name: str  # its key in status: "dhcp4", "dhcp6", "dns", "metadata"

    def wanted(self, network: Network) -> bool:
        """Whether intent asks for this service on the network."""

    def prepare(self) -> None:
        """Start what serves any network; called before `ready`, and in the host's namespaces, where threads are to be
        born. Raises CannotServe."""

    def ready(self, ready: Ready) -> None:
        """Serve a network from now on, or go on, by its newest intent; raises KernelError or CannotServe, and is called
        again later. The calling thread is in the network's namespace.

        What is served already, from the same namespace and device (not `ready.anew`), is to be left as it is.
        """

    def update(self, network: Network) -> None:
        """A network that is served has a new intent; sockets that it needs come with the next `ready`."""

    def gone(self, network_id: str) -> None:
        """Serve the network no more, and close its sockets. No error when it is not served."""

    def status(self, network_id: str) -> dict[str, Any] | None:
        """Counters and the like, as JSON; None when the network is not served."""

    def close(self) -> None:
        """Close every socket and end every thread."""
