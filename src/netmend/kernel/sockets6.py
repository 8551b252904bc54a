"""The sockets of DHCPv6 and router discovery on a device.

A packet socket reads DHCPv6 requests and router solicitations with their frames, so that the MAC of their sender is
known: an IPv6 address is easily forged, and a DUID is whatever a guest says. What answers goes out by it too, straight
to that MAC. So no guest, whatever addresses it makes up, can fill the kernel's table of neighbours, which all
namespaces of the host share (net.ipv6.neigh.default.gc_thresh3).

A UDP socket joins the groups (so that switches which look at MLD send their packets here), and holds the port, so that
nobody is told that it is unreachable; a filter keeps it empty.
"""

import ctypes
import socket
import struct
from typing import Final

from netmend.kernel.netns import Netns
from netmend.kernel.sockets import bound_socket, opening

DHCP_PORT: Final = 547
_GROUPS: Final = ("ff02::1:2", "ff05::1:3", "ff02::2")  # RFC 8415 section 7.1 (relays and servers, servers); routers

_ETH_P_IPV6: Final = 0x86DD  # linux/if_ether.h
_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30  # BPF_LD | BPF_ABS and a size, linux/filter.h
_JUMP_EQUAL, _JUMP_ABOVE, _RETURN = 0x15, 0x25, 0x06
_PACKET_TYPE: Final = 0xFFFFF000 + 4  # SKF_AD_OFF + SKF_AD_PKTTYPE
_PACKET_MULTICAST: Final = 2  # linux/if_packet.h: what is above is others', or our own
_ALL: Final = 0xFFFF

_Program = tuple[tuple[int, int, int, int], ...]  # code, jumps if true and if false, operand

_QUESTIONS: Final[_Program] = (
    (_LOAD_WORD, 0, 0, _PACKET_TYPE),
    (_JUMP_ABOVE, 7, 0, _PACKET_MULTICAST),
    (_LOAD_BYTE, 0, 0, 14 + 6),  # next header
    (_JUMP_EQUAL, 3, 0, 17),  # UDP
    (_JUMP_EQUAL, 0, 4, 58),  # ICMPv6
    (_LOAD_BYTE, 0, 0, 14 + 40),  # type
    (_JUMP_EQUAL, 3, 2, 133),  # router solicitation
    (_LOAD_HALF, 0, 0, 14 + 40 + 2),  # destination port
    (_JUMP_EQUAL, 1, 0, DHCP_PORT),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _ALL),
)
_NOTHING: Final[_Program] = ((_RETURN, 0, 0, 0),)


def open_groups(namespace: Netns, device: str) -> socket.socket:
    """The socket that joins the groups and holds the port on `device` inside `namespace`, non-blocking; raises
    KernelError."""
    with opening(namespace, device):
        groups = bound_socket(socket.AF_INET6, socket.SOCK_DGRAM, device)
        try:
            _attach(groups, _NOTHING)
            groups.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            groups.bind(("::", DHCP_PORT))
            index = socket.if_nametoindex(device)
            for group in _GROUPS:
                request = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index)
                groups.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        except BaseException:
            groups.close()
            raise
    return groups


def open_questions(namespace: Netns, device: str) -> socket.socket:
    """The packet socket that reads questions and sends answers, whole Ethernet frames, on `device` inside `namespace`,
    non-blocking; raises KernelError."""
    with opening(namespace, device):
        # Protocol 0: it receives nothing before it has its filter (packet(7)).
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
        try:
            _attach(packet, _QUESTIONS)
            packet.bind((device, _ETH_P_IPV6))
        except BaseException:
            packet.close()
            raise
    return packet


def _attach(opened: socket.socket, program: _Program) -> None:
    """Let a socket receive only what a program of the classic packet filter accepts."""
    instructions = b"".join(struct.pack("@HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))  # lives until the kernel has copied it
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(buffer)))
