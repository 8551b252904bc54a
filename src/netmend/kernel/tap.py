"""Persistent taps (Documentation/networking/tuntap.rst)."""

import fcntl
import os
import struct
from typing import Final

from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError

TUNSETIFF: Final = 0x400454CA  # linux/if_tun.h
TUNSETPERSIST: Final = 0x400454CB
TUNSETOWNER: Final = 0x400454CC
TUNSETGROUP: Final = 0x400454CE
IFF_TAP: Final = 0x0002
IFF_MULTI_QUEUE: Final = 0x0100
IFF_NO_PI: Final = 0x1000
IFF_VNET_HDR: Final = 0x4000  # what QEMU and libvirt ask for
_DEVICE = "/dev/net/tun"


class Tap:
    """A tap that this process holds: it vanishes with the process unless `persist` is called.

    That is what makes creation atomic: mark it, wire it, and only then let it outlive us.
    """

    def __init__(self, name: str, flags: int = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR) -> None:
        """Make (or attach to) tap `name`; raises KernelError (EBUSY: a process holds it)."""
        self.name = name
        try:
            self._descriptor = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise KernelError("open tun", _DEVICE, error.errno or 0) from error
        request = struct.pack("16sH22x", name.encode(), flags)
        try:
            self._ioctl(TUNSETIFF, request)
        except BaseException:
            self.close()
            raise

    def set_owner(self, uid: int) -> None:
        """Let processes of `uid` attach; raises KernelError."""
        self._ioctl(TUNSETOWNER, uid)

    def set_group(self, gid: int) -> None:
        """Let processes of group `gid` attach; raises KernelError."""
        self._ioctl(TUNSETGROUP, gid)

    def persist(self) -> None:
        """Let the tap outlive this process; raises KernelError."""
        self._ioctl(TUNSETPERSIST, 1)

    def _ioctl(self, request: int, argument: bytes | int) -> None:
        try:
            with changing("create link", self.name):
                fcntl.ioctl(self._descriptor, request, argument)
        except KernelError:
            raise
        except OSError as error:
            raise KernelError("create link", self.name, error.errno or 0) from error

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> "Tap":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
