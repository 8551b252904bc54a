"""Which multicast messages a netlink socket is woken for: a filter of classic BPF (socket(7), SO_ATTACH_FILTER).

Routes and neighbours change by the thousand a second on some hosts, and few of these changes are of any concern here.
What the kernel drops costs us nothing.
"""

import ctypes
import socket
import struct
from typing import Final

from netmend.kernel.errors import KernelError

RTM_NEWROUTE: Final = 24  # linux/rtnetlink.h
RTM_DELROUTE: Final = 25
RTM_NEWNEIGH: Final = 28
RTM_DELNEIGH: Final = 29
NUD_NOARP: Final = 0x40  # linux/neighbour.h
NUD_PERMANENT: Final = 0x80
AF_BRIDGE: Final = 7  # linux/socket.h: an entry of a bridge's forwarding table

PROTOCOL: Final = 0x6E  # "n": the rtm_protocol of routes of netmend's (linux/rtnetlink.h leaves it free)

_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h
_LOAD_HALF, _LOAD_BYTE = 0x28, 0x30  # linux/bpf_common.h: BPF_LD | BPF_ABS | BPF_H, BPF_B
_JUMP_EQUAL, _JUMP_SET, _RETURN = 0x15, 0x45, 0x06
_INSTRUCTION: Final = struct.Struct("=HBBI")
_TYPE_AT: Final = 4  # of struct nlmsghdr, which is 16 octets long
_TABLE_LOCAL: Final = 255
_ALL: Final = 0xFFFF_FFFF


def _half(value: int) -> int:
    """A 16-bit number of this machine as BPF loads it: big-endian."""
    return int.from_bytes(struct.pack("=H", value), "big")


# Of routes: a new one of eight bits in table local, which is ff00::/8, and shows that IPv6 was switched on on a device;
# one of netmend's own that is gone.
# Of neighbours: those that are gone and were not learned, such as static entries of a bridge; new ones that were not
# learned, but for a bridge's.
_PROGRAM: Final = (
    (_LOAD_HALF, 0, 0, _TYPE_AT),
    (_JUMP_EQUAL, 4, 0, _half(RTM_NEWROUTE)),
    (_JUMP_EQUAL, 7, 0, _half(RTM_DELROUTE)),
    (_JUMP_EQUAL, 10, 0, _half(RTM_NEWNEIGH)),
    (_JUMP_EQUAL, 7, 0, _half(RTM_DELNEIGH)),
    (_RETURN, 0, 0, _ALL),
    (_LOAD_BYTE, 0, 0, 16 + 1),  # rtm_dst_len
    (_JUMP_EQUAL, 0, 10, 8),
    (_LOAD_BYTE, 0, 0, 16 + 4),  # rtm_table
    (_JUMP_EQUAL, 9, 8, _TABLE_LOCAL),
    (_LOAD_BYTE, 0, 0, 16 + 5),  # rtm_protocol
    (_JUMP_EQUAL, 7, 6, PROTOCOL),
    (_LOAD_HALF, 0, 0, 16 + 8),  # ndm_state
    (_JUMP_SET, 5, 4, _half(NUD_NOARP)),
    (_LOAD_BYTE, 0, 0, 16),  # ndm_family
    (_JUMP_EQUAL, 2, 0, AF_BRIDGE),
    (_LOAD_HALF, 0, 0, 16 + 8),  # ndm_state
    (_JUMP_SET, 1, 0, _half(NUD_NOARP | NUD_PERMANENT)),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _ALL),
)


def hear_only_what_concerns(listener: socket.socket) -> None:
    """Let `listener` be woken for every kind of message but routes and neighbours, and of those for few. Raises
    KernelError."""
    code = b"".join(_INSTRUCTION.pack(*instruction) for instruction in _PROGRAM)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP", len(_PROGRAM), ctypes.addressof(buffer))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError as error:
        raise KernelError("listen", "netlink socket", error.errno or 0) from error
