"""The far end in the guest's namespace: waited for, given its addresses and routes, and looked at again."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network, ip_network
from typing import Any

from netmend.kernel import addresses, links, routes
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

_LOOK = 0.01  # seconds between looks: the node takes some milliseconds
Interface = IPv4Interface | IPv6Interface
Route = tuple[IPv4Network | IPv6Network, IPv4Address | IPv6Address | None]


class Busy(Exception):
    """Another call is at work on the guest's namespace; the text says on which."""


class NotThere(Exception):
    """The device is not in the guest's namespace, or lacks something there; the text says what."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a port's subnets say about its guest."""

    addresses: tuple[Interface, ...]
    gateways: tuple[IPv4Address | IPv6Address | None, ...]  # of each of `addresses`, in order
    routes: tuple[Route, ...]
    dns_servers: tuple[str, ...]


def settings_of(port: dict[str, Any], subnets: dict[str, dict[str, Any]]) -> Settings:
    """The settings that a port and its subnets, as the API shows them, give to the guest. The first gateway of each
    family is that of its default route."""
    own: list[Interface] = []
    gateways: list[IPv4Address | IPv6Address | None] = []
    ways: list[Route] = []
    servers: list[str] = []
    for entry in port["fixed_ips"]:
        subnet = subnets[entry["subnet_id"]]
        kind = IPv4Interface if subnet["ip_version"] == 4 else IPv6Interface
        own.append(kind(f"{entry['ip_address']}/{ip_network(subnet['cidr']).prefixlen}"))
        gateway = subnet["gateway_ip"]
        found = (IPv4Address if subnet["ip_version"] == 4 else IPv6Address)(gateway) if gateway else None
        gateways.append(found)
        default: Route = (ip_network("0.0.0.0/0" if subnet["ip_version"] == 4 else "::/0"), found)
        if found is not None and default[0] not in [block for block, _ in ways]:
            ways.append(default)
        for way in subnet.get("host_routes") or ():
            nexthop = (IPv4Address if subnet["ip_version"] == 4 else IPv6Address)(way["nexthop"])
            ways.append((ip_network(way["destination"]), None if nexthop.is_unspecified else nexthop))
        servers += [server for server in subnet.get("dns_nameservers") or () if server not in servers]
    return Settings(tuple(own), tuple(gateways), tuple(ways), tuple(servers))


def wait_for(namespace: Netns, device: str, mac: str, seconds: float) -> Link:
    """The device in the namespace, once the node has made it; raises NotThere, KernelError."""
    until = time.monotonic() + seconds
    while True:
        try:
            return find(namespace, device, mac)
        except NotThere:
            if time.monotonic() >= until:
                raise
            time.sleep(_LOOK)


def find(namespace: Netns, device: str, mac: str) -> Link:
    """The device, if it has the port's MAC; raises NotThere, KernelError."""
    with namespace.entered(), RouteSocket() as route:
        link = links.find_link(route, device)
    if link is None:
        raise NotThere(f"no device {device} in {namespace.label}")
    if link.mac != mac:
        raise NotThere(f"{device} in {namespace.label} has the MAC {link.mac}, and the port {mac}")
    return link


def has_device(namespace: Netns, device: str) -> bool:
    """Whether the namespace has a device of that name, no matter whose; raises KernelError."""
    with namespace.entered(), RouteSocket() as route:
        return links.find_link(route, device) is not None


def destinations(namespace: Netns) -> set[routes.Block]:
    """Where the routes of the namespace lead, default routes with a prefix of 0; raises KernelError."""
    with namespace.entered(), RouteSocket() as route:
        return {block for link in links.dump_links(route) for block, _ in routes.dump_routes(route, link.index)}


@contextmanager
def alone_in(namespace: Netns, seconds: float) -> Iterator[None]:
    """Keep other calls from the namespace: a lock of its file (flock(2)), which ends with the process. Raises Busy when
    another call keeps it for as long as `seconds`."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(namespace.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Busy(f"another call has been at work on {namespace.label} for {seconds:g} s") from None
            time.sleep(_LOOK)
    try:
        yield
    finally:
        fcntl.flock(namespace.fileno(), fcntl.LOCK_UN)


def configure(namespace: Netns, link: Link, settings: Settings) -> None:
    """Set the loopback and the device up, and give it addresses and routes; raises KernelError."""
    with namespace.entered(), RouteSocket() as route:
        links.set_link(route, links.LOOPBACK, up=True)
        links.set_link(route, link, up=True)
        for address in settings.addresses:
            addresses.add_address(route, link, address)
        for destination, gateway in settings.routes:
            if gateway is not None and not any(gateway in address.network for address in settings.addresses):
                host = ip_network(f"{gateway}/{gateway.max_prefixlen}")
                routes.add_route(route, link, host, None)  # off the subnet, and on the link all the same
            routes.add_route(route, link, destination, gateway)


def check(namespace: Netns, link: Link, own: Sequence[Interface], ways: Sequence[Route]) -> None:
    """Look whether the device is up and has these addresses and routes; raises NotThere, KernelError."""
    with namespace.entered(), RouteSocket() as route:
        there, leading = addresses.dump_addresses(route).get(link.index, set()), routes.dump_routes(route, link.index)
    if not link.up:
        raise NotThere(f"{link.name} is down")
    for address in own:
        if address not in there:
            raise NotThere(f"{link.name} has no address {address}")
    for way in ways:
        if way not in leading:
            raise NotThere(f"{link.name} has no route to {way[0]} via {way[1]}")


def open_namespace(path: str) -> Netns:
    """The namespace at a path; raises NotThere where there is none."""
    try:
        return Netns.open(path)
    except KernelError as error:
        raise NotThere(str(error)) from error
