"""Clients that few guests have, each with ways of its own: NetworkManager, dibbler, KAME's dhcp6c (wide-dhcpv6)."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from tests.peers.clients6 import addresses_of, wait_for_link
from tests.peers.guest_root import GuestRoot
from tests.peers.guests import make_guest, port, run_in
from tests.peers.node import HOME, Document, Node
from tests.waiting import wait_for

from netmend.kernel import mounts
from netmend.kernel.netns import Netns

MAC, FOUR, SIX = "fa:16:3e:00:20:11", "10.20.0.11", "2001:db8:20::11"
LOG = HOME / "client.log"

DIBBLER = "log-level 7\niface eth0 {\n ia\n option dns-server\n option domain\n}\n"
WIDE = "interface eth0 { send ia-na 0; request domain-name-servers; request domain-name; };\nid-assoc na 0 { };\n"
NETWORK_MANAGER = (
    "[main]\nplugins=keyfile\nno-auto-default=*\ndns=default\nrc-manager=file\n[keyfile]\nunmanaged-devices=none\n"
)
CONNECTION = """[connection]
id=eth0
type=ethernet
interface-name=eth0
[ipv4]
method=auto
may-fail=false
[ipv6]
method=auto
may-fail=false
addr-gen-mode=eui64
"""


def network(**six: Any) -> Document:
    subnets = [{"cidr": "10.20.0.0/24", "gateway": "10.20.0.1"}, {"cidr": "2001:db8:20::/64", **six}]
    return {
        "name": "net",
        "dns": {"domain": "net.example"},
        "subnets": subnets,
        "ports": [port("guest", MAC, FOUR, SIX)],
    }


@contextmanager
def running(root: GuestRoot, *command: str) -> Iterator[None]:
    process = root.start(*command, log=LOG)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def explain() -> str:
    return LOG.read_text(errors="replace")[-6000:]


def wait_for_address(guest: Netns) -> None:
    wait_for(lambda: addresses_of(guest).get(IPv6Address(SIX)) is not None, f"{SIX} in the guest", explain)


def test_dibbler() -> None:
    guest = make_guest("guest")
    root = GuestRoot(guest)
    root.write("etc/dibbler/client.conf", DIBBLER)
    root.make("var/lib/dibbler", "var/log/dibbler")
    with Node(network()) as node:
        wait_for_link(guest)
        with running(root, "dibbler-client", "run"):
            wait_for_address(guest)
            told = wait_for(lambda: resolvers(root), "its resolv.conf", explain)
        assert node.status("net")["subnets"][1]["server_address"] in told
        assert "net.example" in told


def test_wide_dhcpv6() -> None:
    guest = make_guest("guest")
    root = GuestRoot(guest)
    root.write("etc/dhcp6c.conf", WIDE)
    root.make("var/lib/dhcpv6", "var/run")
    with Node(network()):
        wait_for_link(guest)
        with running(root, "dhcp6c", "-f", "-D", "-c", "/etc/dhcp6c.conf", "-p", "/run/dhcp6c.pid", "eth0"):
            wait_for_address(guest)


def test_network_manager() -> None:
    """Without D-Bus, as in an initramfs: it sets up the device, IPv4 and IPv6, and ends."""
    guest = make_guest("guest")
    root = GuestRoot(guest)
    root.write("etc/NetworkManager/NetworkManager.conf", NETWORK_MANAGER)
    root.write("etc/NetworkManager/system-connections/eth0.nmconnection", CONNECTION, 0o600)
    root.make("var/lib/NetworkManager", "run/NetworkManager", "var/run")
    mounts.make_read_only(str(root.root / "sys"))  # then it believes that devices are there, without udev
    with Node(network()) as node:
        wait_for_link(guest)
        command = ["NetworkManager", "--debug", "--configure-and-quit=initrd", "--log-level=INFO"]
        with running(root, *command):
            wait_for_address(guest)
            wait_for(lambda: f"{FOUR}/24" in run_in(guest, "busybox", "ip", "addr"), f"{FOUR} in the guest", explain)
            wait_for(lambda: "default via 10.20.0.1" in run_in(guest, "busybox", "ip", "route"), "its route", explain)
            told = wait_for(lambda: resolvers(root), "its resolv.conf", explain)
        own = [subnet["server_address"] for subnet in node.status("net")["subnets"]]
        assert all(address in told for address in own)
        assert "net.example" in told


def resolvers(root: GuestRoot) -> str:
    for name in ("etc/resolv.conf", "run/NetworkManager/resolv.conf"):
        path: Path = root.root / name
        if path.exists() and not path.is_symlink() and "nameserver" in path.read_text():
            return path.read_text()
    return ""
