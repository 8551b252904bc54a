"""Hears of files, names, mounts and links for a node; each is only a hint, and what cannot be watched is looked at in
time anyway."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

from netmend.kernel.errors import KernelError
from netmend.kernel.watch import DirectoryWatch, LinkWatch, MountWatch

if TYPE_CHECKING:
    from netmend.node.node import Node

_CROWD = 0.1  # seconds: mounts come in crowds


class Watches(contextlib.ExitStack):
    """Watches on behalf of `node` while entered; to be made in its loop. Raises KernelError."""

    def __init__(self, node: "Node") -> None:
        super().__init__()
        self._node = node
        self._loop = asyncio.get_running_loop()
        self._names_directory = node.settings.netns_directory
        self._config_directory = str(node.config.resolve().parent)

    def __enter__(self) -> "Watches":
        super().__enter__()
        self._watch_links()
        self._watch_names()
        self._watch_mounts()
        return self

    def _watch_links(self) -> None:
        watch = LinkWatch()
        self.callback(watch.close)

        def hear() -> None:
            self._node.signs.hear_links(watch)
            self._node.wake()

        self._read(watch.fileno(), hear)

    def _watch_names(self) -> None:
        self._names = DirectoryWatch()
        self.callback(self._names.close)
        for directory in (self._config_directory, self._names_directory):
            with contextlib.suppress(KernelError):
                self._names.add(directory)
        self._read(self._names.fileno(), self._hear_names)

    def _hear_names(self) -> None:
        names = []
        for directory, name in self._names.read():
            if directory == self._config_directory and name == self._node.config.name:
                self._node.reload_soon()
            if directory in {self._names_directory, ""}:
                names.append(name)
        self._node.signs.hear_names(names)
        self._node.wake()

    def _watch_mounts(self) -> None:
        watch = MountWatch()

        def wait() -> None:
            while watch.wait():
                self._loop.call_soon_threadsafe(self._hear_mounts)
                time.sleep(_CROWD)

        thread = Thread(target=wait, name="mount-watch", daemon=True)
        thread.start()

        def stop() -> None:
            watch.stop()
            thread.join()
            watch.close()

        self.callback(stop)

    def _hear_mounts(self) -> None:
        with contextlib.suppress(KernelError):
            self._names.add(self._names_directory)  # it may have been made, or mounted over, meanwhile
        served = [network_id for network_id in self._node.reconciler.held if self._node.serving.served(network_id)]
        self._node.signs.check_pins(served, self._names_directory)
        self._node.wake()

    def _read(self, descriptor: int, call: Callable[[], None]) -> None:
        self._loop.add_reader(descriptor, call)
        self.callback(self._loop.remove_reader, descriptor)
