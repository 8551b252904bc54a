"""Hears, in a thread of its own, of changes in the database of Open vSwitch: the connection may come and go."""

import asyncio
import time
from collections.abc import Callable
from threading import Thread
from typing import Final

from netmend.kernel.ovsdb.stream import Tls
from netmend.kernel.ovsdb.watch import PortsChanged, PortWatch
from netmend.wiring.ovs import MARK_KEY, OWNER

_CROWD: Final = 0.02  # seconds: changes come in crowds


class SwitchWatch:
    """Started once it is wanted, and ended by `close`; what is heard is told in the running loop."""

    def __init__(self, remote: str, tls: Tls | None, hear: Callable[[PortsChanged], None]) -> None:
        loop = asyncio.get_running_loop()
        self._watch = PortWatch(remote, OWNER, MARK_KEY, tls)

        def wait() -> None:
            while (changed := self._watch.wait()) is not None:
                loop.call_soon_threadsafe(hear, changed)
                time.sleep(_CROWD)

        self._thread = Thread(target=wait, name="switch-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._watch.stop()
        self._thread.join()
        self._watch.close()
