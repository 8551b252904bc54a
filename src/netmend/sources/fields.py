"""Single fields of an intent: text to value, or a ValueError with a reason for people."""

import re
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    NetmaskValueError,
    ip_address,
    ip_interface,
    ip_network,
)
from socket import AF_INET, inet_pton

from netmend.intent import DnsServer, Pool
from netmend.intent.names import DEVICE_NAME_MAX
from netmend.intent.network import DNS_PORT

MTU_MIN, MTU_MAX = 68, 65_535  # RFC 791 section 3.2; the kernel's ETH_MIN_MTU and ETH_MAX_MTU
LEASE_TIME_MIN, LEASE_TIME_INFINITE = 4, 0xFFFFFFFF  # seconds: T1 < T2 < end needs 4; RFC 2131 section 3.3
NAME_MAX = 255  # characters of a network's, subnet's or port's name; bytes of a file name (namespaces)
BOOTFILE_MAX = 255  # bytes
RATE_MAX = 1_000_000  # queries a second
PREFIX_MIN = 8  # of a subnet; of one address alone, netmend's own is elsewhere

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\]):([0-9]{1,6})")
_POOL = re.compile(r"\s*([0-9.]+)\s*-\s*([0-9.]+)\s*")
_UNUSABLE = tuple(
    (IPv4Network(block), what)
    for block, what in (
        ("0.0.0.0/8", "'this network' (RFC 1122)"),
        ("127.0.0.0/8", "loopback"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "the limited broadcast address"),
    )
)

# Architectures by name, for option 93 (IANA, "Processor Architecture Types" of dhcpv6-parameters).
ARCHITECTURES = {
    "x86-bios": 0,
    "x86-uefi": 6,
    "x64-uefi": 7,
    "ebc": 9,
    "arm32-uefi": 10,
    "arm64-uefi": 11,
    "x86-uefi-http": 15,
    "x64-uefi-http": 16,
    "arm32-uefi-http": 18,
    "arm64-uefi-http": 19,
    "x86-bios-http": 20,
    "riscv32-uefi": 25,
    "riscv32-uefi-http": 26,
    "riscv64-uefi": 27,
    "riscv64-uefi-http": 28,
}


def uuid(text: str) -> str:
    """A UUID in its canonical form: 8-4-4-4-12 hexadecimal digits, lower case."""
    lower = text.lower()
    if _UUID.fullmatch(lower):
        return lower
    raise ValueError(f"{text!r} is no UUID (such as 7f3c1a52-09de-4b1c-8f6e-2d5a90b4c111); leave it out to derive one")


def name(text: str) -> str:
    """The name of a network, subnet or port: 1 to 255 printable characters, no blank around it."""
    if text and text.isprintable() and text == text.strip() and len(text) <= NAME_MAX:
        return text
    if not text or text != text.strip():
        raise ValueError(f"{text!r}: a name is not empty and has no blank around it")
    if len(text) > NAME_MAX:
        raise ValueError(f"{len(text)} characters long; a name has at most {NAME_MAX}")
    raise ValueError(f"{text!r} holds a character that cannot be printed")


def mac(text: str) -> str:
    """A unicast MAC address, lower-case and colon-separated. `-` is accepted in place of `:`."""
    lower = text.lower().replace("-", ":")
    if not _MAC.fullmatch(lower):
        raise ValueError(f"{text!r} is no MAC address (six pairs of hexadecimal digits, such as fa:16:3e:00:00:01)")
    if lower[1] in "13579bdf":
        raise ValueError(f"{text} is a multicast address (its first octet is odd); a port needs a unicast MAC")
    if lower == "00:00:00:00:00:00":
        raise ValueError(f"{text} is no station's address")
    return lower


def address(text: str) -> IPv4Address:
    """An IPv4 address, dotted quad."""
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        if ":" in text:
            raise ValueError(f"{text!r} is an IPv6 address; an IPv4 address is wanted here") from None
        raise ValueError(f"{text!r} is no IPv4 address ({_lower_first(error, text)})") from None


def host_address(text: str) -> IPv4Address:
    """An IPv4 address that a host can have: neither loopback, nor multicast, nor `this network`, nor broadcast."""
    try:
        number = int.from_bytes(inet_pton(AF_INET, text))  # as strict as IPv4Address about text, and much faster
    except (OSError, ValueError):
        number = 0
    if 1 <= number >> 24 <= 126:
        return IPv4Address(number)  # nearly all are
    value = address(text)
    for block, what in _UNUSABLE:
        if value in block:
            raise ValueError(f"{text} is {what}, not a host's address")
    return value


