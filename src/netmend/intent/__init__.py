"""The wanted state: networks, subnets, ports, routes, as immutable values.

Values are validated once at the door (see `netmend.sources`); code behind the door may rely on every promise
made in these docstrings. Names of devices and namespaces are functions of ids (`netmend.intent.names`).
"""

from netmend.intent.metadata import Instance, MetadataProxy, RequestRates
from netmend.intent.network import BridgeWiring, DhcpPort, Dns, DnsServer, Intent, Network, OvnWiring, OvsWiring, Wiring
from netmend.intent.port import AddressPair, NetnsPlug, NoPlug, PidPlug, Plug, Port, TapPlug
from netmend.intent.router import (
    DeviceUplink,
    FloatingIp,
    HostUplink,
    PortForward,
    Router,
    RouterPort,
    RouterRoute,
    Uplink,
)
from netmend.intent.security_group import AddressGroup, SecurityGroup, SecurityRule
from netmend.intent.subnet import Boot, BootByArchitecture, Pool, Route, Subnet
from netmend.intent.subnet6 import Ipv6Mode, Pool6, Route6, Subnet6

__all__ = [
    "AddressGroup",
    "AddressPair",
    "Boot",
    "BootByArchitecture",
    "BridgeWiring",
    "DeviceUplink",
    "DhcpPort",
    "Dns",
    "DnsServer",
    "FloatingIp",
    "HostUplink",
    "Instance",
    "Intent",
    "Ipv6Mode",
    "MetadataProxy",
    "NetnsPlug",
    "Network",
    "NoPlug",
    "OvnWiring",
    "OvsWiring",
    "PidPlug",
    "Plug",
    "Pool",
    "Pool6",
    "Port",
    "PortForward",
    "RequestRates",
    "Route",
    "Route6",
    "Router",
    "RouterPort",
    "RouterRoute",
    "SecurityGroup",
    "SecurityRule",
    "Subnet",
    "Subnet6",
    "TapPlug",
    "Uplink",
    "Wiring",
]
