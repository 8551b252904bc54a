"""`netmend run` with DHCPv4 and DNS answered by a child without capabilities: a prototype, to be measured (`answerer`).

python -m benchmarks.answerer_node run --config FILE ...

Not here, and in a real one: what status, metrics and findings say of these services (counters, leases, exhausted pools,
errors of sockets), the host's resolvers, dynamic leases for metadata, a child started again when it ends.
"""

import json
import pickle
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

from benchmarks.answerer_child import Channel, fork_answerer

import netmend

_CHILD: Channel | None = fork_answerer() if __name__ == "__main__" else None  # before the rest is loaded

if _CHILD is not None:  # what only the child needs is not loaded here
    for room in ("dns", "dns/io"):
        hollow = ModuleType(f"netmend.services.{room.replace('/', '.')}")
        hollow.__path__ = [str(Path(netmend.__file__).with_name("services") / room)]
        sys.modules[hollow.__name__] = hollow
    sys.modules["netmend.services.dns.io"].DnsSockets = None  # type: ignore[attr-defined]

from netmend.cli import main  # noqa: E402
from netmend.intent.network import Network  # noqa: E402
from netmend.kernel.sockets import open_dhcp, open_sender  # noqa: E402
from netmend.node.guests import dns, serving  # noqa: E402
from netmend.node.guests.dhcp import DhcpServing  # noqa: E402
from netmend.node.guests.dhcp4 import Dhcp4Serving  # noqa: E402
from netmend.services.leases.io.commits import LeaseCommits  # noqa: E402
from netmend.services.leases.table import Lease, LeaseState  # noqa: E402
from netmend.services.shared.counters import SocketCounters  # noqa: E402
from netmend.services.shared.io.datagrams import _enlarge_receive_buffer  # noqa: E402


def _tell(operation: str, *arguments: Any, sockets: Sequence[socket.socket] = ()) -> None:
    assert _CHILD is not None
    for one in sockets:
        if one.family != socket.AF_PACKET and one.type & socket.SOCK_DGRAM:
            _enlarge_receive_buffer(one)
    _CHILD.send(pickle.dumps((operation, arguments), pickle.HIGHEST_PROTOCOL), sockets)
    for one in sockets:
        one.close()


class _Responder:
    """In the place of a Dhcp4Responder, which the child has."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.counters = SocketCounters()

    def update(self, network: Network) -> None:
        self.network = network
        _tell("update", network)

    def leases(self, now: float) -> list[Any]:
        return []

    def held(self) -> list[Lease]:
        return []

    def restore(self, stored: Any) -> None:
        """The child got what is stored with the network."""

    def is_exhausted(self, now: float) -> bool:
        return False

    def lease_holder(self, address: Any, now: float) -> None:
        return None


class _Dhcp4Server:
    """In the place of a Dhcp4Server."""

    def __init__(self, commits: LeaseCommits) -> None:
        self._commits = commits
        self._thread = Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        assert _CHILD is not None
        while True:
            try:
                message, _ = _CHILD.receive()
            except EOFError:
                return
            network_id, number, rows = json.loads(message)
            changes = [
                Lease(str(subnet), int(address), bytes.fromhex(client), bytes.fromhex(hardware), LeaseState(state), end)
                for subnet, address, client, hardware, state, end in rows
            ]
            self._commits.submit(str(network_id), changes, self._stored, int(number))

    def _stored(self, numbers: Sequence[int]) -> None:
        _tell("stored", list(numbers))

    def remove(self, network_id: str) -> None:
        _tell("gone", network_id)

    def counters(self, network_id: str) -> SocketCounters:
        return SocketCounters()

    def close(self) -> None:
        """The child ends with its node."""


class _Dhcp4Serving(Dhcp4Serving):
    def __init__(self, commits: LeaseCommits, suspect: Any, leased: Any, kept: Any) -> None:
        server: Any = _Dhcp4Server(commits)
        DhcpServing.__init__(self, server, commits, 4, kept)
        self._suspect, self._leased = suspect, leased

    def _join(self, ready: Any, responder: Any) -> Any:
        with self._kept.opening(self.name, ready) as opening:
            udp = opening.open("dhcp4", lambda: open_dhcp(ready.namespace, ready.device))
        packet = open_sender(ready.namespace, ready.device)
        mac = bytes.fromhex(ready.mac.replace(":", ""))
        _tell("serve_dhcp4", ready.network, self._stored(ready.network.id), mac, sockets=[udp, packet])
        return _Responder(ready.network)


class _DnsSockets:
    """In the place of DnsSockets."""

    def __init__(self, *_: Any) -> None:
        pass

    def add(self, network: Network, udp: Sequence[socket.socket], listeners: Sequence[socket.socket]) -> None:
        _tell("serve_dns", network, len(udp), sockets=[*udp, *listeners])

    def suspend(self, network_id: str) -> None:
        """The child closes what it has once it gets others."""

    def update(self, network: Network) -> None:
        """The child had it with that of DHCP."""

    def remove(self, network_id: str) -> None:
        """The child had it with that of DHCP."""

    def status(self, network_id: str) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """The child ends with its node."""


if __name__ == "__main__":
    setattr(serving, "Dhcp4Serving", _Dhcp4Serving)  # noqa: B010
    setattr(dns, "DnsSockets", _DnsSockets)  # noqa: B010
    main.main()