def address_or_block(text: str) -> IPv4Network | IPv6Network:
    """An address, or a block of them, `address/prefix length`, of IPv4 or IPv6."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a block, address/prefix length") from None


def record_address(text: str) -> IPv4Address | IPv6Address:
    """An address that a name may have: any that is no group's and is not unspecified."""
    try:
        value = ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IPv4 or IPv6 address") from None
    if value.is_multicast or value.is_unspecified:
        raise ValueError(f"{text} is no host's address")
    return value


def block(text: str) -> IPv4Network:
    """An IPv4 block, `address/prefix length`, without host bits."""
    if ":" in text:
        raise ValueError(f"{text!r} is an IPv6 block; an IPv4 block is wanted here")
    if "/" not in text:
        raise ValueError(f"{text!r} has no prefix length (such as /24)")
    try:
        value = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError) as error:
        raise ValueError(f"{text!r} is no IPv4 block ({_lower_first(error, text)})") from None
    if str(value.network_address) != text.partition("/")[0]:
        raise ValueError(f"{text} has host bits set; the block is {value}")
    return value


def subnet_block(text: str) -> IPv4Network:
    """A block that guests can live in: /8 to /32 (RFC 3021 for /31), no multicast, loopback or `this network`."""
    value = block(text)
    if value.prefixlen < PREFIX_MIN:
        raise ValueError(f"{text}: a subnet is /{PREFIX_MIN} to /32")
    for unusable, what in _UNUSABLE:
        if value.overlaps(unusable):
            raise ValueError(f"{text} lies in {unusable}, which is {what}")
    return value


def pool(text: str) -> Pool:
    """An inclusive range, `first - last`."""
    match = _POOL.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no pool (two IPv4 addresses, such as 10.0.0.100 - 10.0.0.200)")
    first, last = address(match[1]), address(match[2])
    if first > last:
        raise ValueError(f"{text}: the first address is above the last")
    return Pool(first, last)


def mtu(value: int) -> int:
    """Bytes of an IP packet that the network carries: 68 to 65535."""
    if MTU_MIN <= value <= MTU_MAX:
        return value
    raise ValueError(f"{value} is no MTU: it is {MTU_MIN} (RFC 791) to {MTU_MAX} bytes")


def lease_time(value: int) -> int:
    """Seconds: 4 to 4294967295, which is for ever."""
    if LEASE_TIME_MIN <= value <= LEASE_TIME_INFINITE:
        return value
    raise ValueError(f"{value} is no lease time: it is {LEASE_TIME_MIN} to {LEASE_TIME_INFINITE} (for ever) seconds")


def host_name(text: str) -> str:
    """A host or domain name (RFC 1123 section 2.1); a dot at the end is dropped."""
    value = text.removesuffix(".")
    if not value or len(value) > 253:
        raise ValueError(f"{text!r} is no host or domain name: it has 1 to 253 characters (RFC 1123)")
    for label in value.split("."):
        if not _LABEL.fullmatch(label):
            why = f"the part {label!r} must be 1 to 63 letters, digits and hyphens, with no hyphen first or last"
            if not label.isascii():
                why = f"the part {label!r} is not ASCII; write it in its xn-- form"
            raise ValueError(f"{text!r} is no host or domain name: {why} (RFC 1123)")
    return value


def tftp_server(text: str) -> str:
    """A TFTP server: an IPv4 address or a host name of at most 63 characters (the reply's `sname` field)."""
    if re.fullmatch(r"[0-9.]+", text):
        return str(host_address(text))
    value = host_name(text)
    if len(value) > 63:
        raise ValueError(f"{text!r} is longer than the 63 characters that a DHCP reply holds; give the address")
    return value


def bootfile(text: str) -> str:
    """A boot file's path or URL: 1 to 255 bytes (option 67), no control characters."""
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} is empty or holds a character that cannot be printed")
    if len(text.encode()) > BOOTFILE_MAX:
        raise ValueError(f"{len(text.encode())} bytes long; option 67 holds {BOOTFILE_MAX}")
    return text


