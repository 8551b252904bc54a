"""What passes a device, as scapy reads it."""

import socket
import sys
import threading
from dataclasses import dataclass
from typing import Any, Self

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from netmend.kernel.netns import Netns

_ALL = 0x0003  # ETH_P_ALL
_SOL_PACKET, _PACKET_AUXDATA = 263, 8  # linux/socket.h, linux/if_packet.h
_CHECKSUM_NOT_READY = 1 << 3  # TP_STATUS_CSUMNOTREADY: the kernel leaves it to a device, which a veth is not
TYPES = {1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM"}


@dataclass(frozen=True)
class Frame:
    """A frame as the kernel showed it; `has_checksum`: its UDP checksum has been filled in."""

    octets: bytes
    has_checksum: bool


@dataclass(frozen=True)
class Message:
    """A DHCP message on the wire."""

    type: str
    xid: int
    source: str
    destination: str
    ciaddr: str
    yiaddr: str
    options: dict[Any, Any]
    frame: "Frame"


class Capture:
    """Every frame that passes `device` of `namespace` while entered."""

    def __init__(self, namespace: Netns, device: str = "eth0") -> None:
        with namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(_ALL))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            self._socket.bind((device, _ALL))
        self._socket.settimeout(0.05)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.frames: list[Frame] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        while not self._ending.is_set():
            try:
                octets, ancillary, _, _ = self._socket.recvmsg(65_535, 64)
            except TimeoutError:
                continue
            except OSError:  # the device went away, and will not come back to this socket
                return
            ready = all(not int.from_bytes(data[:4], sys.byteorder) & _CHECKSUM_NOT_READY for _, _, data in ancillary)
            self.frames.append(Frame(octets, ready))

    def messages(self, *types: str) -> list[Message]:
        """The DHCP messages so far, in order; of `types` only, if any are named."""
        found = [message for frame in list(self.frames) if (message := _message(frame))]
        return [message for message in found if not types or message.type in types]


def _message(frame: Frame) -> Message | None:
    packet = Ether(frame.octets)
    if DHCP not in packet:
        return None
    options = {entry[0]: entry[1] if len(entry) == 2 else entry[1:] for entry in packet[DHCP].options if len(entry) > 1}
    bootp, ip = packet[BOOTP], packet[IP]
    return Message(
        TYPES.get(options.get("message-type", 0), "?"),
        bootp.xid,
        ip.src,
        ip.dst,
        bootp.ciaddr,
        bootp.yiaddr,
        options,
        frame,
    )


def problems(frame: Frame) -> list[str]:
    """What scapy finds wrong with a captured reply: checksums, lengths, options that it cannot take apart."""
    packet = Ether(frame.octets)
    found = []
    computed = frame.has_checksum and packet[UDP].chksum != 0  # RFC 768: zero is "none"
    for layer in (IP, UDP) if computed else (IP,):
        again = Ether(frame.octets)
        del again[layer].chksum
        right = Ether(bytes(again))[layer].chksum
        if packet[layer].chksum != right:
            found.append(f"{layer.__name__} checksum {packet[layer].chksum:#06x}, should be {right:#06x}")
    if packet[IP].len != len(bytes(packet[IP])) or packet[UDP].len != len(bytes(packet[UDP])):
        found.append("a length field is wrong")
    if packet[BOOTP].op != 2 or bytes(packet[BOOTP].options)[:4] != b"c\x82Sc":
        found.append("not a BOOTREPLY with the magic cookie")
    options = packet[DHCP].options
    found += [f"option {entry!r} cannot be read" for entry in options if not isinstance(entry, (tuple, str))]
    if "end" not in options or any(entry != "pad" for entry in options[options.index("end") + 1 :]):
        found.append("the options do not end with END")
    if "server_id" not in {entry[0] for entry in options if isinstance(entry, tuple)}:
        found.append("no server identifier")
    return found
