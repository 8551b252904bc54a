"""Asks a local Open vSwitch database which devices it has as ports. Read-only."""

import os
from typing import Final

from netmend.kernel.ovsdb.connection import Connection

SOCKETS: Final = ("/run/openvswitch/db.sock", "/var/run/openvswitch/db.sock")
_SELECT: Final = {"op": "select", "table": "Interface", "where": [], "columns": ["name"]}


def present() -> str | None:
    """The path of the database's socket, where there is one."""
    return next((path for path in SOCKETS if os.path.exists(path)), None)


def interface_names(path: str, timeout: float = 10.0) -> set[str]:
    """The name of every interface in the database at a unix socket. Raises KernelError."""
    with Connection(f"unix:{path}", timeout) as connection:
        (found,) = connection.transact([_SELECT], "ask", path)
    return {str(row["name"]) for row in found["rows"]}
