"""Ports to report to the server, since their guests will be answered (`dhcp_ready_on_ports`).

A port passes through three stages: *expected* when intent has it, *armed* when that intent is in force, *ready* when
the network was found or made right after that. The server activates a port only after that report.
"""

from collections.abc import Iterable, Mapping
from threading import Condition

from netmend.intent import Intent, Network

BATCH = 64  # ports a call, as Neutron's agent has it (DHCP_READY_PORTS_SYNC_MAX)

_Ports = dict[str, bool]  # whether a guest waits for it, by port id


class Readiness:
    """Thread-safe. Ids of networks are those of intent."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._expected: dict[str, _Ports] = {}
        self._armed: dict[str, _Ports] = {}
        self._urgent: dict[str, None] = {}  # ready; dictionaries for their order
        self._other: dict[str, None] = {}
        self._served: dict[str, Network] = {}
        self._in_force: Mapping[str, Network] = {}
        self._closed = False
        self.told = 0

    def expect(self, network_id: str, port_ids: Iterable[str], *, urgent: bool) -> None:
        """Note the ports of an intent that the node is about to get."""
        with self._changed:
            waiting = self._expected.setdefault(network_id, {})
            for port_id in port_ids:
                waiting[port_id] = urgent or waiting.get(port_id, False)

    def expects(self) -> bool:
        with self._changed:
            return bool(self._expected)

    def take_expected(self) -> dict[str, _Ports]:
        """What is expected of the intent that the node is given next."""
        with self._changed:
            expected, self._expected = self._expected, {}
            return expected

    def arm(self, expected: Mapping[str, _Ports], intent: Intent) -> None:
        """`intent` is in force: answers follow it from now on."""
        with self._changed:
            self._in_force = intent.networks
            for network_id, ports in expected.items():
                self._armed.setdefault(network_id, {}).update(ports)
                served, now = self._served.get(network_id), intent.networks.get(network_id)
                if served is not None and now is not None and _only_ports_differ(served, now):
                    self._release(network_id)
            for network_id in self._armed.keys() - intent.networks.keys():
                del self._armed[network_id]

    def served(self, network_id: str) -> None:
        """The network is right, and answered by the intent in force."""
        with self._changed:
            network = self._in_force.get(network_id)
            if network is not None:
                self._served[network_id] = network
            if network_id in self._armed:
                self._release(network_id)

    def gone(self, network_id: str) -> None:
        with self._changed:
            self._served.pop(network_id, None)

    def _release(self, network_id: str) -> None:
        for port_id, urgent in self._armed.pop(network_id, {}).items():
            (self._urgent if urgent else self._other)[port_id] = None
        self._changed.notify_all()

    def next_batch(self) -> list[str]:
        """Waits for ports that are ready, those first that a guest waits for; empty once closed."""
        with self._changed:
            while not (self._urgent or self._other or self._closed):
                self._changed.wait()
            if self._closed:
                return []
            batch = [*self._urgent, *self._other][:BATCH]
            for port_id in batch:
                self._urgent.pop(port_id, None)
                self._other.pop(port_id, None)
            return batch

    def put_back(self, batch: Iterable[str]) -> None:
        """The report did not reach the server."""
        with self._changed:
            self._urgent = {**dict.fromkeys(batch), **self._urgent}

    def waiting(self) -> int:
        """The number of ports not yet reported to the server."""
        with self._changed:
            stages = (self._expected, self._armed)
            return (
                sum(len(ports) for stage in stages for ports in stage.values()) + len(self._urgent) + len(self._other)
            )

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _only_ports_differ(one: Network, other: Network) -> bool:
    return (
        one.subnets is other.subnets
        and one.subnets6 is other.subnets6
        and (one.mtu, one.dhcp_port, one.wiring, one.metadata)
        == (other.mtu, other.dhcp_port, other.wiring, other.metadata)
    )
