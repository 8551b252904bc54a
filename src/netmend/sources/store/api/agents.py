"""`/v2.0/agents`: this node, as Neutron shows an agent."""

import time

from netmend.sources.store import agents
from netmend.sources.store.api.context import Context
from netmend.sources.store.api.resource import Resource
from netmend.sources.store.networks import ZONE
from netmend.sources.store.shapes.admin import AgentUpdate
from netmend.sources.store.transaction import Document


def _present(document: Document, context: Context) -> Document:
    alive = document["host"] == context.host
    document["alive"] = alive
    document["availability_zone"] = document["availability_zone"] or ZONE
    document["heartbeat_timestamp"] = _time(time.time()) if alive else _time_of(document["updated_at"])
    document["created_at"] = _time_of(document["created_at"])
    document["started_at"] = _time_of(document["started_at"])
    if alive:
        document["configurations"] = {**document["configurations"], **context.health()}
    for name in ("updated_at", "revision_number"):
        document.pop(name, None)
    return document


def _time(moment: float) -> str:
    """A time in the form in which Neutron writes times of agents, without a zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def _time_of(timestamp: str) -> str:
    return timestamp.replace("T", " ").removesuffix("Z")


AGENTS = Resource(
    name="agent",
    plural="agents",
    update_shape=AgentUpdate,
    read_only=frozenset(
        {"id", "agent_type", "binary", "topic", "host", "alive", "created_at", "started_at", "heartbeat_timestamp",
         "configurations", "availability_zone", "resource_versions", "resources_synced"}
    ),
    present=_present,
    update=agents.update,
    delete=lambda tx, object_id, _, context: agents.delete(tx, object_id, context.host),
)  # fmt: skip
