"""Hearing of changes to a table of nftables (nfnetlink, NFNLGRP_NFTABLES)."""

import struct
from collections.abc import Container, Iterable
from typing import Final, Literal

from netmend.ground.nftables import FAMILY_BRIDGE
from netmend.kernel.netlink import events_socket, namespace_of, parse_attributes
from netmend.kernel.nft.socket import SUBSYSTEM

_NFNLGRP_NFTABLES: Final = 7  # linux/netfilter/nfnetlink.h
_NETLINK_NETFILTER: Final = 12
_AT_A_TIME: Final = 256  # datagrams
_NEWGEN: Final = 15
_HEADER: Final = struct.Struct("=IHHII")


class RulesWatch:
    """Says whether somebody else changed a table with one of `names` in one of `families`, here or in a namespace at
    the far end of a veth."""

    def __init__(self, names: Iterable[str], families: Container[int] = (FAMILY_BRIDGE,)) -> None:
        """Raises KernelError, where the kernel has no nftables."""
        self._names, self._families = {name.encode() + b"\0" for name in names}, families
        self._socket = events_socket((_NFNLGRP_NFTABLES,), all_namespaces=True, family=_NETLINK_NETFILTER)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self, own: Container[int]) -> set[int | Literal["lost"] | None]:
        """Ids of the namespaces whose table was changed since, None for this one; there, by another than the sockets
        with netlink ports `own`. "lost" is among them where messages were lost."""
        changed: set[int | Literal["lost"] | None] = set()
        for _ in range(_AT_A_TIME):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(1 << 16, 64)
            except BlockingIOError:
                return changed
            except OSError:  # ENOBUFS
                changed.add("lost")
                continue
            netnsid = namespace_of(ancillary)
            if netnsid not in changed and self._concerns(data, own if netnsid is None else ()):
                changed.add(netnsid)
        return changed

    def close(self) -> None:
        self._socket.close()

    def _concerns(self, data: bytes, own: Container[int]) -> bool:
        start = 0
        while start + 20 <= len(data):
            length, kind, _, _, port = _HEADER.unpack_from(data, start)
            if length < 20:
                return False
            is_ours = data[start + 16] in self._families and kind >> 8 == SUBSYSTEM and kind & 0xFF != _NEWGEN
            # in every object of nftables but a generation, attribute 1 names the table
            if is_ours and port not in own and parse_attributes(data, start + 20, start + length).get(1) in self._names:
                return True
            start += (length + 3) & ~3
        return False
