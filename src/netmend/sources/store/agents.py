"""The processes that serve: this node, as Neutron shows an agent."""

from typing import Any

from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError
from netmend.sources.store.transaction import Document, Transaction

KIND = "DHCP agent"


def register(tx: Transaction, host: str, configurations: dict[str, Any]) -> Document:
    """This node has started on `host`. Its agent keeps its id over restarts."""
    found = tx.documents("agent", "kind = ? AND host = ?", KIND, host)
    if found:
        document = found[0]
        document.update(started_at=tx.timestamp, configurations=configurations)
        return tx.update("agent", document)
    document = {
        "id": new_id(),
        "agent_type": KIND,
        "binary": "netmend",
        "topic": "netmend",
        "host": host,
        "availability_zone": None,
        "admin_state_up": True,
        "description": "",
        "configurations": configurations,
        "resource_versions": {},
        "resources_synced": None,
        "started_at": tx.timestamp,
    }
    return tx.insert("agent", document)


def update(tx: Transaction, agent_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("agent", agent_id, revision)
    document.update(values)
    return tx.update("agent", document)


def delete(tx: Transaction, agent_id: str, host: str) -> None:
    """Forget an agent; this node's own, on `host`, is alive and stays. Raises RefusedError."""
    document = tx.get("agent", agent_id)
    if document["host"] == host:
        raise RefusedError("AgentInUse", 409, f"Agent {agent_id} is this node, which runs.")
    tx.delete("agent", agent_id)
