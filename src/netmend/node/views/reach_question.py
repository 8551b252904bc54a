"""What is asked about reachability: who, whom, and by which protocol, as texts of a query."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Literal

from netmend.firewall.packet import ICMP, ICMPV6, TCP, UDP, WITH_PORTS
from netmend.firewall.words import name_of_protocol
from netmend.intent.network import Intent, Network
from netmend.intent.port import Port

Address = IPv4Address | IPv6Address
WORLD: Final = "world"
_FAR_AWAY: Final[dict[int, Address]] = {  # for documentation: RFC 5737, RFC 3849
    4: IPv4Address("192.0.2.1"),
    6: IPv6Address("2001:db8::1"),
}
_NUMBERS: Final = {"tcp": TCP, "udp": UDP, "icmp": ICMP}
_PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Guest:
    """A port, on its network."""

    network: Network
    port: Port


@dataclass(frozen=True, slots=True)
class Question:
    """Can `start`, a guest or an address in the world beyond the uplinks, reach the address `end`."""

    start: Guest | Address
    end: Address
    protocol: int
    port: int | None  # destination port, where the protocol has any
    is_world: bool = False  # `end` stands for any address in the world

    def __str__(self) -> str:
        """`10.0.0.7 by TCP port 80`."""
        by = name_of_protocol(self.protocol)
        end = f"the world ({self.end})" if self.is_world else str(self.end)
        return f"{end} by {by}" + (f" port {self.port}" if self.port is not None else "")

    @property
    def name(self) -> str:
        """What `start` is called."""
        return self.start.port.name if isinstance(self.start, Guest) else "the world"


def read_question(intent: Intent, query: Mapping[str, str]) -> Question:
    """`from` and `to`: a port's id, name or address, or the world's (`world`, or any address); `protocol`: `tcp`,
    `udp`, `icmp` or a number; `port`. Raises ValueError with a sentence."""
    texts = {name: query.get(name, "").strip() for name in ("from", "to", "protocol", "port")}
    for name in ("from", "to"):
        if not texts[name]:
            raise ValueError(f"{name}: name a port by its id, name or address, or say {WORLD}")
    protocol = _protocol(texts["protocol"] or "tcp")
    port = None
    if protocol in WITH_PORTS:
        port = _port(texts["port"] or "80")
    elif texts["port"]:
        raise ValueError(f"port: {name_of_protocol(protocol)} has none")
    start, to = _end_of(intent, "from", texts["from"]), _end_of(intent, "to", texts["to"])
    end = _read_address(texts["to"]) or _target(start, to)
    if protocol == ICMP and end.version == 6:
        protocol = ICMPV6
    return Question(_FAR_AWAY[end.version] if isinstance(start, str) else start, end, protocol, port, to == WORLD)


def _protocol(text: str) -> int:
    found = _NUMBERS.get(text.lower())
    if found is None and text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255:
        found = int(text)
    if found is None:
        raise ValueError(f"protocol: expected tcp, udp, icmp or a number from 0 to 255, not {text[:40]!r}")
    return found


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= _PORT_MAX):
        raise ValueError(f"port: expected a number from 1 to {_PORT_MAX}, not {text[:40]!r}")
    return int(text)


def _end_of(intent: Intent, name: str, text: str) -> Guest | Address | Literal["world"]:
    if text.lower() == WORLD:
        return "world"
    address = _read_address(text)
    found = [
        Guest(network, port)
        for network in intent.networks.values()
        for port in network.ports.values()
        if text in {port.id, port.name} or address in port.addresses
    ]
    found = [guest for guest in found if guest.port.id == text] or found
    if len(found) > 1:
        shown = ", ".join(f"{guest.port.id} on {guest.network.name}" for guest in found[:4])
        raise ValueError(f"{name}: {len(found)} ports are called {text[:80]}; give the id of one: {shown}")
    if found:
        return found[0]
    if address is None:
        raise ValueError(
            f"{name}: no port has the id, name or address {text[:80]!r}; netmend status NETWORK lists them"
        )
    return address


def _target(start: Guest | Address | str, to: Guest | Address | str) -> Address:
    """The address that is asked for: of a port, one of a version of IP that the start speaks too."""
    versions = {4, 6}
    if isinstance(start, Guest):
        versions = {address.version for address in start.port.addresses}
    elif not isinstance(start, str):
        versions = {start.version}
    if isinstance(to, str):
        return _FAR_AWAY[4 if 4 in versions else 6]
    if not isinstance(to, Guest):
        return to
    own = to.port.addresses
    if not own:
        raise ValueError(f"to: port {to.port.name} of network {to.network.name} has no fixed IP; give its address")
    return next((address for address in own if address.version in versions), own[0])


def _read_address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
