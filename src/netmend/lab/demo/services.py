"""What a guest gets beside its lease, asked for by programs that nobody here wrote: metadata by curl or BusyBox's wget,
a neighbour's name by BusyBox's nslookup or dig, an IPv6 address by the guest's own kernel (RFC 4862).

Each is tried again for a while: a guest that has just booted does the same.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Interface
from typing import TypeVar

from netmend.intent.metadata import METADATA_ADDRESS
from netmend.intent.network import Network
from netmend.kernel.addresses import dump_addresses
from netmend.kernel.links import find_link
from netmend.kernel.netlink import RouteSocket
from netmend.lab.demo.guest import Guest

PATIENCE = 10.0  # seconds
_POLL = 0.1
Found = TypeVar("Found")
_INSTANCE_ID = f"http://{METADATA_ADDRESS}/latest/meta-data/instance-id"


class NoProgram(Exception):
    """This machine has nothing to ask with; the text names the package to install."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Command lines that ask for a URL, and for the address of a name from a server; empty where intent needs none."""

    fetch: tuple[str, ...] = ()
    resolve: tuple[str, ...] = ()


def find_programs(networks: Sequence[Network]) -> Programs:
    """What guests need for the services of their networks, from PATH; raises NoProgram."""
    busybox = shutil.which("busybox")
    fetch: tuple[str, ...] = ()
    resolve: tuple[str, ...] = ()
    if any(network.metadata != "off" for network in networks):
        if curl := shutil.which("curl"):
            fetch = (curl, "-sS", "--fail", "--max-time", "3")
        elif busybox:
            fetch = (busybox, "wget", "-q", "-T", "3", "-O", "-")
        else:
            raise NoProgram("a guest needs a program to fetch its metadata with; install one: apt install curl")
    if any(network.dns for network in networks):
        if busybox:
            resolve = (busybox, "nslookup", "-type=a")
        elif dig := shutil.which("dig"):
            resolve = (dig, "+short", "+time=2", "+tries=1")
        else:
            raise NoProgram("a guest needs a program to resolve names with; install one: apt install bind9-dnsutils")
    return Programs(fetch, resolve)


@dataclass(frozen=True, slots=True)
class Services:
    """What one guest was given; None where its network does not offer it, or it did not come (`problems` says why)."""

    instance: str | None = None  # the instance id that metadata tells
    name: str | None = None  # a neighbour's name that was resolved
    address6: IPv6Interface | None = None
    problems: tuple[str, ...] = ()


NOTHING = Services()


def ask_for_services(guest: Guest, programs: Programs) -> Services:
    """Ask for all that the guest's network offers; takes as long as the services do, at most PATIENCE each."""
    network, problems = guest.network, []
    instance = name = address6 = None
    if network.metadata != "off":
        instance, why = _metadata(guest, programs)
        problems += [f"its metadata could not be fetched: {why}"] if why else []
    if network.dns is not None and (asked := _neighbour(guest)) is not None:
        why = _resolve(guest, programs, *asked)
        name = None if why else asked[0]
        problems += [f"{asked[0]} was not resolved: {why}"] if why else []
    if any(subnet.ra_mode == "slaac" for subnet in network.subnets6):
        address6 = _until(lambda: _global_address(guest))
        problems += [] if address6 else ["its kernel was advertised no IPv6 prefix"]
    return Services(instance, name, address6, tuple(problems))


def _metadata(guest: Guest, programs: Programs) -> tuple[str | None, str]:
    said = ""

    def fetch() -> str | None:
        nonlocal said
        done = _run(guest, [*programs.fetch, _INSTANCE_ID])
        said = done.stderr.strip() or "an empty answer"
        return done.stdout.strip() if done.returncode == 0 else None

    found = _until(fetch)
    if found is None:
        return None, said
    wanted = guest.port.instance.id if guest.port.instance else found
    return found, "" if found == wanted else f"it was given {found}, and intent says {wanted}"


def _neighbour(guest: Guest) -> tuple[str, str] | None:
    """The full name and the address of another port of the network, or of this one."""
    ports = sorted(guest.network.ports.values(), key=lambda port: port.id == guest.port.id)
    named = next((port for port in ports if port.hostname and port.fixed_ips), None)
    domain = (guest.network.dns.domain if guest.network.dns else None) or (guest.lease.domain if guest.lease else None)
    return (f"{named.hostname}.{domain}", str(named.fixed_ips[0])) if named and domain else None


def _resolve(guest: Guest, programs: Programs, name: str, address: str) -> str:
    """Ask the server that DHCP named; returns why it failed, or nothing."""
    servers = guest.lease.dns_servers if guest.lease else ()
    if not servers:
        return "DHCP named no server"
    server = f"@{servers[0]}" if programs.resolve[0].endswith("dig") else str(servers[0])
    said = ""

    def ask() -> bool | None:
        nonlocal said
        words = [*programs.resolve, server, name] if server[0] == "@" else [*programs.resolve, name, server]
        done = _run(guest, words)
        said = " ".join((done.stdout + done.stderr).split())
        return (done.returncode == 0 and address in done.stdout.split()) or None

    return "" if _until(ask) else said


def _global_address(guest: Guest) -> IPv6Interface | None:
    with guest.namespace.entered(), RouteSocket() as route:
        link = find_link(route, guest.device)
        found = dump_addresses(route).get(link.index, set()) if link else set()
    return next((one for one in found if isinstance(one, IPv6Interface) and not one.ip.is_link_local), None)


def _run(guest: Guest, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    with guest.namespace.entered():
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )


def _until(look: Callable[[], Found | None]) -> Found | None:
    """What `look` finds, asked for again until PATIENCE is over."""
    deadline = time.monotonic() + PATIENCE
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(_POLL)
    return found
