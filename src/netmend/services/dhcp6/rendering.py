"""The options of a reply in wire form: which of them, and in which order.

What the client listed comes first, in its order (RFC 8415 section 21.7); then what the operator set on the port itself
although the client did not list it. A client that lists nothing gets all there is.

A `Rendering` is made once per kind of question and shared by all ports that get the same answer.
"""

from typing import NamedTuple

from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.options import Facts, all_options
from netmend.services.dhcp6.options.times import one_each

_OWN = frozenset(  # what is the conversation's, whoever asks for it, or the client's (`fqdn`)
    (
        wire.CLIENT_IDENTIFIER,
        wire.SERVER_IDENTIFIER,
        *wire.IDENTITY_ASSOCIATIONS,
        wire.IA_ADDRESS,
        wire.OPTION_REQUEST,
        wire.PREFERENCE,
        wire.RELAY_MESSAGE,
        wire.STATUS_CODE,
        wire.RAPID_COMMIT,
        wire.INTERFACE_ID,
    )
)


class Rendering(NamedTuple):
    """Encoded options: joined, and one by one for a reply that must be cut short."""

    options: bytes
    parts: tuple[bytes, ...]
    name_wanted: bool  # the client has listed option 39, or lists nothing
    name_given: bool  # option 39 is among `parts`, so the port's host name is not to be added


def render(facts: Facts) -> Rendering:
    """Everything that a reply says beside addresses to a question like `facts.ask`."""
    options = all_options(facts)
    codes = [code for code in _order(facts, options) if code in options and code not in _OWN]
    parts = []
    for code in codes:
        payloads = one_each(options[code]) if code == wire.NTP_SERVER else [options[code]]
        parts.append(b"".join(tlv.encode(code, payload) for payload in payloads))
    wanted = facts.ask.wanted is None or wire.CLIENT_FQDN in _listed(facts.ask.wanted)
    return Rendering(b"".join(parts), tuple(parts), wanted, wire.CLIENT_FQDN in codes)


def _order(facts: Facts, options: dict[int, bytes]) -> list[int]:
    wanted = facts.ask.wanted
    if wanted is None:
        return list(options)
    return list(dict.fromkeys((*_listed(wanted), *facts.explicit)))


def _listed(wanted: bytes) -> list[int]:
    return [int.from_bytes(wanted[at : at + 2], "big") for at in range(0, len(wanted), 2)]
