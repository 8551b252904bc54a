"""Watches names, mounts, links and the switch for a node. A change is only a hint, and what cannot be watched is looked
at in time anyway."""

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable, Container, Iterable
from threading import Thread

from netmend.firewall.rules import GROUPS, TABLE
from netmend.ground.log import get_logger
from netmend.kernel.errors import KernelError
from netmend.kernel.nft.watch import RulesWatch
from netmend.kernel.ovsdb.stream import Tls
from netmend.kernel.ovsdb.watch import PortsChanged, PortWatch
from netmend.kernel.watch import DirectoryWatch, LinkWatch, MountWatch
from netmend.node.hints import Hints
from netmend.routing.rules import TABLE as ROUTING
from netmend.wiring.ovs import MARK_KEY, OWNER

_CROWD = 0.4  # seconds between two looks at mounts: they come in crowds, and each look is at every name
_GATHER = 0.02  # seconds from the first event to the reading of all: a network that is made causes twenty
_BETWEEN_TENDINGS = 2.0  # seconds: a database gives up whoever has not answered it for 5 (inactivity_probe)
log = get_logger()


class Watches(contextlib.ExitStack):
    """Watches while entered, in the running loop; what is heard goes to `hints`. Raises KernelError."""

    def __init__(
        self,
        hints: Hints,
        names_directory: str,
        *,
        served: Callable[[], Iterable[str]],
        mounts_changed: Callable[[], None],
        rules_ports: Callable[[], Container[int]],
        wake: Callable[[], None],
    ) -> None:
        """`served` gives the networks whose names should lead to a namespace. `mounts_changed` is called when anything
        was mounted or unmounted, `wake` at any other change. `rules_ports` are the netlink ports by which netmend
        changes rules of nftables on the host itself."""
        super().__init__()
        self._hints = hints
        self._names_directory = names_directory
        self._served, self._mounts_changed, self._wake = served, mounts_changed, wake
        self._rules_ports = rules_ports
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._hears_switch = False
        self._names: DirectoryWatch | None = None
        self._said = False

    def __enter__(self) -> "Watches":
        super().__enter__()
        self.callback(setattr, self, "_closed", True)
        self._watch_links()
        self._watch_names()
        self._watch_mounts()
        self._watch_rules()
        return self

    def watch_switch(self, remote: str, tls: Tls | None, tend: Callable[[], None]) -> None:
        """Watch Open vSwitch too, from now on; does nothing where it is watched already. `tend` is called now and then,
        to keep alive the connection that changes it."""
        if self._hears_switch:
            return
        self._hears_switch = True
        self.callback(SwitchWatch(remote, tls, self._hear_switch).close)
        if not remote.startswith("unix:"):  # there the server asks nothing, and learns of our end at once
            self._tend(tend)

    def _tend(self, tend: Callable[[], None]) -> None:
        if not self._closed:
            tend()
            self._loop.call_later(_BETWEEN_TENDINGS, self._tend, tend)

    def _hear_switch(self, changed: PortsChanged) -> None:
        self._hints.hear_switch(changed)
        self._wake()

    def _watch_links(self) -> None:
        watch = LinkWatch()
        self.callback(watch.close)

        def hear() -> None:
            self._hints.hear_links(watch)
            self._wake()

        self._read(watch.fileno(), hear)

    def _watch_names(self) -> None:
        try:
            self._names = DirectoryWatch()
        except KernelError as error:  # a look at everything finds what a watch would have told
            log.warning("names of namespaces cannot be watched", problem=str(error))
            return
        self.callback(self._names.close)
        self._add_names()
        self._read(self._names.fileno(), self._hear_names)

    def _add_names(self) -> None:
        if self._names is None:
            return
        try:
            self._names.add(self._names_directory)
        except KernelError as error:
            if error.code != errno.ENOENT and not self._said:  # not made yet is nothing to tell
                self._said = True
                log.warning("names of namespaces cannot be watched", problem=str(error))

    def _hear_names(self) -> None:
        assert self._names is not None
        heard = self._names.read()
        self._hints.hear_names(name for directory, name in heard if directory in {self._names_directory, ""})
        self._wake()

    def _watch_mounts(self) -> None:
        watch = MountWatch()

        def wait() -> None:
            while watch.wait():
                self._loop.call_soon_threadsafe(self._hear_mounts)
                time.sleep(_CROWD)

        thread = Thread(target=wait, name="netmend-mount-watch", daemon=True)
        thread.start()

        def stop() -> None:
            watch.stop()
            thread.join()
            watch.close()

        self.callback(stop)

    def _watch_rules(self) -> None:
        with contextlib.suppress(KernelError):  # a kernel without nftables has no rules to hear of
            watch = RulesWatch((TABLE.name, GROUPS), {TABLE.family, ROUTING.family})
            self.callback(watch.close)

            def hear() -> None:
                if changed := watch.read(self._rules_ports()):
                    self._hints.hear_rules(changed)
                    self._wake()

            self._read(watch.fileno(), hear)

    def _hear_mounts(self) -> None:
        self._add_names()  # the directory may have been made, or mounted over, meanwhile
        self._hints.check_pins(self._served(), self._names_directory)
        self._mounts_changed()

    def _read(self, descriptor: int, call: Callable[[], None]) -> None:
        def heard() -> None:
            self._loop.remove_reader(descriptor)
            self._loop.call_later(_GATHER, read)

        def read() -> None:
            if self._closed:
                return
            try:
                call()
            finally:
                self._loop.add_reader(descriptor, heard)

        self._loop.add_reader(descriptor, heard)
        self.callback(self._loop.remove_reader, descriptor)


class SwitchWatch:
    """Hears, in a thread of its own, of changes in the database of Open vSwitch, whose connection may come and go. It
    calls `hear` in the running loop, until `close`."""

    def __init__(self, remote: str, tls: Tls | None, hear: Callable[[PortsChanged], None]) -> None:
        loop = asyncio.get_running_loop()
        self._watch = PortWatch(remote, OWNER, MARK_KEY, tls)

        def wait() -> None:
            while (changed := self._watch.wait()) is not None:
                loop.call_soon_threadsafe(hear, changed)
                time.sleep(_GATHER)

        self._thread = Thread(target=wait, name="netmend-switch-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._watch.stop()
        self._thread.join()
        self._watch.close()
