"""Which service wrote a line: by the journal's identifier, the file's name or the logger's name."""

from __future__ import annotations

import re
from pathlib import PurePath

_BY_NAME: tuple[tuple[str, str], ...] = (
    ("ovn-controller", "ovn-controller"),
    ("ovn_controller", "ovn-controller"),
    ("ovn-northd", "ovn-northd"),
    ("ovn_northd", "ovn-northd"),
    ("ovn-metadata", "ovn-metadata-agent"),
    ("ovn_metadata", "ovn-metadata-agent"),
    ("ovn-agent", "ovn-agent"),
    ("ovn_agent", "ovn-agent"),
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
    ("linuxbridge_agent", "linuxbridge-agent"),
    ("neutron-server", "neutron-server"),
    ("neutron_server", "neutron-server"),
    ("neutron-api", "neutron-server"),
    ("neutron-rpc-server", "neutron-server"),
    ("nova-compute", "nova-compute"),
    ("nova_compute", "nova-compute"),
    ("ovs-vswitchd", "ovs-vswitchd"),
    ("vswitchd", "ovs-vswitchd"),
    ("ovsdb-server", "ovsdb-server"),
    ("ovsdb_server", "ovsdb-server"),
    ("ovnnb", "ovsdb-server"),
    ("ovnsb", "ovsdb-server"),
    ("ovn-nb", "ovsdb-server"),
    ("ovn-sb", "ovsdb-server"),
    ("ovn_nb", "ovsdb-server"),
    ("ovn_sb", "ovsdb-server"),
    ("keepalived", "keepalived"),
    ("dnsmasq", "dnsmasq"),
    ("haproxy", "haproxy"),
    ("kubelet", "kubelet"),
    ("crio", "crio"),
    ("mariadb", "mariadb"),
    ("mysqld", "mariadb"),
    ("multus", "multus"),
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
    ("neutron.agent.ovn.agent", "ovn-agent"),
    ("neutron.agent.ovn.extensions", "ovn-agent"),
    ("neutron.agent.l3", "l3-agent"),
    ("neutron.plugins.ml2.drivers.openvswitch", "ovs-agent"),
    ("neutron.plugins.ml2.drivers.linuxbridge", "linuxbridge-agent"),
    ("neutron.agent.metadata.agent", "metadata-agent"),
    ("neutron.agent.metadata_agent", "metadata-agent"),
    ("nova.compute", "nova-compute"),
    ("nova.virt", "nova-compute"),
    ("neutron.api", "neutron-server"),
    ("neutron.plugins.ml2.managers", "neutron-server"),
    ("neutron.plugins.ml2.plugin", "neutron-server"),
    ("neutron.db", "neutron-server"),
    ("netmend", "netmend"),
)

_OSLO_LOGGER = re.compile(rb" (?:DEBUG|INFO|WARNING|ERROR) (neutron\.[\w.]+|netmend[\w.]*) ")


def named(name: str) -> str:
    """The service that a file name, container name or journal identifier stands for; empty where it stands for none."""
    lowered = name.lower()
    return next((service for part, service in _BY_NAME if part in lowered), "")


def of_logger(logger: str) -> str:
    """The service to which a logger's code belongs; empty for a library's."""
    return next((service for prefix, service in _BY_LOGGER if logger.startswith(prefix)), "")


def of_file(path: str, head: bytes) -> str:
    """The service that wrote a whole file: by its name (or that of its directory), else by the loggers in its head."""
    place = PurePath(path)
    # A container's file is `0.log`; its directory, /var/log/pods/NAMESPACE_POD_UID/CONTAINER, bears the name.
    above = (place.parent.name, place.parent.parent.name) if place.name[:1].isdigit() else ()
    for name in (place.name, *above):
        if service := named(name):
            return service
    seen: dict[str, int] = {}
    for logger in _OSLO_LOGGER.findall(head[:262144]):
        if service := of_logger(logger.decode("ascii", "replace")):
            seen[service] = seen.get(service, 0) + 1
    return max(seen, key=lambda s: (seen[s], s)) if seen else ""
