"""What systemd is told of a node that it started: ready, alive, reloading, ending (sd_notify(3)).

Each message is a datagram to the socket that $NOTIFY_SOCKET names; a node started otherwise says nothing. Watchdog
messages come from the node's own loop: one that hangs is ended and started again.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable

from netmend.ground.log import get_logger
from netmend.node.state import NodeState

log = get_logger()


class Notifier:
    """Speaks to the service manager, if there is one."""

    def __init__(self) -> None:
        self.path = os.environ.pop("NOTIFY_SOCKET", "")  # processes that we start are not the service
        self._watchdog = _seconds("WATCHDOG_USEC") if _is_for_us() else None

    def ready(self, status: str) -> None:
        """The service has started, or has reloaded; `status` is a line for `systemctl status`."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """The service reads its configuration again; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def status(self, status: str) -> None:
        """A line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """The service ends."""
        self._send("STOPPING=1")

    @contextlib.asynccontextmanager
    async def alive(self, while_starting: Callable[[], bool]) -> AsyncIterator[None]:
        """Say that the loop works, twice in each interval that the service manager asks for, while the block runs.

        Where `while_starting`, each message asks for more time to start too: a thousand networks may need it.
        """
        if not self.path:
            yield
            return
        task = asyncio.create_task(self._stay_alive(while_starting))
        try:
            yield
        finally:
            task.cancel()

    async def _stay_alive(self, while_starting: Callable[[], bool]) -> None:
        every = self._watchdog / 2 if self._watchdog else 10.0
        while self._watchdog or while_starting():
            text = "WATCHDOG=1" if self._watchdog else ""
            if while_starting():
                text += f"\nEXTEND_TIMEOUT_USEC={int(4 * every * 1e6)}"
            self._send(text.strip())
            await asyncio.sleep(every)

    def _send(self, text: str) -> None:
        if not self.path:
            return
        address = "\0" + self.path[1:] if self.path.startswith("@") else self.path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as one:
                one.sendto(text.encode(), address)
        except OSError as error:
            log.warning("the service manager cannot be told", socket=self.path, problem=str(error))


def summary(node: NodeState) -> str:
    """A node in a line, for `systemctl status`."""
    networks = node.intent.intent.networks.keys()
    wrong = {reason.network_id for reason in node.reconciler.resync.all()} & networks
    return f"{len(networks) - len(wrong)} of {len(networks)} networks are as intent says"


def _is_for_us() -> bool:
    """Whether $WATCHDOG_USEC is meant for this process (sd_watchdog_enabled(3))."""
    pid = os.environ.pop("WATCHDOG_PID", "")
    return not pid or pid == str(os.getpid())


def _seconds(name: str) -> float | None:
    value = os.environ.pop(name, "")
    return int(value) / 1e6 if value.isdigit() and int(value) > 0 else None
