"""A port's `extra_dhcp_opts` (and their tags) to encoded options, as the dnsmasq that Neutron runs takes them.

Names are dnsmasq's or numbers; `netmend.sources.option_tags` says what tags before them mean.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from netmend.intent import Boot
from netmend.options import dnsmasq
from netmend.options.dhcp4 import CLIENT_ID, NEXT_SERVER, client_identifier
from netmend.sources.neutron.names import Raw
from netmend.sources.option_tags import Encoded, TaggedOptions, split_tags


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
    collected = {4: TaggedOptions(4), 6: TaggedOptions(6)}
    allowed = frozenset(versions)
    problems: list[str] = []
    next_server: IPv4Address | None = None
    client_id: bytes | None = None
    for option in options:
        version = int(option.get("ip_version") or 4)
        tags, name = split_tags(str(option.get("opt_name", "")))
        value = str(option.get("opt_value") or "").split("\n", 1)[0]
        if version not in allowed:
            continue
        into = collected[version].chosen(tags)
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
