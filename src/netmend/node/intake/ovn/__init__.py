"""OVN's southbound database as the source of a node.

This door is light: `source` (the Source) needs the extra `netmend[neutron]`, for Neutron's own files, and is loaded
where OVN is asked for.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netmend.intent.names import name_namespaces
from netmend.kernel.ovsdb.stream import Tls
from netmend.node.settings import Settings
from netmend.sources.problem import SourceError

if TYPE_CHECKING:
    from netmend.node.intake.ovn.source import OvnSource

PROGRAMS: Final = frozenset(("neutron-ovn-metadata-agent", "neutron-ovn-agent"))
_FILES: Final = re.compile(r"(neutron[_-])?ovn[_-](metadata[_-]|neutron[_-])?agent\.(ini|conf)")
_PREFIX: Final = "ovnmeta-"


def is_of_ovn(program: str, files: Sequence[Path]) -> bool:
    """Whether an agent of that name, with these files, is one of OVN's."""
    return program in PROGRAMS or any(_FILES.fullmatch(file.name) for file in files)


def ovn_source(files: Sequence[Path], settings: Settings, program: str) -> "tuple[OvnSource, Settings]":
    """The source that Neutron's own `files` describe, and the settings with what they say of Open vSwitch. The name of
    the program says which of OVN's agents it reports as. Raises SourceError."""
    try:
        from netmend.node.intake.ovn.source import OvnSource
        from netmend.sources.ovn.configuration import ovn_configuration
    except ModuleNotFoundError as error:
        raise SourceError(f"{error}; install netmend with its extras: pip install 'netmend[neutron]'") from None
    from netmend.sources.ovn import reports

    found = ovn_configuration(files)
    name_namespaces(_PREFIX)
    settings = replace(settings, take_over=True)
    if found.ovs is not None:
        settings = replace(settings, ovsdb=found.ovs.connection)
        if found.ovs.private_key and found.ovs.certificate and found.ovs.ca_certificate:
            tls = Tls(found.ovs.private_key, found.ovs.certificate, found.ovs.ca_certificate)
            settings = replace(settings, ovsdb_tls=tls)
    names = {program, *(file.name for file in files)}
    is_ovn_agent = any(re.match(r"neutron[_-]ovn[_-]agent|ovn[_-](neutron[_-])?agent", name) for name in names)
    kind = reports.OVN_AGENT if is_ovn_agent else reports.METADATA_AGENT
    return OvnSource(found, settings, kind), settings
