"""What should exist: networks, subnets, ports, routes, as immutable values.

Values are validated once at the door (see `netmend.sources`); code behind the door may rely on every promise
made in these docstrings. Names of devices and namespaces are functions of ids (`netmend.intent.names`).
"""

from netmend.intent.boot import Boot, BootByArchitecture
from netmend.intent.network import Intent, Network
from netmend.intent.plug import NetnsPlug, NoPlug, PidPlug, Plug, TapPlug
from netmend.intent.port import Port
from netmend.intent.subnet import Pool, Route, Subnet

__all__ = [
    "Boot",
    "BootByArchitecture",
    "Intent",
    "NetnsPlug",
    "Network",
    "NoPlug",
    "PidPlug",
    "Plug",
    "Pool",
    "Port",
    "Route",
    "Subnet",
    "TapPlug",
]