def architecture(value: str | int) -> int:
    """A client architecture, by number (0-65535) or by name."""
    if isinstance(value, str):
        if value not in ARCHITECTURES:
            raise ValueError(
                f"{value!r} is no known architecture; give its number, or one of {', '.join(ARCHITECTURES)}"
            )
        return ARCHITECTURES[value]
    if not 0 <= value <= 0xFFFF:
        raise ValueError(f"{value} is no architecture: they are numbered 0 to 65535 (RFC 4578)")
    return value


def device_name(text: str) -> str:
    """A network device's name as the kernel takes it (dev_valid_name in net/core/dev.c), and not `lo`."""
    if len(text.encode(errors="replace")) > DEVICE_NAME_MAX:
        raise ValueError(f"{text!r} is longer than the kernel's {DEVICE_NAME_MAX} characters for a device name")
    if text in ("", ".", "..") or not text.isprintable() or re.search(r"[\s/:%]", text):
        raise ValueError(f"{text!r} is no device name: it has no blank, '/', ':' or '%', and is not '.' or '..'")
    if text == "lo":
        raise ValueError("lo is the loopback device that every namespace has already")
    return text


def namespace_name(text: str) -> str:
    """The name of a guest's namespace: a file name (at most 255 bytes), and none of netmend's own."""
    if text in ("", ".", "..") or "/" in text or not text.isprintable():
        raise ValueError(f"{text!r} is no namespace name: it is a file name, without '/', and not '.' or '..'")
    if len(text.encode()) > NAME_MAX:
        raise ValueError(f"{len(text.encode())} bytes long; a file name has at most {NAME_MAX}")
    if text.startswith(("qdhcp-", "qrouter-")):
        raise ValueError(f"{text}: namespaces named qdhcp- or qrouter- are netmend's own, no guest's")
    return text


def dns_server(text: str) -> DnsServer:
    """A DNS server to ask, by its address, as the host reaches it; loopback too, where many hosts have a resolver. A
    port may follow: `192.0.2.53:5353`, `[2001:db8::53]:5353`."""
    match = _WITH_PORT.fullmatch(text)
    host, port = (match[1] or match[2], int(match[3])) if match else (text, DNS_PORT)
    try:
        value = ip_address(host)
    except ValueError:
        why = "servers to ask are given by their addresses, such as 192.0.2.53 or [2001:db8::53]:5353"
        raise ValueError(f"{text!r} is no IP address; {why}") from None
    if value.is_multicast or value.is_unspecified or value == IPv4Address("255.255.255.255"):
        raise ValueError(f"{text} is no single server's address")
    if not 1 <= port <= 65_535:
        raise ValueError(f"{text}: a port is 1 to 65535")
    return DnsServer(value, port)


def interface(text: str) -> IPv4Interface | IPv6Interface:
    """A host's address with the prefix length of its link, `address/prefix length`, of IPv4 or IPv6."""
    try:
        value = ip_interface(text)
    except ValueError:
        raise ValueError(f"{text!r} is no address with a prefix length (such as 203.0.113.5/24)") from None
    if "/" not in text:
        raise ValueError(f"{text!r} has no prefix length (such as /24)")
    record_address(str(value.ip))
    network = value.network
    if value.version == 4 and network.prefixlen < 31 and value.ip in (network[0], network[-1]):
        which = "network" if value.ip == network[0] else "broadcast"
        raise ValueError(f"{value.ip} is the {which} address of {network}")
    return value


def any_block(text: str) -> IPv4Network | IPv6Network:
    """A block of either version, `address/prefix length`, without host bits."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(str(error)) from None


def port_number(value: int) -> int:
    """A port of TCP or UDP: 1 to 65535."""
    if 1 <= value <= 0xFFFF:
        return value
    raise ValueError(f"{value} is no port (1 to 65535)")


def guest_rate(value: int) -> int:
    """DNS queries a second: 0 (no limit) to 1000000."""
    if 0 <= value <= RATE_MAX:
        return value
    raise ValueError(f"{value} is no rate: it is 0 (no limit) to {RATE_MAX} queries a second")


def _lower_first(error: Exception, text: str) -> str:
    """ipaddress's reason, without the text that the message before it shows already."""
    reason = str(error).removesuffix(f" in {text!r}")
    return reason[:1].lower() + reason[1:]
