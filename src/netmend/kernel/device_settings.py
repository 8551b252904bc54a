"""Settings of a device by name, as the kernel shows them in a dump of links and takes them by netlink or sysctl.

A name is `<area>.<setting>`. Areas: `ipv4` and `ipv6` are the device's sysctls (Documentation/networking/
ip-sysctl.rst), `bridge` those of a bridge and `port` those of a port of a bridge (ip-link(8)). All are in the message
of a link that RTM_GETLINK gives anyway, so to look at them costs no call (linux/if_link.h, linux/ip.h, linux/ipv6.h).
"""

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct

from netmend.kernel.netlink import attribute, nested, parse_attributes, text, u8, u32

IFLA_LINKINFO: Final = 18  # linux/if_link.h
IFLA_AF_SPEC: Final = 26
IFLA_INFO_KIND: Final = 1
IFLA_INFO_DATA: Final = 2
IFLA_INFO_SLAVE_KIND: Final = 4
IFLA_INFO_SLAVE_DATA: Final = 5
IFLA_INET_CONF: Final = 1
IFLA_INET6_CONF: Final = 2
IFLA_INET6_ADDR_GEN_MODE: Final = 8
_AF_INET: Final = 2
_AF_INET6: Final = 10
_FAMILY_HEADER: Final = 16  # octets of struct ifinfomsg

_TYPE_MASK: Final = 0x3FFF  # less NLA_F_NESTED and NLA_F_NET_BYTEORDER

# linux/ip.h counts from 1, and so does IFLA_INET_CONF when it is set; linux/ipv6.h counts from 0.
_IPV4: Final = {
    "forwarding": 1, "proxy_arp": 3, "accept_redirects": 4, "rp_filter": 8, "arp_ignore": 19, "accept_local": 23,
    "proxy_arp_pvlan": 25, "route_localnet": 26, "bc_forwarding": 32,
}  # fmt: skip
_IPV6: Final = {
    "forwarding": 0, "accept_ra": 3, "accept_redirects": 4, "proxy_ndp": 22, "disable_ipv6": 26, "addr_gen_mode": 47,
}  # fmt: skip
# IFLA_BR_* and IFLA_BRPORT_*: number and octets
_BRIDGE: Final = {
    "ageing_time": (4, 4), "stp_state": (5, 4), "vlan_filtering": (7, 1), "group_fwd_mask": (9, 2),
    "mcast_snooping": (23, 1), "mcast_querier": (25, 1), "fdb_max_learned": (49, 4),
    "nf_call_iptables": (36, 1), "nf_call_ip6tables": (37, 1),
}  # fmt: skip
_PORT: Final = {
    "state": (1, 1), "hairpin": (4, 1), "root_block": (6, 1), "learning": (8, 1), "flood": (9, 1), "proxy_arp": (10, 1),
    "proxy_arp_wifi": (12, 1), "mcast_flood": (27, 1), "bcast_flood": (30, 1), "group_fwd_mask": (31, 2),
    "neigh_suppress": (32, 1), "isolated": (33, 1), "locked": (39, 1),
}  # fmt: skip
_PATTERNS_MAX: Final = 256  # lengths of messages: names and marks are of few lengths
_SAME_LENGTH_MAX: Final = 3
_patterns: dict[tuple[int, tuple[tuple[str, int], ...]], tuple[tuple[int, int], ...]] = {}
_PACK: Final = {1: "=B", 2: "=H", 4: "=I"}


class _Places(Struct, frozen=True):
    """Where a set of settings stands in the message of a link: every name with its index or attribute number."""

    ipv4: tuple[tuple[str, int], ...]
    ipv6: tuple[tuple[str, int], ...]
    bridge: tuple[tuple[str, int], ...]
    port: tuple[tuple[str, int], ...]


@lru_cache(maxsize=32)
def _places(names: tuple[str, ...]) -> _Places:
    areas: dict[str, list[tuple[str, int]]] = {"ipv4": [], "ipv6": [], "bridge": [], "port": []}
    for name in names:
        area, _, setting = name.partition(".")
        number = {
            "ipv4": lambda setting: _IPV4[setting] - 1,
            "ipv6": lambda setting: _IPV6[setting],
            "bridge": lambda setting: _BRIDGE[setting][0],
            "port": lambda setting: _PORT[setting][0],
        }[area](setting)
        areas[area].append((name, number))
    return _Places(*(tuple(areas[area]) for area in ("ipv4", "ipv6", "bridge", "port")))


def read_settings(data: bytes, names: Iterable[str]) -> dict[str, int]:
    """Those of `names` that the body of an RTM_NEWLINK message tells: fewer, where the kernel or the device has no such
    setting (a device without IPv6, one that is no bridge's port)."""
    places = _places(tuple(names))
    attributes = parse_attributes(data, _FAMILY_HEADER)
    found: dict[str, int] = {}
    if places.ipv4 or places.ipv6:
        families = parse_attributes(attributes.get(IFLA_AF_SPEC, b""))
        _read_array(families.get(_AF_INET), IFLA_INET_CONF, places.ipv4, found)
        _read_array(families.get(_AF_INET6), IFLA_INET6_CONF, places.ipv6, found)
    if places.bridge or places.port:
        info = parse_attributes(attributes.get(IFLA_LINKINFO, b""))
        _read_attributes(info.get(IFLA_INFO_DATA), places.bridge, found)
        _read_attributes(info.get(IFLA_INFO_SLAVE_DATA), places.port, found)
    return found


