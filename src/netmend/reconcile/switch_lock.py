"""One netmend a switch: two would remove each other's ports, whatever their network namespaces and directories are.

The lock is the switch's own (RFC 7047 section 4.1.8): it lives as long as the connection that took it, and the database
refuses each change of a connection that does not have it. So it holds for containers that share nothing but the socket,
and a node that was killed leaves none.
"""

import time
from typing import Final

from netmend.kernel.ovsdb import holder
from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.ovsdb.holder import Holder

_NAME: Final = "netmend"
_POLL: Final = 0.05  # seconds


class SwitchTaken(Exception):
    """Another netmend works on the switch; the text says which, and what to do."""


class SwitchLock:
    """The lock of the database that a connection is to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._written = 0  # on which of its connections we have written down that we hold it; 0: on none

    def take(self) -> None:
        """Have the lock, and write down who has it; raises SwitchTaken, KernelError."""
        if not self._connection.hold(_NAME):
            self._written = 0
            raise SwitchTaken(_taken_by(holder.read(self._connection), self._connection.remote))
        if self._written != self._connection.made:
            if holder.read(self._connection) != (us := Holder.this_process()):
                holder.write(self._connection, us)
            self._written = self._connection.made

    def claim(self, patience: float) -> None:
        """Take it; whoever has it is given so many seconds to end. Raises SwitchTaken, KernelError."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self.take()
            except SwitchTaken:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)

    def let_go(self) -> None:
        """Leave it to others; does nothing where it was not taken."""
        self._written = 0
        self._connection.let_go()


def _taken_by(found: Holder | None, remote: str) -> str:
    us = Holder.this_process()
    if found is None:
        who = "which one is not written down"
    elif found.host != us.host:
        who = f"pid {found.pid} on {found.host}"
    elif found.pid_namespace != us.pid_namespace:
        who = f"pid {found.pid} in another container"
    else:
        who = f"pid {found.pid}"
    two = "two would remove each other's ports"
    return f"another netmend works on the Open vSwitch at {remote} ({who}); {two}: stop one of them"
