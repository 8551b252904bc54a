"""Takes namespaces over from Neutron's own agents, and logs what was taken over and what is left alone."""

import contextlib
from collections.abc import Iterable, Iterator

from netmend.ground.log import get_logger
from netmend.ground.neutron_processes import PROGRAMS
from netmend.intent.network import Network
from netmend.kernel.neutron_processes import Helper
from netmend.kernel.ovsdb.connection import Connection
from netmend.node.settings import Settings
from netmend.reconcile.adoption import Adoption
from netmend.reconcile.switch import DEFAULT

_NAMES_MAX = 20  # names in one line of the log
log = get_logger()


class TakeOver:
    """Takes over for one node. Called by the reconciler, in its threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._serve_still: dict[tuple[str, str], list[Helper]] = {}  # by network and program

    def __call__(self, networks: Iterable[Network]) -> None:
        """Make the namespaces of these networks netmend's; raises KernelError."""
        with _adoption(self._settings) as adoption:
            for adopted in adoption.adopt(networks):
                for helper in adopted.helpers:
                    self._serve_still.setdefault((adopted.network_id, helper.program), []).append(helper)
                found = [str(helper) for helper in adopted.helpers]
                log.info("taken over", network=adopted.network_id, devices=adopted.devices, helpers=found)

    def is_served_by_others(self, network_id: str) -> bool:
        """Whether a program that netmend will end serves the network still."""
        return any((network_id, program) in self._serve_still for program in PROGRAMS)

    def make_way(self, network_id: str, program: str) -> None:
        """End what serves the network still by that program: netmend is about to."""
        for helper in self._serve_still.pop((network_id, program), ()):
            if helper.end():
                log.info("ended", network=network_id, process=str(helper))
            else:
                log.warning("another process has its number now", network=network_id, process=str(helper))


def log_foreign_namespaces(settings: Settings, wanted: Iterable[str]) -> None:
    """Log which namespaces of networks are neither wanted nor netmend's; raises KernelError."""
    with _adoption(settings) as adoption:
        found = adoption.foreign_namespaces(wanted)
    if found:
        log.warning("left alone: namespaces that netmend did not make", count=len(found), names=found[:_NAMES_MAX])


@contextlib.contextmanager
def _adoption(settings: Settings) -> Iterator[Adoption]:
    made = Adoption(settings.netns_directory, Connection(settings.ovsdb or DEFAULT, tls=settings.ovsdb_tls))
    try:
        yield made
    finally:
        made.close()
