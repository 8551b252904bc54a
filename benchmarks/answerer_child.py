"""A process without any capability that answers guests by DHCPv4 and DNS, for the node that forked it.

It gets intent and open sockets (SCM_RIGHTS, unix(7)), parses what guests send, and answers. Leases go back to the node,
which stores them; a reply that rests on one leaves once the node says that it is stored. The child believes its node;
the node believes nothing: what comes back is JSON of a few fields, never a pickle.
"""

import ctypes
import gc
import json
import os
import pickle
import signal
import socket
import struct
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from netmend.intent.network import Network
from netmend.kernel import privileges
from netmend.services.dhcp4 import Dhcp4Responder, LeaseTable
from netmend.services.dhcp4.io.server import Dhcp4Server
from netmend.services.leases.names import LeasedNames
from netmend.services.leases.table import Lease
from netmend.services.shared.io import datagrams

if TYPE_CHECKING:
    from netmend.services.dns.io import DnsSockets

_HEADER = struct.Struct("Q")  # octets that follow
_MOST_SOCKETS = 64
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Channel:
    """One end of the stream between a node and its child. `send` may be called from any thread."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream, self._sending = stream, Lock()

    def send(self, message: bytes, sockets: Sequence[socket.socket] = ()) -> None:
        with self._sending:
            socket.send_fds(self._stream, [_HEADER.pack(len(message))], [one.fileno() for one in sockets])
            self._stream.sendall(message)

    def receive(self) -> tuple[bytes, list[socket.socket]]:
        """The next message and its sockets; raises EOFError when the other process has ended."""
        header, descriptors, _, _ = socket.recv_fds(self._stream, _HEADER.size, _MOST_SOCKETS)
        if not header:
            raise EOFError
        (left,) = _HEADER.unpack(header)
        parts = []
        while left:
            parts.append(self._stream.recv(min(left, 1 << 20)))
            left -= len(parts[-1])
        return b"".join(parts), [socket.socket(fileno=descriptor) for descriptor in descriptors]


class _Commits:
    """In the place of LeaseCommits: has the node store leases, and waits for that with the replies."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._waiting = channel, dict[int, tuple[Callable[[Any], None], Any]]()
        self._number = 0

    def submit(self, network_id: str, leases: Sequence[Lease], send: Callable[[Any], None], reply: Any) -> None:
        self._number += 1
        self._waiting[self._number] = send, reply
        rows = [
            [lease.subnet_id, lease.address, lease.client.hex(), lease.hardware.hex(), lease.state, lease.expires]
            for lease in leases
        ]
        self._channel.send(json.dumps([network_id, self._number, rows]).encode())

    def stored(self, numbers: Sequence[int]) -> None:
        by_sender: dict[Callable[[Any], None], list[Any]] = {}
        for number in numbers:
            send, reply = self._waiting.pop(number)
            by_sender.setdefault(send, []).append(reply)
        for send, replies in by_sender.items():
            send([reply for reply in replies if reply is not None])

    def flush(self) -> None:
        """Nothing: what waits is the node's to store."""


class _Answerer:
    def __init__(self, channel: Channel) -> None:
        self._commits = _Commits(channel)
        self._dhcp4 = Dhcp4Server(lambda *_: None, self._commits)  # type: ignore[arg-type]
        self._dns: DnsSockets | None = None
        self._responders: dict[str, Dhcp4Responder] = {}
        self._names: dict[str, LeasedNames] = {}
        self.stored = self._commits.stored

    def _names_of(self, network_id: str) -> LeasedNames:
        return self._names.setdefault(network_id, LeasedNames())

    def serve_dhcp4(
        self, network: Network, leases: list[Lease], mac: bytes, udp: socket.socket, packet: socket.socket
    ) -> None:
        table = LeaseTable(leases, self._names_of(network.id))
        responder = self._responders[network.id] = Dhcp4Responder(network, table)
        self._dhcp4.add(network.id, responder, udp, packet, mac)

    def serve_dns(self, network: Network, udp: int, *sockets: socket.socket) -> None:
        if self._dns is None:
            from netmend.services.dns.io import DnsSockets  # as in the node, once a network asks for it

            self._dns = DnsSockets(lambda *_: None, lambda: (), leased=self._names_of)
        self._dns.add(network, sockets[:udp], sockets[udp:])

    def update(self, network: Network) -> None:
        if network.id in self._responders:
            self._responders[network.id].update(network)
        if self._dns is not None:
            self._dns.update(network)

    def gone(self, network_id: str) -> None:
        self._responders.pop(network_id, None)
        self._dhcp4.remove(network_id)
        if self._dns is not None:
            self._dns.remove(network_id)


def fork_answerer() -> Channel:
    """Start the child; to be called before there are threads, as early as can be."""
    near, far = socket.socketpair()
    gc.collect()
    gc.freeze()  # the collector writes to what it walks over, and what is written to is shared no more
    if os.fork():
        far.close()
        return Channel(near)
    try:
        near.close()
        gc.disable()  # a prototype's way: nothing here makes cycles
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        privileges.keep_only(())
        privileges.forbid_system_calls()
        datagrams._enlarge_receive_buffer = lambda udp: None  # the node has, as it may
        _serve(Channel(far))
    finally:
        os._exit(1)


def _serve(channel: Channel) -> None:
    answerer = _Answerer(channel)
    while True:
        message, sockets = channel.receive()
        operation, arguments = pickle.loads(message)
        getattr(answerer, operation)(*arguments, *sockets)
