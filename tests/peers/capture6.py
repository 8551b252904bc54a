"""DHCPv6 messages and router advertisements among captured frames, as scapy reads them."""

from dataclasses import dataclass
from typing import Any

from scapy.layers import dhcp6, inet6
from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.peers.capture import Capture, Frame

KINDS = {
    1: "Solicit", 2: "Advertise", 3: "Request", 4: "Confirm", 5: "Renew", 6: "Rebind", 7: "Reply", 8: "Release",
    9: "Decline", 11: "Information-request", 12: "Relay-forward", 13: "Relay-reply",
}  # fmt: skip
REPLIES = ("Advertise", "Reply", "Relay-reply")


@dataclass(frozen=True)
class Message6:
    """A DHCPv6 message on the wire."""

    kind: str
    transaction: bytes
    source: str
    destination: str
    packet: Any  # the frame, as scapy reads it
    frame: Frame

    @property
    def addresses(self) -> list[str]:
        """Every address in it, whatever is said of it."""
        found, layer = [], self.packet
        while layer:
            if isinstance(layer, dhcp6.DHCP6OptIA_NA):
                found += [inner.addr for inner in layer.ianaopts if isinstance(inner, dhcp6.DHCP6OptIAAddress)]
            layer = layer.payload
        return found


def messages6(capture: Capture, *kinds: str) -> list[Message6]:
    """The DHCPv6 messages so far, in order; of `kinds` only, if any are named."""
    found = []
    for frame in list(capture.frames):
        packet = Ether(frame.octets)
        if inet6.IPv6 not in packet or UDP not in packet or packet[UDP].dport not in (546, 547):
            continue
        data = bytes(packet[UDP].payload)
        kind = KINDS.get(data[0], "?") if data else "?"
        if not kinds or kind in kinds:
            ip = packet[inet6.IPv6]
            found.append(Message6(kind, data[1:4], ip.src, ip.dst, packet, frame))
    return found


def advertisements(capture: Capture) -> list[Any]:
    """The router advertisements so far, as scapy reads their IPv6 packets."""
    packets = [Ether(frame.octets) for frame in list(capture.frames)]
    return [packet[inet6.IPv6] for packet in packets if inet6.ICMPv6ND_RA in packet]


def problems6(message: Message6) -> list[str]:
    """What scapy finds wrong with a captured reply: checksum, lengths, options that it cannot take apart."""
    packet, found = message.packet, []
    again = Ether(message.frame.octets)
    del again[UDP].chksum
    right = Ether(bytes(again))[UDP].chksum
    if packet[UDP].chksum != right:
        found.append(f"UDP checksum {packet[UDP].chksum:#06x}, should be {right:#06x}")
    if packet[inet6.IPv6].plen != len(bytes(packet[UDP])) or packet[UDP].len != len(bytes(packet[UDP])):
        found.append("a length field is wrong")
    if Raw in packet:
        found.append(f"octets that are no option: {bytes(packet[Raw])!r}")
    for needed in (dhcp6.DHCP6OptServerId,):
        if message.kind != "Relay-reply" and needed not in packet:
            found.append(f"no {needed.__name__}")
    return found
