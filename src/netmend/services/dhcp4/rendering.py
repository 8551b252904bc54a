"""The options of a reply in wire form: which of them, in which order, and what to do when they do not fit.

Order (RFC 2131 section 4.3.1, RFC 2132 section 9.8): what every reply must carry; the subnet mask, which RFC 2132
section 3.3 wants before the router; then what the client listed in option 55, in its order; then what the operator set
on the port itself although the client did not list it. A client without option 55 gets all there is.

A `Rendering` is made once per kind of question and shared by all ports that get the same answer; `Fitted` is the rare
case of one that must be squeezed into what the client accepts, with `file` and `sname` overloaded (option 52).
"""

from collections.abc import Sequence
from typing import NamedTuple

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options import Ask, Facts, Options, all_options, times
from netmend.services.dhcp4.options.boot import BootChoice, choose

_END = bytes((wire.END,))
_OVERLOAD_SIZE = 3
_MOST = 255  # octets of a part's payload
_PART = 2 + _MOST
_IN_PARTS = frozenset((119, 120, 121))  # that every client joins: RFC 3397, RFC 3361, RFC 3442


class Rendering(NamedTuple):
    """Encoded options around the place of the host name, and the boot fields of the header."""

    head: bytes
    named: bool  # whether there is such a place; all is `head` otherwise
    tail: bytes
    siaddr: bytes
    names: bytes  # sname and file, 192 octets
    required: int  # how many of `parts` every reply must carry
    parts: tuple[bytes | None, ...]  # encoded options in order; None is the place of the host name
    boot_parts: tuple[bytes, ...]  # options 66 and 67, should the header's fields be needed for options


class Fitted(NamedTuple):
    """A reply's options made to fit."""

    names: bytes
    options: bytes


def render(facts: Facts, server: bytes) -> Rendering:
    """Everything a reply says to a question like `facts.ask`, without what is echoed."""
    options, choice = all_options(facts), choose(facts)
    required = _required(options, facts.ask, server)
    codes = _order(options, facts.ask, choice, facts.explicit)
    parts: list[bytes | None] = [wire.encode_option(code, payload) for code, payload in required]
    for code in codes:
        parts.append(wire.encode_option(code, options[code]) if code in options else None)
    named = None in parts
    slot = parts.index(None) if named else len(parts)
    return Rendering(
        b"".join(part for part in parts[:slot] if part),
        named,
        b"".join(part for part in parts[slot:] if part),
        choice.siaddr,
        choice.sname.ljust(wire.SNAME_SIZE, b"\0") + choice.file.ljust(wire.FILE_SIZE, b"\0"),
        len(required),
        tuple(parts),
        tuple(
            wire.encode_option(code, payload)
            for code, payload in ((wire.TFTP_SERVER_NAME, choice.sname), (wire.BOOTFILE_NAME, choice.file))
            if payload and code not in codes
        ),
    )


def _required(options: Options, ask: Ask, server: bytes) -> list[tuple[int, bytes]]:
    """Table 3 of RFC 2131: the options that a reply must carry."""
    result = [(wire.MESSAGE_TYPE, bytes((ask.reply,))), (wire.SERVER_IDENTIFIER, server)]
    return result + [(code, options[code]) for code in times.LEASE_TIMES if code in options]


