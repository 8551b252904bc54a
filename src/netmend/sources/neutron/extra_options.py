"""A port's `extra_dhcp_opts` (and their tags) to encoded options, as the dnsmasq that Neutron runs takes them.

Names are dnsmasq's or numbers. A tag before the name (`tag:ipxe,67`, `tag:!ipxe,67`) makes an option conditional.
dnsmasq runs with `--dhcp-match=set:ipxe,175` and `--dhcp-userclass=set:ipxe6,iPXE`; no other tag can be set, so that
what asks for another one is never sent, and what forbids it always is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from netmend.intent import Boot
from netmend.options import dnsmasq
from netmend.options.dhcp4 import CLIENT_ID, NEXT_SERVER, client_identifier
from netmend.sources.neutron.names import Raw

Encoded = tuple[tuple[int, bytes], ...]

_ALWAYS_SET = frozenset(("known", "dhcpv6"))
_IPXE = {4: "ipxe", 6: "ipxe6"}


@dataclass(slots=True)
class _Collected:
    """Options of one IP version by code: for everybody, and for clients that are iPXE or are not."""

    plain: dict[int, bytes] = field(default_factory=dict)
    ipxe: dict[int, bytes] = field(default_factory=dict)
    not_ipxe: dict[int, bytes] = field(default_factory=dict)

    def encoded(self, forced: Iterable[tuple[int, bytes]]) -> tuple[Encoded, Encoded]:
        """The options, and those that win where the client is iPXE. Options with more tags win over plain ones, as
        dnsmasq has it; those of the port over what is `forced` on all."""
        base = {**dict(forced), **self.plain}
        ipxe = {code: base.get(code, b"") for code in self.not_ipxe} | self.ipxe
        return tuple((base | self.not_ipxe).items()), tuple(ipxe.items())


@dataclass(frozen=True, slots=True)
class ExtraOptions:
    """The options of a port as values; `problems` are sentences about those that cannot be sent."""

    dhcp_options: Encoded = ()
    ipxe_dhcp_options: Encoded = ()
    dhcp6_options: Encoded = ()
    ipxe_dhcp6_options: Encoded = ()
    boot: Boot | None = None
    client_id: bytes | None = None  # the guest is known by it beside its MAC, as dnsmasq has it
    problems: tuple[str, ...] = ()


def extra_options(
    options: Iterable[Raw],
    versions: Iterable[int],
    forced: Iterable[tuple[int, bytes]] = (),
    forced6: Iterable[tuple[int, bytes]] = (),
) -> ExtraOptions:
    """`versions` are the IP versions of the port's addresses: an option of another one does not apply."""
    collected = {4: _Collected(), 6: _Collected()}
    allowed = frozenset(versions)
    problems: list[str] = []
    next_server: IPv4Address | None = None
    client_id: bytes | None = None
    for option in options:
        version = int(option.get("ip_version") or 4)
        tags, name = _split(str(option.get("opt_name", "")))
        value = str(option.get("opt_value") or "").split("\n", 1)[0]
        if version not in allowed:
            continue
        into = _chosen(collected[version], tags, _IPXE[version])
        if into is None:
            continue
        try:
            if name in CLIENT_ID:
                client_id = client_identifier(value) if version == 4 else client_id
                continue
            if name in NEXT_SERVER and version == 4:
                next_server = IPv4Address(value)
                continue
            code, payload = (dnsmasq.encode4 if version == 4 else dnsmasq.encode6)(name, value)
        except ValueError as error:
            problems.append(f"extra DHCP option {option.get('opt_name')}: {error}")
            continue
        into[code] = payload
    plain, ipxe = collected[4].encoded(forced)
    plain6, ipxe6 = collected[6].encoded(forced6)
    boot = Boot(next_server=str(next_server)) if next_server else None
    return ExtraOptions(plain, ipxe, plain6, ipxe6, boot, client_id, tuple(problems))


def _split(name: str) -> tuple[list[str], str]:
    """Tags, and the name behind them, without dnsmasq's `option:` and `option6:`."""
    *tags, last = name.split("\n", 1)[0].split(",")
    last = last.strip().removeprefix("option:").removeprefix("option6:")
    return [tag.strip().removeprefix("tag:") for tag in tags], last


def _chosen(collected: _Collected, tags: Iterable[str], ipxe: str) -> dict[int, bytes] | None:
    """The place of an option with these tags; None when it is never sent."""
    into = collected.plain
    for tag in tags:
        name, negated = tag.removeprefix("!"), tag.startswith("!")
        if name == ipxe:
            into = collected.not_ipxe if negated else collected.ipxe
        elif negated is (name in _ALWAYS_SET):
            return None
    return into
