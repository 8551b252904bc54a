"""Takes namespaces over from Neutron's own agents, and logs what was taken over and what is left alone."""

import contextlib
from collections.abc import Iterable, Iterator

from netmend.ground.log import get_logger
from netmend.intent.network import Network
from netmend.kernel.ovsdb.connection import Connection
from netmend.node.settings import Settings
from netmend.reconcile.adoption import Adoption
from netmend.reconcile.switch import DEFAULT

_NAMES_MAX = 20  # names in one line of the log
log = get_logger()


def take_over(settings: Settings, networks: Iterable[Network]) -> None:
    """Make the namespaces of these networks netmend's; raises KernelError."""
    with _adoption(settings) as adoption:
        for adopted in adoption.adopt(networks):
            log.info("taken over", network=adopted.network_id, devices=adopted.devices, ended=adopted.ended)


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
