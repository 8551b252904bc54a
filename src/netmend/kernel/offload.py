"""What a device leaves to hardware (linux/ethtool.h), in the network namespace of the calling thread."""

import ctypes
import fcntl
import socket
import struct
from typing import Final

from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError

_SIOCETHTOOL: Final = 0x8946  # linux/sockios.h
_ETHTOOL_GTXCSUM: Final = 0x16
_ETHTOOL_STXCSUM: Final = 0x17


def leaves_checksums(device: str) -> bool:
    """Whether the device sends packets that leave their checksum to hardware (`ethtool -k`); raises KernelError."""
    return bool(_ethtool(device, _ETHTOOL_GTXCSUM, 0, "read offload of"))


def compute_checksums(device: str) -> None:
    """Let the kernel compute every checksum before it sends (`ethtool -K DEVICE tx off`); raises KernelError."""
    with changing("set offload of", device):
        _ethtool(device, _ETHTOOL_STXCSUM, 0, "set offload of")


def _ethtool(device: str, command: int, value: int, operation: str) -> int:
    argument = ctypes.create_string_buffer(struct.pack("=II", command, value))  # struct ethtool_value
    request = struct.pack("@16sP16x", device.encode(), ctypes.addressof(argument))  # struct ifreq
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
    except OSError as error:
        raise KernelError(operation, device, error.errno or 0) from error
    found: int = struct.unpack("=II", argument.raw[:8])[1]
    return found
