"""The server's notifications to a DHCP agent: each is put in a queue, and none is acted upon by itself.

Methods and payloads are those of neutron/api/rpc/agentnotifiers/dhcp_rpc_agent_api.py. A lower priority is more urgent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netmend.sources.neutron.names import Raw

LEAST_PRIORITY = 255  # of a notification that names none
URGENT = 6  # ports', and above: a guest may be waiting


@dataclass(frozen=True, slots=True)
class LookAtNetwork:
    """Something about a network has changed that the notification does not tell; a subnet may be all that is named."""

    priority: int
    network_id: str | None
    subnet_id: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkGone:
    """A network was deleted, or is served by other agents from now on."""

    priority: int
    network_id: str


@dataclass(frozen=True, slots=True)
class PortTold:
    """A port was made, or changed, and is now like this."""

    priority: int
    port: Raw
    made: bool


@dataclass(frozen=True, slots=True)
class PortGone:
    priority: int
    port_id: str
    network_id: str


@dataclass(frozen=True, slots=True)
class AgentUpdated:
    """Our own record was changed: whether we are to serve anything, and what."""

    priority: int = 0


Notice = LookAtNetwork | NetworkGone | PortTold | PortGone | AgentUpdated


class NoticeEndpoint:
    """What oslo.messaging calls, by the names of its public methods, in its threads."""

    def __init__(self, take: Callable[[Notice], None]) -> None:
        self._take = take

    def network_create_end(self, context: Raw, payload: Raw) -> None:
        self._take(LookAtNetwork(_priority(payload), payload["network"]["id"]))

    network_update_end = network_create_end

    def network_delete_end(self, context: Raw, payload: Raw) -> None:
        self._take(NetworkGone(_priority(payload), payload["network_id"]))

    def subnet_create_end(self, context: Raw, payload: Raw) -> None:
        self._take(LookAtNetwork(_priority(payload), payload["subnet"]["network_id"]))

    subnet_update_end = subnet_create_end

    def subnet_delete_end(self, context: Raw, payload: Raw) -> None:
        self._take(LookAtNetwork(_priority(payload), payload.get("network_id"), payload["subnet_id"]))

    def port_create_end(self, context: Raw, payload: Raw) -> None:
        self._take(PortTold(_priority(payload), payload["port"], made=True))

    def port_update_end(self, context: Raw, payload: Raw) -> None:
        self._take(PortTold(_priority(payload), payload["port"], made=False))

    def port_delete_end(self, context: Raw, payload: Raw) -> None:
        self._take(PortGone(_priority(payload), payload["port_id"], payload["network_id"]))

    def agent_updated(self, context: Raw, payload: Raw) -> None:
        self._take(AgentUpdated())


def _priority(payload: Raw) -> int:
    found: Any = payload.get("priority")
    return found if isinstance(found, int) else LEAST_PRIORITY
