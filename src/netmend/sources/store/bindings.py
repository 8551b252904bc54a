"""Bindings of a port to hosts: the active one is the port's own `binding:` fields, others wait for a migration."""

from typing import Any

from netmend.sources.store import ports
from netmend.sources.store.errors import RefusedError
from netmend.sources.store.transaction import Document, Transaction

WAITING = "waiting_bindings"  # in a port's document; no client is shown it there
_FIELDS = ("vnic_type", "profile")


def bindings_of(port: Document) -> list[Document]:
    """The active binding first, if the port is bound; each with `host`, `vnic_type`, `profile` and `status`."""
    active = {
        "host": port["binding:host_id"],
        "vnic_type": port["binding:vnic_type"],
        "profile": port["binding:profile"],
        "status": "ACTIVE",
    }
    return ([active] if active["host"] else []) + [{**entry, "status": "INACTIVE"} for entry in port.get(WAITING, ())]


def binding_on(port: Document, host: str) -> Document:
    """Raises RefusedError."""
    found = next((entry for entry in bindings_of(port) if entry["host"] == host), None)
    if found is None:
        message = f"Binding for port {port['id']} for host {host} could not be found."
        raise RefusedError("PortBindingNotFound", 404, message)
    return found


def create(tx: Transaction, port_id: str, values: dict[str, Any]) -> Document:
    """Bind a port to a further host; it becomes active where no other is. Raises RefusedError."""
    port, host = tx.get("port", port_id), values["host"]
    if any(entry["host"] == host for entry in bindings_of(port)):
        message = f"Binding for port {port_id} on host {host} already exists."
        raise RefusedError("PortBindingAlreadyExists", 409, message)
    new = {"host": host, "vnic_type": values["vnic_type"], "profile": values["profile"] or {}}
    if port["binding:host_id"]:
        port[WAITING] = [*port.get(WAITING, ()), new]
        tx.update("port", port)
        return binding_on(port, host)
    return binding_on(ports.update(tx, port_id, _as_fields(new)), host)


def update(tx: Transaction, port_id: str, host: str, values: dict[str, Any]) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    port = tx.get("port", port_id)
    found = binding_on(port, host)
    if values.get("profile", {}) is None:
        values["profile"] = {}
    new = {**found, **values}
    if found["status"] == "ACTIVE":
        return binding_on(ports.update(tx, port_id, _as_fields(new)), host)
    new.pop("status")
    port[WAITING] = [new if entry["host"] == host else entry for entry in port[WAITING]]
    tx.update("port", port)
    return binding_on(port, host)


def delete(tx: Transaction, port_id: str, host: str) -> None:
    """Raises RefusedError."""
    port = tx.get("port", port_id)
    if binding_on(port, host)["status"] == "ACTIVE":
        ports.update(tx, port_id, {"binding:host_id": "", "binding:profile": {}})
        return
    port[WAITING] = [entry for entry in port[WAITING] if entry["host"] != host]
    tx.update("port", port)


def activate(tx: Transaction, port_id: str, host: str) -> Document:
    """Make the binding to `host` the active one, and end the one that was. Raises RefusedError."""
    port = tx.get("port", port_id)
    found = binding_on(port, host)
    if found["status"] == "ACTIVE":
        message = f"Binding for port {port_id} on host {host} is already active."
        raise RefusedError("PortBindingAlreadyActive", 409, message)
    port[WAITING] = [entry for entry in port[WAITING] if entry["host"] != host]
    tx.update("port", port)
    return binding_on(ports.update(tx, port_id, _as_fields(found)), host)


def _as_fields(binding: Document) -> dict[str, Any]:
    return {
        "binding:host_id": binding["host"],
        **{f"binding:{name}": binding[name] for name in _FIELDS},
    }
