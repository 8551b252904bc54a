"""A port with a tap is for a VM: here its device model is played by a thread that carries frames, as QEMU does, to a
namespace where a real client runs."""

import fcntl
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path

import pytest
from tests.peers.clients import Udhcpc, address
from tests.peers.guests import make_guest, network, port
from tests.peers.kernel_state import kernel_state
from tests.peers.node import Node

from netmend.intent.names import id_from_name, tap_name
from netmend.kernel import links
from netmend.kernel.descriptors import readable
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.tap import IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, TUNSETIFF

MAC = "fa:16:3e:00:20:11"


def _attach(name: str) -> int:
    """Open the tap as QEMU does; a frame is preceded by a virtio_net_hdr of 10 octets."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    return descriptor


@contextmanager
def _virtual_machine(tap: str, guest: Netns) -> Iterator[None]:
    """Join the host's tap and a tap of the guest's namespace, which is the VM's network card."""
    host_end = _attach(tap)
    with guest.entered(), RouteSocket() as route:
        card = _attach("eth0")
        link = links.find_link(route, "eth0")
        assert link is not None
        links.set_link(route, link, mac=MAC, up=True)
    ending_read, ending_write = os.pipe()

    def carry() -> None:
        other = {host_end: card, card: host_end}
        while True:
            ready = readable(host_end, card, ending_read)
            if ending_read in ready:
                return
            for descriptor in ready:
                os.write(other[descriptor], os.read(descriptor, 65_535))

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield
    finally:
        os.write(ending_write, b"!")
        thread.join()
        for descriptor in (host_end, card, ending_read, ending_write):
            os.close(descriptor)


def test_a_vm_on_a_tap_is_served_and_the_tap_outlives_it_and_the_node() -> None:
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        pytest.skip(f"/dev/net/tun cannot be opened: {error.strerror}")
    tap = tap_name(id_from_name("port", "net", "guest"))
    owned = {**port("guest", MAC, "10.20.0.11"), "plug": {"tap": {"owner": 0}}}
    guest = make_guest("vm")
    with Node(network("net", owned)) as node:
        node.wait_until_right()
        with RouteSocket() as route:
            link = links.find_link(route, tap)
            assert link is not None
            assert (link.kind, link.owner, link.up) == ("tun", 0, True)
        before = kernel_state()
        with _virtual_machine(tap, guest):
            client = Udhcpc(guest)
            assert address(client.get()) == IPv4Interface("10.20.0.11/24")
            client.kill()
        assert kernel_state()[""] == before[""]
    assert kernel_state()[""] == before[""], "the node has ended, and its devices have not"
    assert Path(f"/sys/class/net/{tap}/tun_flags").exists() or link.index in before[""][1].values()
