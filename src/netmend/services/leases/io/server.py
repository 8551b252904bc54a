"""What the sockets of both DHCPs do alike: one thread serves those of all networks, senders are limited by their MAC
before anything is parsed, and a reply that rests on a new lease leaves once that is stored (`commits`)."""

import socket
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.table import Lease
from netmend.services.shared.counters import SocketCounters
from netmend.services.shared.io.datagrams import DatagramEndpoint, OnError
from netmend.services.shared.io.loop import Loop
from netmend.services.shared.sender_limits import Limits, SenderLimits

DEFAULT_LIMITS = Limits()

R = TypeVar("R")  # what a reply is to its endpoint


class DhcpEndpoint(DatagramEndpoint, Generic[R]):
    """One network's sockets; a subclass reads what comes (`serve`), and writes replies (`transmit`)."""

    __slots__ = ("_limits", "_owner", "closed")

    def __init__(
        self,
        owner: "DhcpServer[DhcpEndpoint[R], R]",
        network_id: str,
        udp: socket.socket,
        *,
        read_size: int,
        knows: Callable[[bytes], bool],
    ) -> None:
        """`knows` says whether a MAC is a port's."""
        super().__init__(
            owner.loop, network_id, udp, on_error=owner.on_error, read_size=read_size, turn=owner.limits.turn
        )
        self._owner = owner
        self._limits = SenderLimits(owner.limits, knows, self.counters)
        self.closed = False

    def answer(self, changes: Sequence[Lease], reply: R | None) -> None:
        """Send the reply, if there is one; after `changes` are stored, if there are any."""
        commits = self._owner.commits
        if changes and commits is not None:
            commits.submit(self.network_id, changes, self._owner.stored, None if reply is None else (self, reply))
        elif reply is not None:
            self.send(reply)

    def send(self, reply: R) -> None:
        """Send a reply now, and count it."""
        try:
            self.transmit(reply)
        except OSError as error:
            self.failed("send", error)
        else:
            self.counters.sent += 1

    def transmit(self, reply: R) -> None:
        """Give a reply to the kernel; raises OSError."""
        raise NotImplementedError

    def close(self) -> None:
        self.closed = True
        super().close()


E_co = TypeVar("E_co", bound=DhcpEndpoint, covariant=True)  # type: ignore[type-arg]


class DhcpServer(Generic[E_co, R]):
    """Serves networks until closed. All methods but `close` may be called from any thread."""

    def __init__(
        self, thread: str, on_error: OnError, commits: LeaseCommits | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """`thread` is the name of the thread that serves. Without `commits`, dynamic leases are forgotten with the
        process."""
        self.on_error, self.commits, self.limits = on_error, commits, limits
        self.loop = Loop(thread)
        self._endpoints: dict[str, E_co] = {}

    def remove(self, network_id: str) -> None:
        """Stop serving a network and close its sockets; returns when that is done. No error when it is not served."""
        endpoint = self._endpoints.pop(network_id, None)
        if endpoint is not None:
            endpoint.leave()

    def counters(self, network_id: str) -> SocketCounters | None:
        """A network's counters, which go on counting; None when it is not served."""
        endpoint = self._endpoints.get(network_id)
        return None if endpoint is None else endpoint.counters

    def close(self) -> None:
        """Read no more, send what waits for its lease to be stored, end the thread, close every socket. Once closed,
        nothing else may be called."""
        if self.commits is not None:
            for endpoint in self._endpoints.values():
                endpoint.read_no_more()
            self.commits.flush()
            self.loop.call_and_wait(lambda: None)  # what may go now that it is stored, goes
        self.loop.close()
        for endpoint in self._endpoints.values():
            endpoint.close()

    def stored(self, replies: Sequence[tuple[DhcpEndpoint[R], R]]) -> None:
        """Send replies, now that their leases are stored, in the thread that serves."""

        def send() -> None:
            for endpoint, reply in replies:
                if not endpoint.closed:
                    endpoint.send(reply)

        self.loop.call(send)
