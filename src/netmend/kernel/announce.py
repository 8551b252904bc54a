"""Announcing IPv4 addresses to neighbours (gratuitous ARP, RFC 5227 section 3), in the namespace of the calling
thread."""

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Final

_ETH_P_ARP: Final = 0x0806
_EVERYBODY: Final = b"\xff" * 6
_HEAD: Final = struct.pack("!HHBB", 1, 0x0800, 6, 4)  # hardware, protocol, their lengths
_OPERATIONS: Final = (1, 2)  # some neighbours heed requests only, some replies only


def announce(device: str, mac: str, addresses: Iterable[IPv4Address]) -> None:
    """Say to all neighbours on `device` that these addresses are at `mac`. What cannot be sent is not: neighbours ask
    again in time."""
    own = bytes.fromhex(mac.replace(":", ""))
    with suppress(OSError), socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as packet:
        packet.bind((device, 0))
        for address in addresses:
            for operation in _OPERATIONS:
                sender = own + address.packed
                frame = _EVERYBODY + own + struct.pack("!H", _ETH_P_ARP) + _HEAD + struct.pack("!H", operation)
                packet.send(frame + sender + bytes(6) + address.packed)
