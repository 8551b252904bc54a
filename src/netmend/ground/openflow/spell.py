"""Single values of fields as ovs-ofctl(8) prints them."""

from ipaddress import IPv4Address, IPv6Address

from netmend.ground.openflow.actions import PORT_NAMES
from netmend.ground.openflow.fields import CT_STATES, TCP_FLAGS, Field

_FRAGMENTS = {(0, 3): "no", (1, 3): "first", (1, 1): "yes", (3, 3): "later", (0, 2): "not_later"}


def mac(value: int) -> str:
    return value.to_bytes(6, "big").hex(":")


def port(number: int) -> str:
    return PORT_NAMES.get(number) or str(number)


def flags(value: int, mask: int, names: tuple[str, ...]) -> str:
    """Bits that must be there with a plus, those that must not with a minus."""
    return "".join(
        ("+" if value >> bit & 1 else "-") + name for bit, name in enumerate(names) if mask >> bit & 1
    )  # fmt: skip


def masked(field: Field, value: int, mask: int) -> str:
    """A value with its mask, where it has one; a block of addresses by the length of its prefix."""
    whole = mask == field.whole
    match field.shape:
        case "mac":
            return mac(value) if whole else f"{mac(value)}/{mac(mask)}"
        case "ipv4" | "ipv6":
            return _address(field, value, mask)
        case "port":
            return port(value) if whole else f"{value}/{mask:#x}"
        case "ct_state":
            return flags(value, mask, CT_STATES)
        case "tcp_flags":
            return flags(value, mask, TCP_FLAGS)
        case "frag":
            return _FRAGMENTS.get((value, mask), f"{value}/{mask}")
        case "decimal":
            return str(value) if whole else f"{value:#x}/{mask:#x}"
        case "hex":
            return hexadecimal(value) if whole else f"{hexadecimal(value)}/{mask:#x}"


def hexadecimal(value: int) -> str:
    """As printf's `%#x` has it: zero bears no prefix."""
    return f"{value:#x}" if value else "0"


def _address(field: Field, value: int, mask: int) -> str:
    kind = IPv4Address if field.shape == "ipv4" else IPv6Address
    if mask == field.whole:
        return str(kind(value))
    inverse = mask ^ field.whole
    if inverse & (inverse + 1) == 0:  # the mask is a prefix
        return f"{kind(value)}/{field.bits - inverse.bit_length()}"
    return f"{kind(value)}/{kind(mask)}"
