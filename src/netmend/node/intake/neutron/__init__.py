"""A Neutron server as the source of a node.

This door is light: `source` (the Source) and `connection` (to the server) need the extra `netmend[neutron]`, and are
loaded where a Neutron server is asked for.
"""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from netmend.kernel.ovsdb.stream import Tls
from netmend.node.log_writer import close_log
from netmend.node.settings import Settings
from netmend.sources.problem import SourceError

if TYPE_CHECKING:
    from netmend.node.intake.neutron.source import NeutronSource
    from netmend.node.metadata_agent import MetadataAgent


def neutron_source(files: Sequence[Path], settings: Settings) -> "tuple[NeutronSource, Settings]":
    """The source that Neutron's own `files` describe, and the settings with what they say of Open vSwitch. Raises
    SourceError."""
    with _extra():
        from netmend.node.intake.neutron.source import NeutronSource
        from netmend.sources.neutron.configuration import configuration
    found = configuration(files)
    ovs = found.ovs
    tls = None
    if ovs.private_key and ovs.certificate and ovs.ca_certificate:
        tls = Tls(ovs.private_key, ovs.certificate, ovs.ca_certificate)
    settings = replace(settings, ovsdb=ovs.connection, ovsdb_tls=tls, take_over=True)
    return NeutronSource(found, settings.state), settings


def metadata_agent(files: Sequence[Path], settings: Settings) -> "MetadataAgent":
    """neutron-metadata-agent alone, as Neutron's own `files` describe it. Raises SourceError."""
    with _extra():
        from netmend.node.metadata_agent import MetadataAgent
        from netmend.sources.neutron.configuration import configuration
    return MetadataAgent(configuration(files, is_metadata_agent=True), settings)


@contextmanager
def _extra() -> Iterator[None]:
    """Say how to install what an import in the block misses. Raises SourceError."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SourceError(f"{error}; install netmend with its extras: pip install 'netmend[neutron]'") from None


def leave() -> NoReturn:
    """End the process, once the node has ended. Calls to the server that are under way cannot be broken off. Nothing
    needs their answers any more, but Python would wait for them: a minute, and longer each time that one ran out."""
    logging.shutdown()
    sys.stdout.flush()
    close_log()
    os._exit(0)
