"""Tags before the name of a port's extra option (`tag:ipxe,67`, `tag:!ipxe,67`), which make it conditional.

They mean what they mean to the dnsmasq that Neutron runs: with `--dhcp-match=set:ipxe,175` and
`--dhcp-userclass=set:ipxe6,iPXE`, no other tag can be set, so that what asks for another one is never sent, and what
forbids it always is.
"""

from collections.abc import Iterable

from msgspec import Struct, field

Encoded = tuple[tuple[int, bytes], ...]

_ALWAYS_SET = frozenset(("known", "dhcpv6"))
_IPXE = {4: "ipxe", 6: "ipxe6"}


class TaggedOptions(Struct):
    """Options of one IP version by code: for everybody, and for clients that are iPXE or are not."""

    version: int
    plain: dict[int, bytes] = field(default_factory=dict)
    ipxe: dict[int, bytes] = field(default_factory=dict)
    not_ipxe: dict[int, bytes] = field(default_factory=dict)

    def chosen(self, tags: Iterable[str]) -> dict[int, bytes] | None:
        """The place of an option with these tags; None when it is never sent."""
        into = self.plain
        for tag in tags:
            name, negated = tag.removeprefix("!"), tag.startswith("!")
            if name == _IPXE[self.version]:
                into = self.not_ipxe if negated else self.ipxe
            elif negated is (name in _ALWAYS_SET):
                return None
        return into

    def encoded(self, forced: Iterable[tuple[int, bytes]] = ()) -> tuple[Encoded, Encoded]:
        """The options, and those that win where the client is iPXE. Options with more tags win over plain ones, as
        dnsmasq has it; those of the port over what is `forced` on all."""
        base = {**dict(forced), **self.plain}
        ipxe = {code: base.get(code, b"") for code in self.not_ipxe} | self.ipxe
        return tuple((base | self.not_ipxe).items()), tuple(ipxe.items())


def split_tags(name: str) -> tuple[list[str], str]:
    """Tags, and the name behind them, without dnsmasq's `option:` and `option6:`."""
    *tags, last = name.split("\n", 1)[0].split(",")
    last = last.strip().removeprefix("option:").removeprefix("option6:")
    return [tag.strip().removeprefix("tag:") for tag in tags], last


def is_only_for_ipxe(tags: Iterable[str]) -> bool:
    """Whether an option of DHCPv4 with these tags is one for iPXE alone."""
    return list(tags) == [_IPXE[4]]
