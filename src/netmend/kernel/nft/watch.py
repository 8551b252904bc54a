"""Hearing of changes to a table of nftables (nfnetlink, NFNLGRP_NFTABLES)."""

import struct
from typing import Final

from netmend.kernel.netlink import events_socket, parse_attributes
from netmend.kernel.nft.socket import NFPROTO_BRIDGE, SUBSYSTEM

_NFNLGRP_NFTABLES: Final = 7  # linux/netfilter/nfnetlink.h
_NETLINK_NETFILTER: Final = 12
_AT_A_TIME: Final = 256  # datagrams
_NEWGEN: Final = 15
_HEADER: Final = struct.Struct("=IHHII")


class RulesWatch:
    """Says whether somebody else changed the table called `name` in family bridge."""

    def __init__(self, name: str) -> None:
        """Raises KernelError, where the kernel has no nftables."""
        self._name = name.encode() + b"\0"
        self._socket = events_socket((_NFNLGRP_NFTABLES,), all_namespaces=False, family=_NETLINK_NETFILTER)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self, own: int) -> bool:
        """Whether the table was changed since, by another than the socket with netlink port `own`; True too where
        messages were lost."""
        changed = False
        for _ in range(_AT_A_TIME):
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return changed
            except OSError:  # ENOBUFS
                changed = True
                continue
            changed = changed or self._concerns(data, own)
        return changed

    def close(self) -> None:
        self._socket.close()

    def _concerns(self, data: bytes, own: int) -> bool:
        start = 0
        while start + 20 <= len(data):
            length, kind, _, _, port = _HEADER.unpack_from(data, start)
            if length < 20:
                return False
            is_ours = data[start + 16] == NFPROTO_BRIDGE and kind >> 8 == SUBSYSTEM and kind & 0xFF != _NEWGEN
            # in every object of nftables but a generation, attribute 1 names the table
            if is_ours and port != own and parse_attributes(data, start + 20, start + length).get(1) == self._name:
                return True
            start += (length + 3) & ~3
        return False
