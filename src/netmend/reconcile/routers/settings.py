"""The settings that a router's devices should have, by name (`netmend.kernel.device_settings`)."""

from typing import Final

_FORWARDING4: Final = {
    "ipv4.forwarding": 1,
    "ipv4.rp_filter": 1,  # nobody sends from an address of another network
    "ipv4.arp_ignore": 1,  # each device answers for its own addresses
    "ipv4.accept_redirects": 0,
    "ipv4.proxy_arp": 0,
    "ipv4.accept_local": 0,
    "ipv4.route_localnet": 0,
}
_IPV6: Final = {
    "ipv6.addr_gen_mode": 1,  # the addresses are those of intent: none of the kernel's making,
    "ipv6.accept_ra": 0,  # none that a guest or a neighbour advertises
}
HOST_END: Final = {**_FORWARDING4, **_IPV6, "ipv6.forwarding": 0}
"""What the host's end of an uplink by way of the host has."""


ROUTER_LINK: Final = {**_FORWARDING4, "ipv6.forwarding": 1}
"""What the kernel says of a device in a router's namespace that is as it should be; where no IPv6 is routed, that it
switches off its forwarding is no concern."""


def router_settings(*, ipv6: bool, sysctls: bool) -> dict[str, int]:
    """What a device in a router's namespace has; `ipv6` if IPv6 is routed, `sysctls` if sysctls can be set."""
    if not sysctls:
        return dict(_FORWARDING4)
    on = {"ipv6.disable_ipv6": 0} if ipv6 else {}  # first: switched off, the kernel refuses IPv6 addresses
    return {**_FORWARDING4, **on, **_IPV6, "ipv6.forwarding": int(ipv6)}
