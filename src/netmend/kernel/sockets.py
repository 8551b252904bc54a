"""Sockets born inside a network namespace; they keep working, and keep it alive, from outside."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns

_SO_NO_CHECK: Final = 11  # asm-generic/socket.h


_BACKLOG: Final = 128
_IP_FREEBIND: Final = 15  # linux/in.h
_IPV6_FREEBIND: Final = 78  # linux/in6.h


def open_dhcp(namespace: Netns, device: str, port: int = 67) -> socket.socket:
    """The UDP socket of a DHCP server, bound to `device` and `port` inside `namespace`, non-blocking; raises
    KernelError."""
    with opening(namespace, device):
        udp = bound_socket(socket.AF_INET, socket.SOCK_DGRAM, device)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            # No UDP checksum rather than one that a veth leaves to hardware that is not there: clients that read raw
            # frames would see a wrong one (RFC 768 allows none; Neutron has a firewall rule against this).
            udp.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)
            # Beside a dnsmasq of Neutron's, which shares its port so; from then on, this one's is nobody's to share.
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            udp.bind(("0.0.0.0", port))
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
        except BaseException:
            udp.close()
            raise
    return udp


def open_sender(namespace: Netns, device: str) -> socket.socket:
    """A packet socket that only sends frames, by `device` inside `namespace`, non-blocking; raises KernelError."""
    with opening(namespace, device):
        # Protocol 0: it receives nothing, so nothing queues up behind it (packet(7)).
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
        try:
            packet.bind((device, 0))
        except BaseException:
            packet.close()
            raise
    return packet


def open_udp(namespace: Netns, device: str, address: IPv4Address | IPv6Address, port: int) -> socket.socket:
    """A UDP socket bound to `device`, `address` and `port` inside `namespace`, non-blocking; raises KernelError.

    A link-local IPv6 address is that of `device`. The address may be missing as yet (IP_FREEBIND, ip(7)).
    """
    return _open(namespace, device, socket.SOCK_DGRAM, address, port)


def open_listener(namespace: Netns, device: str, address: IPv4Address | IPv6Address, port: int) -> socket.socket:
    """A TCP socket that listens, bound as `open_udp` binds; raises KernelError."""
    listener = _open(namespace, device, socket.SOCK_STREAM, address, port)
    listener.listen(_BACKLOG)
    return listener


def _open(
    namespace: Netns, device: str, kind: socket.SocketKind, address: IPv4Address | IPv6Address, port: int
) -> socket.socket:
    with opening(namespace, device):
        opened = bound_socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, kind, device)
        try:
            if isinstance(address, IPv4Address):
                opened.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
                opened.bind((str(address), port))
            else:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
                scope = socket.if_nametoindex(device) if address.is_link_local else 0
                opened.bind((str(address), port, 0, scope))
        except BaseException:
            opened.close()
            raise
        return opened


def bound_socket(family: socket.AddressFamily, kind: socket.SocketKind, device: str) -> socket.socket:
    """A socket of the namespace of the calling thread, bound to `device`, non-blocking; raises OSError."""
    opened = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    except BaseException:
        opened.close()
        raise
    return opened


@contextmanager
def opening(namespace: Netns, device: str) -> Iterator[None]:
    """Run the block inside `namespace`; what the kernel refuses becomes a KernelError that names the device."""
    with namespace.entered():
        try:
            yield
        except OSError as error:
            raise KernelError("open sockets on", f"{device} in {namespace.label}", error.errno or 0) from error
