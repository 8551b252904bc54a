"""Which service wrote a line: told by the journal's identifier, the file's name, or the logger's name."""

from __future__ import annotations

import re
from pathlib import PurePath

_BY_NAME: tuple[tuple[str, str], ...] = (
    ("ovn-metadata", "ovn-metadata-agent"),
    ("ovn_metadata", "ovn-metadata-agent"),
    ("dhcp-agent", "dhcp-agent"),
    ("dhcp_agent", "dhcp-agent"),
    ("metadata-agent", "metadata-agent"),
    ("metadata_agent", "metadata-agent"),
    ("openvswitch-agent", "ovs-agent"),
    ("openvswitch_agent", "ovs-agent"),
    ("ovs-agent", "ovs-agent"),
    ("l3-agent", "l3-agent"),
    ("l3_agent", "l3-agent"),
    ("linuxbridge-agent", "linuxbridge-agent"),
    ("neutron-server", "neutron-server"),
    ("ovs-vswitchd", "ovs-vswitchd"),
    ("ovsdb-server", "ovsdb-server"),
    ("containerd", "containerd"),
    ("dockerd", "dockerd"),
    ("docker.log", "dockerd"),
    ("docker.service", "dockerd"),
    ("podman", "podman"),
    ("rabbit", "rabbitmq"),
    ("netmend", "netmend"),
    ("kern.log", "kernel"),
    ("dmesg", "kernel"),
    ("kernel", "kernel"),
)

_BY_LOGGER: tuple[tuple[str, str], ...] = (
    ("neutron.agent.dhcp", "dhcp-agent"),
    ("neutron.agent.linux.dhcp", "dhcp-agent"),
    ("neutron.agent.ovn.metadata", "ovn-metadata-agent"),
    ("neutron.agent.l3", "l3-agent"),
    ("neutron.plugins.ml2.drivers.openvswitch", "ovs-agent"),
    ("neutron.plugins.ml2.drivers.linuxbridge", "linuxbridge-agent"),
    ("neutron.agent.metadata.agent", "metadata-agent"),
    ("neutron.agent.metadata_agent", "metadata-agent"),
    ("netmend", "netmend"),
)

_OSLO_LOGGER = re.compile(rb" (?:DEBUG|INFO|WARNING|ERROR) (neutron\.[\w.]+|netmend[\w.]*) ")


def named(name: str) -> str:
    """The service that a file name, container name or journal identifier stands for; empty when it tells nothing."""
    lowered = name.lower()
    return next((service for part, service in _BY_NAME if part in lowered), "")


def of_logger(logger: str) -> str:
    """The service whose code a logger name belongs to; empty for a library's."""
    return next((service for prefix, service in _BY_LOGGER if logger.startswith(prefix)), "")


def of_file(path: str, head: bytes) -> str:
    """The service that wrote a whole file: by its name, else by the loggers in its beginning; may be empty."""
    if service := named(PurePath(path).name):
        return service
    seen: dict[str, int] = {}
    for logger in _OSLO_LOGGER.findall(head[:262144]):
        if service := of_logger(logger.decode("ascii", "replace")):
            seen[service] = seen.get(service, 0) + 1
    return max(seen, key=lambda s: (seen[s], s)) if seen else ""
