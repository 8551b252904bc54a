"""Who holds a lock of the database: the database tells nobody, so the holder writes it down (table Open_vSwitch,
external_ids)."""

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.ovsdb.ports import SET

_KEYS: Final = ("netmend-pid", "netmend-pid-namespace", "netmend-host")  # in the order of a holder's fields


class Holder(Struct, frozen=True):
    """A process: its pid, the pid namespace where that is (its inode, pid_namespaces(7)), and its host's name."""

    pid: str
    pid_namespace: str
    host: str

    @classmethod
    def this_process(cls) -> "Holder":
        return cls(str(os.getpid()), str(Path("/proc/self/ns/pid").stat().st_ino), os.uname().nodename)


def write(connection: Connection, holder: Holder) -> None:
    """Write down who holds the lock of `connection`; raises KernelError, EPERM when that does not hold it."""
    values = [[key, value] for key, value in zip(_KEYS, (holder.pid, holder.pid_namespace, holder.host), strict=True)]
    mutations = [["external_ids", "delete", ["set", list(_KEYS)]], ["external_ids", "insert", ["map", values]]]
    operation = {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": mutations}
    connection.change([operation], SET, f"the holder of the lock at {connection.remote}")


def read(connection: Connection) -> Holder | None:
    """Who has written down last that it holds the lock; None: nobody. Raises KernelError."""
    operation = {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["external_ids"]}
    (found,) = connection.transact([operation], "read", f"the holder of the lock at {connection.remote}")
    for row in found["rows"]:
        ids = {str(key): str(value) for key, value in row["external_ids"][1]}
        if all(key in ids for key in _KEYS):
            return Holder(*(ids[key] for key in _KEYS))
    return None
