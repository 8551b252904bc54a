"""The settings that isolation rests on, by name (`netmend.kernel.device_settings` says what the names are).

A bridge has no business on layer 3: guests must not reach the host, nor the host's routes, through it. Nor has a port
of Open vSwitch, whose userspace datapath only listens in: the host's own stack receives all that the guest sends. A
port of a bridge is given the same, for the instant in which it is taken from its bridge.
"""

from collections.abc import Mapping
from typing import Final

from netmend.wiring.device import Device

FDB_MAX_LEARNED: Final = 4096
"""MAC addresses that a bridge learns from guests, 128 octets of kernel memory each; more are flooded (Linux 6.7)."""

_NO_IPV4: Final = {
    "ipv4.forwarding": 0,
    "ipv4.rp_filter": 1,  # without a route through the device, all that comes in for the host is dropped
    "ipv4.arp_ignore": 8,
    "ipv4.proxy_arp": 0,
    "ipv4.proxy_arp_pvlan": 0,
    "ipv4.accept_local": 0,
    "ipv4.route_localnet": 0,
    "ipv4.bc_forwarding": 0,
}
_NO_ADDRESS6: Final = {
    "ipv6.addr_gen_mode": 1,  # none by itself
    "ipv6.forwarding": 0,
    "ipv6.proxy_ndp": 0,
}
# Should `net.ipv6.conf.all.disable_ipv6=0` give the device IPv6 back, a guest's advertisements still give it nothing.
_NO_IPV6: Final = {"ipv6.disable_ipv6": 1, "ipv6.accept_ra": 0}
_BRIDGE: Final = {
    "bridge.stp_state": 0,
    "bridge.vlan_filtering": 0,
    "bridge.group_fwd_mask": 0,
    "bridge.mcast_snooping": 0,  # without a querier, snooping forgets IPv6's neighbour discovery groups
    "bridge.mcast_querier": 0,
    "bridge.ageing_time": 30_000,  # 1/100 s, the kernel's own; with 0, each guest gets all frames of the others
    "bridge.fdb_max_learned": FDB_MAX_LEARNED,
}
_PORT: Final = {
    "port.hairpin": 0,
    "port.root_block": 0,
    "port.learning": 1,
    "port.flood": 1,
    "port.proxy_arp": 0,
    "port.proxy_arp_wifi": 0,
    "port.mcast_flood": 1,
    "port.bcast_flood": 1,
    "port.group_fwd_mask": 0,
    "port.neigh_suppress": 0,
    "port.isolated": 0,
    "port.locked": 0,
}
_OF_BRIDGE: Final = _NO_IPV4 | _NO_ADDRESS6 | _NO_IPV6 | _BRIDGE
_OF_BRIDGE_PORT: Final = _NO_IPV4 | _NO_ADDRESS6 | _PORT
_OF_SWITCH_PORT: Final = _NO_IPV4 | _NO_ADDRESS6 | _NO_IPV6

OWN_PORT: Final = {
    "ipv4.forwarding": 0,  # inherited from the host, and no router lives in the namespace
    "ipv6.disable_ipv6": 0,  # switched off, the kernel refuses the addresses of intent (`ipv6.disable_ipv6=1` at boot)
    "ipv6.forwarding": 0,
    "ipv6.addr_gen_mode": 1,  # the addresses are those of intent: none of the kernel's making,
    "ipv6.accept_ra": 0,  # none that a guest advertises
}
"""What netmend's own device in the namespace has."""


ON_HOST: Final = _NO_IPV4 | _NO_ADDRESS6
"""What every device of netmend's on the host has."""


def host_settings(device: Device) -> Mapping[str, int]:
    """What the device should have on the host."""
    return settings_of(is_bridge=device.kind == "bridge", is_switched=device.switch is not None)


def settings_of(*, is_bridge: bool, is_switched: bool) -> Mapping[str, int]:
    """What a device on the host should have: a bridge, a port of Open vSwitch, or else a port of a bridge."""
    if is_bridge:
        return _OF_BRIDGE
    return _OF_SWITCH_PORT if is_switched else _OF_BRIDGE_PORT