def _order(options: Options, ask: Ask, choice: BootChoice, explicit: Options) -> list[int]:
    """Codes after the required ones, each once; the host name's is in it although `options` may lack it."""
    wanted = options if ask.wanted is None else ask.wanted
    codes = [wire.SUBNET_MASK, *wanted, *explicit]
    if ask.wanted is None:
        codes.append(wire.HOST_NAME)
    offer_of_auto_configuration = ask.auto_configure and ask.reply == wire.MessageType.OFFER
    if offer_of_auto_configuration:
        codes.append(wire.AUTO_CONFIGURE)
    if ask.http_boot:
        codes.append(wire.VENDOR_CLASS)
    if choice.bootfile != choice.file:
        codes.append(wire.BOOTFILE_NAME)
    if choice.server != choice.sname and not choice.is_in_siaddr:
        codes.append(wire.TFTP_SERVER_NAME)
    left_out = {wire.MESSAGE_TYPE, wire.SERVER_IDENTIFIER, *times.LEASE_TIMES}
    if wire.V6_ONLY_PREFERRED not in (ask.wanted or b""):  # RFC 8925 section 3.3
        left_out.add(wire.V6_ONLY_PREFERRED)
    if not offer_of_auto_configuration:  # RFC 2563 section 3
        left_out.add(wire.AUTO_CONFIGURE)
    return [
        code
        for code in dict.fromkeys(codes)
        if code not in left_out and (code in options or (code == wire.HOST_NAME and code not in explicit))
    ]


def fit(rendering: Rendering, hostname: bytes, trailer: bytes, limit: int) -> Fitted | None:
    """The options of a reply of at most `limit` octets of UDP payload; None when not even the required ones fit.

    What does not fit into the options field goes to `file` and `sname` (RFC 2131 section 4.1); a long option goes there
    in parts, where it fits nowhere whole (RFC 3396 section 5); and when these are full, what stands last is left out.
    `trailer` (what is echoed, and END) always stays last in the options field.
    """
    parts = [hostname if part is None else part for part in rendering.parts]
    required, rest = parts[: rendering.required], [*rendering.boot_parts, *parts[rendering.required :]]
    room = limit - wire.OPTIONS_AT - len(trailer) - _OVERLOAD_SIZE - sum(map(len, required))
    if room < 0:
        return None
    options, file, sname = bytearray(b"".join(required)), bytearray(), bytearray()
    areas = ((options, len(options) + room), (file, wire.FILE_SIZE - 1), (sname, wire.SNAME_SIZE - 1))
    for part in rest:
        for area, size in areas:
            if len(area) + len(part) <= size:
                area.extend(part)
                break
        else:
            if len(part) > _PART or part[0] in _IN_PARTS:
                _spread(part, areas)
    overload = (1 if file else 0) | (2 if sname else 0)
    if overload:
        options += wire.encode_option(wire.OVERLOAD, bytes((overload,)))
    names = (bytes(sname) + _END).ljust(wire.SNAME_SIZE, b"\0") if sname else rendering.names[: wire.SNAME_SIZE]
    names += (bytes(file) + _END).ljust(wire.FILE_SIZE, b"\0") if file else rendering.names[wire.SNAME_SIZE :]
    return Fitted(names, bytes(options) + trailer)


def _spread(encoded: bytes, areas: Sequence[tuple[bytearray, int]]) -> None:
    """Put an encoded option into the areas, in parts, in the order in which a client joins them; nowhere if it has too
    little room there. Each area may have so many octets in all."""
    payload, at = bytearray(), 0
    while at < len(encoded):
        payload += encoded[at + 2 : at + 2 + encoded[at + 1]]
        at += 2 + encoded[at + 1]
    rooms = [size - len(area) for area, size in areas]
    if sum(room // _PART * _MOST + max(0, room % _PART - 2) for room in rooms) < len(payload):
        return
    for (area, _), room in zip(areas, rooms, strict=True):
        left = room
        while payload and left > 2:
            part = payload[: min(_MOST, left - 2)]
            area.extend((encoded[0], len(part), *part))
            del payload[: len(part)]
            left -= 2 + len(part)


def refusal(server: bytes, text: str) -> bytes:
    """The options of a NAK (RFC 2131 table 3): no more than type, server identifier and a message for people."""
    parts = (
        (wire.MESSAGE_TYPE, bytes((wire.MessageType.NAK,))),
        (wire.SERVER_IDENTIFIER, server),
        (wire.MESSAGE, text.encode()),
    )
    return b"".join(wire.encode_option(code, payload) for code, payload in parts)