def _read_array(family: bytes | None, kind: int, places: tuple[tuple[str, int], ...], found: dict[str, int]) -> None:
    if not family or not places:
        return
    conf = parse_attributes(family).get(kind, b"")
    values = struct.unpack_from(f"={len(conf) // 4}i", conf)
    for name, index in places:
        if index < len(values):
            found[name] = values[index]


def _read_attributes(data: bytes | None, places: tuple[tuple[str, int], ...], found: dict[str, int]) -> None:
    if not data or not places:
        return
    attributes = parse_attributes(data)
    for name, number in places:
        if number in attributes:
            found[name] = int.from_bytes(attributes[number], "little")


def differing_settings(data: bytes, wanted: Mapping[str, int]) -> tuple[str, ...]:
    """Names of those `wanted` that the message of a link shows to be otherwise, in the order of `wanted`.

    Thousands of devices are looked at in each pass, and nearly all are right. So a message that was found right is
    remembered as a pattern: the octets of the settings, and of the headers that say what they are. Whatever fits the
    pattern is right; whatever does not is read, which takes twenty times as long.
    """
    key = (len(data), tuple(wanted.items()))
    patterns = _patterns.get(key, ())
    number = int.from_bytes(data, "little") if patterns else 0
    for mask, value in patterns:
        if number & mask == value:
            return ()
    found = read_settings(data, wanted)
    differs = tuple(name for name, value in wanted.items() if found.get(name, value) != value)
    if not differs and found:
        if len(_patterns) >= _PATTERNS_MAX:
            _patterns.clear()
        mask = _mask(data, _places(tuple(found)))
        _patterns[key] = (*patterns[-_SAME_LENGTH_MAX:], (mask, int.from_bytes(data, "little") & mask))
    return differs


def _mask(data: bytes, places: _Places) -> int:
    """A number with all bits set of those octets of a link's message that hold the settings or lead to them."""
    octets = bytearray(len(data))
    families, info = _enter(data, (_FAMILY_HEADER, len(data)), IFLA_AF_SPEC, octets), None
    for family, kind, chosen in ((_AF_INET, IFLA_INET_CONF, places.ipv4), (_AF_INET6, IFLA_INET6_CONF, places.ipv6)):
        if chosen:
            start, _ = _enter(data, _enter(data, families, family, octets), kind, octets)
            for _, index in chosen:
                octets[start + 4 * index : start + 4 * index + 4] = b"\xff" * 4
    for kind, chosen in ((IFLA_INFO_DATA, places.bridge), (IFLA_INFO_SLAVE_DATA, places.port)):
        if chosen:
            info = info or _enter(data, (_FAMILY_HEADER, len(data)), IFLA_LINKINFO, octets)
            area = _enter(data, info, kind, octets)
            for _, number in chosen:
                start, end = _enter(data, area, number, octets)
                octets[start:end] = b"\xff" * (end - start)
    return int.from_bytes(octets, "little")


def _enter(data: bytes, within: tuple[int, int], kind: int, octets: bytearray) -> tuple[int, int]:
    """Where the payload of the attribute `kind` begins and ends, which is there; its header is marked in `octets`."""
    start, end = within
    while True:
        length, found = struct.unpack_from("=HH", data, start)
        if found & _TYPE_MASK == kind or length < 4 or start + length > end:
            octets[start : start + 4] = b"\xff" * 4
            return start + 4, start + length
        start += (length + 3) & ~3


def needs_sysctl(name: str) -> bool:
    """Whether netlink cannot set it: of IPv6 it takes `addr_gen_mode` only (net/ipv6/addrconf.c, inet6_set_link_af)."""
    return name.startswith("ipv6.") and name != "ipv6.addr_gen_mode"


def encode_settings(settings: Mapping[str, int]) -> bytes:
    """Attributes of an RTM_NEWLINK message that set these; none of them may need a sysctl."""
    ipv4 = [u32(_IPV4[name], value) for name, value in _of(settings, "ipv4")]
    families = [nested(_AF_INET, nested(IFLA_INET_CONF, *ipv4))] if ipv4 else []
    if "ipv6.addr_gen_mode" in settings:
        families.append(nested(_AF_INET6, u8(IFLA_INET6_ADDR_GEN_MODE, settings["ipv6.addr_gen_mode"])))
    body = nested(IFLA_AF_SPEC, *families) if families else b""
    bridge = [_sized(*_BRIDGE[name], value) for name, value in _of(settings, "bridge")]
    port = [_sized(*_PORT[name], value) for name, value in _of(settings, "port")]
    info = [text(IFLA_INFO_KIND, "bridge"), nested(IFLA_INFO_DATA, *bridge)] if bridge else []
    info += [text(IFLA_INFO_SLAVE_KIND, "bridge"), nested(IFLA_INFO_SLAVE_DATA, *port)] if port else []
    return body + nested(IFLA_LINKINFO, *info) if info else body


def _of(settings: Mapping[str, int], area: str) -> list[tuple[str, int]]:
    prefix = area + "."
    return [(name.removeprefix(prefix), value) for name, value in settings.items() if name.startswith(prefix)]


def _sized(number: int, size: int, value: int) -> bytes:
    return attribute(number, struct.pack(_PACK[size], value))
