"""Sets settings of devices, each in the way that the kernel takes it: most by netlink, those of IPv6 by sysctls."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from netmend.kernel import links
from netmend.kernel.device_settings import needs_sysctl
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.sysctl import SysctlDirectory
from netmend.wiring.settings import OWN_PORT

_NEW_DEVICES_IPV6 = {"disable_ipv6": 0, "forwarding": 0, "accept_ra": 0, "addr_gen_mode": 1}
_OWN_PORT_BY_NETLINK = {name: value for name, value in OWN_PORT.items() if not needs_sysctl(name)}


def own_port_settings(*, sysctls: bool) -> Mapping[str, int]:
    """The settings that netmend's own device in a namespace should have, as far as they can be set: `sysctls` says
    whether sysctls can.

    Where they cannot, as in some containers, the advertisement of a guest gives the device an address, which the next
    look removes.
    """
    return OWN_PORT if sysctls else _OWN_PORT_BY_NETLINK


def set_ipv6_defaults() -> None:
    """Set what devices are born with in the namespace that the calling thread is in, which is one of netmend's."""
    with SysctlDirectory("ipv6/conf/default") as defaults:
        for name, value in _NEW_DEVICES_IPV6.items():
            with suppress(KernelError):  # read-only, in some containers: then devices are put right later
                defaults.write(name, value)


def settings_among(differs: Iterable[str], wanted: Mapping[str, int]) -> dict[str, int]:
    """The settings that are among the differences of a device, with their wanted values."""
    return {name: wanted[name] for name in differs if name in wanted}


def set_settings(route: RouteSocket, ipv6: SysctlDirectory, link: Link, settings: Mapping[str, int]) -> None:
    """Set `settings` on `link`; `ipv6` is the `ipv6/conf` of its namespace. Raises KernelError."""
    for name, value in settings.items():
        if needs_sysctl(name):
            ipv6.write(f"{link.name}/{name.removeprefix('ipv6.')}", value)
    by_netlink = {name: value for name, value in settings.items() if not needs_sysctl(name)}
    if by_netlink:
        links.set_link(route, link, settings=by_netlink)
