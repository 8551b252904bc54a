"""Sockets born inside a network namespace; they keep working, and keep it alive, from outside."""

import socket
from dataclasses import dataclass
from typing import Final

from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns

_SO_NO_CHECK: Final = 11  # asm-generic/socket.h


@dataclass(frozen=True, slots=True)
class DhcpSockets:
    """What a DHCP server needs on a device: `udp`, bound to it and port 67; `packet`, which only sends frames."""

    udp: socket.socket
    packet: socket.socket

    def close(self) -> None:
        self.udp.close()
        self.packet.close()


def open_dhcp(namespace: Netns, device: str, port: int = 67) -> DhcpSockets:
    """Open both sockets on `device` inside `namespace`, non-blocking; raises KernelError."""
    with namespace.entered():
        try:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            try:
                udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                # No UDP checksum rather than one that a veth leaves to hardware that is not there: clients that read
                # raw frames would see a wrong one (RFC 768 allows none; Neutron has a firewall rule against this).
                udp.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)
                udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
                udp.bind(("0.0.0.0", port))
                # Protocol 0: it receives nothing, so nothing queues up behind it (packet(7)).
                packet = socket.socket(
                    socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0
                )
            except BaseException:
                udp.close()
                raise
            try:
                packet.bind((device, 0))
            except BaseException:
                udp.close()
                packet.close()
                raise
        except OSError as error:
            raise KernelError("open sockets on", f"{device} in {namespace.label}", error.errno or 0) from error
    return DhcpSockets(udp, packet)
