"""Frames as scapy's decoder, which recomputes checksums, finds them."""

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from netmend.services.dhcp4.frames import udp_frame

octets4 = st.binary(min_size=4, max_size=4)
octets6 = st.binary(min_size=6, max_size=6)
ports = st.integers(1, 65_535)


@given(octets6, octets6, st.tuples(octets4, ports), st.tuples(octets4, ports), st.binary(max_size=1472))
def test_a_frame_is_well_formed(
    source_mac: bytes, mac: bytes, source: tuple[bytes, int], destination: tuple[bytes, int], payload: bytes
) -> None:
    frame = Ether(udp_frame(source_mac, mac, source, destination, payload))
    assert bytes.fromhex(frame.src.replace(":", "")) == source_mac
    assert bytes.fromhex(frame.dst.replace(":", "")) == mac
    assert (frame[UDP].sport, frame[UDP].dport) == (source[1], destination[1])
    assert bytes(frame[UDP].payload) == payload
    assert frame[IP].len == 28 + len(payload)
    received = frame[IP].chksum, frame[UDP].chksum
    del frame[IP].chksum, frame[UDP].chksum
    computed = Ether(bytes(frame))
    # 0 and 0xffff are the same in one's complement arithmetic; for UDP only 0xffff is a checksum (RFC 768).
    assert received[0] % 0xFFFF == computed[IP].chksum % 0xFFFF
    assert received[1] == (computed[UDP].chksum or 0xFFFF)


def test_a_udp_checksum_of_zero_is_sent_as_ffff() -> None:
    frames = (
        udp_frame(bytes(6), bytes(6), (bytes(4), 67), (bytes(4), 68), filler.to_bytes(2, "big"))
        for filler in range(65_536)
    )
    assert all(frame[40:42] != b"\0\0" for frame in frames)
