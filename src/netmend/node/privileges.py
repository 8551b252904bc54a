"""What a node gives up before it does anything else, and what it says is missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from netmend.ground.log import get_logger
from netmend.kernel import privileges
from netmend.kernel.errors import KernelError
from netmend.node.settings import Settings

NEEDED: Final = {
    "CAP_NET_ADMIN": "links, addresses, routes and namespaces' settings cannot be made",
    "CAP_SYS_ADMIN": "namespaces cannot be made, entered or named",
    "CAP_NET_RAW": "guests that have no address yet cannot be answered, and DHCPv6 not at all",
    "CAP_NET_BIND_SERVICE": "ports 53, 67, 80 and 547 cannot be opened",
}
"""Capabilities that a node keeps, and what it cannot do without each."""
LOOKS: Final = ("CAP_SYS_PTRACE", "CAP_NET_BROADCAST")
"""Kept where they are there: /proc/PID/ns and /proc/PID/root of processes that may do more (ptrace(2)); changes that
others make in networks' namespaces (linux/netlink.h, NETLINK_LISTEN_ALL_NSID)."""
TAKES_OVER: Final = ("CAP_KILL", "CAP_CHOWN", "CAP_FOWNER", "CAP_DAC_OVERRIDE")
"""Kept in the place of Neutron's agents: for their processes, sockets and files."""
log = get_logger()


class GivenUp:
    """Gives up privileges when made, before there is a thread; `report` says in the log what is missing."""

    def __init__(
        self,
        settings: Settings,
        read: Sequence[Path] = (),
        *,
        take_over: bool = False,
        needed: Mapping[str, str] = NEEDED,
    ) -> None:
        """`read`: files that will be read again. `needed` is as NEEDED."""
        self._needed = needed
        self._problem: str | None = None
        try:
            before = privileges.held()
            keep = {*needed, *(LOOKS if needed else ()), *(TAKES_OVER if take_over else ())}
            if privileges.needs_override(read, (settings.state, settings.runtime)):
                keep.add("CAP_DAC_OVERRIDE")
            privileges.keep_only(keep)
            self._missing = [name for name in needed if name not in before]
            self._filtered = privileges.forbid_system_calls()
        except (KernelError, OSError) as error:
            self._missing, self._filtered, self._problem = [], False, str(error)

    def report(self) -> None:
        """Say what is missing, and where it is given."""
        for name in self._missing:
            log.warning(
                "a capability is missing",
                capability=name,
                without=self._needed[name],
                mend=f"docker run --cap-add {name.removeprefix('CAP_')}, or CapabilityBoundingSet={name} of the unit",
            )
        if self._problem:
            log.warning("privileges cannot be given up; netmend goes on with all that it has", problem=self._problem)
        elif not self._filtered:
            log.info("system calls are not filtered: this machine or its kernel has no such filter")
