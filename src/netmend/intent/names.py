"""Names and marks of kernel objects, as functions of ids: making a thing twice is finding it (invariants I1, I2).

The names are Neutron's (`qdhcp-`, `tap`, `ns-`, `brq`), so that operators and tools recognise them; the mark on the
object itself is what tells netmend's from all others.
"""

import re
from functools import lru_cache
from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Struct

from netmend.intent.network import DhcpPort, Network, OvnWiring, OvsWiring
from netmend.intent.port import Port

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
DEVICE_NAME_MAX = 15  # IFNAMSIZ - 1, linux/if.h
_PREFIX = 11  # characters of an id that fit behind a three-letter prefix
_OVN_PREFIX = 10  # and before a digit
_NETMEND = uuid5(NAMESPACE_URL, "https://netmend/ids").bytes

DEVICE_GROUP = 0x6E6D6401  # "nmd", 1: set in the very message that creates a device (IFLA_GROUP)
DOOMED_GROUP = DEVICE_GROUP + 1  # devices about to be deleted together
DEVICE_GROUPS = frozenset((DEVICE_GROUP, DOOMED_GROUP))
_MARK = "netmend"
NAMESPACE_PREFIXES = ("qdhcp-", "ovnmeta-")  # of networks that netmend gives DHCP, and of those that OVN does
_naming = {"prefix": NAMESPACE_PREFIXES[0]}


def id_from_name(kind: str, *path: str) -> str:
    """The UUID of an object that intent names but gives no id: `kind` and the names that lead to it."""
    digest = bytearray(sha1(_NETMEND + "\0".join((kind, *path)).encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # version 5 and variant (RFC 9562 section 5.5), as uuid5 makes them: this is
    digest[8] = digest[8] & 0x3F | 0x80  # run for each port, and takes a quarter of uuid5's time
    digits = digest.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@lru_cache(maxsize=16_384)
def dhcp_port_id(network_id: str) -> str:
    """The id of netmend's own port on a network that no control plane gives one: one per network, for ever."""
    return str(uuid5(UUID(network_id), "dhcp"))


def dhcp_port(network: Network) -> DhcpPort:
    """Netmend's own port on `network`."""
    if network.dhcp_port is not None:
        return network.dhcp_port
    port_id = dhcp_port_id(network.id)
    return DhcpPort(port_id, mac_from_id(port_id))


def mac_from_id(port_id: str) -> str:
    """A stable, locally administered unicast MAC: `fa:` and the last 40 bits of the id.

    Neutron's usual base `fa:16:3e` leaves 24 bits, with which some of 65,000 ports would be sure to collide.
    """
    return "fa:" + bytes.fromhex(port_id[-10:]).hex(":")


def namespace_name(network_id: str) -> str:
    return f"{_naming['prefix']}{network_id}"


def network_of_namespace(name: str) -> str | None:
    """The id of the network whose namespace bears this name; None where the name is no network's."""
    network_id = name.removeprefix(_naming["prefix"])
    return None if network_id == name else network_id


def network_of_former_namespace(name: str) -> str | None:
    """The id of the network whose namespace bears this name where netmend serves another kind of control plane; None
    where the name is none of these."""
    for prefix in NAMESPACE_PREFIXES:
        if prefix != _naming["prefix"] and name.startswith(prefix):
            return name.removeprefix(prefix)
    return None


def possible_namespace_names(network_id: str) -> tuple[str, ...]:
    """The names that the namespace of a network has in one process of netmend or another."""
    return tuple(f"{prefix}{network_id}" for prefix in NAMESPACE_PREFIXES)


def name_namespaces(prefix: str) -> None:
    """Choose which of NAMESPACE_PREFIXES this process gives the namespaces of all its networks: a process serves one
    control plane. Called before anything is looked at."""
    if prefix not in NAMESPACE_PREFIXES:
        raise ValueError(f"{prefix} is none of {', '.join(NAMESPACE_PREFIXES)}")
    _naming["prefix"] = prefix


def bridge_name(network_id: str) -> str:
    return f"brq{network_id[:_PREFIX]}"


def tap_name(port_id: str) -> str:
    """The port's device on the host: a tap, or the host's end of a veth."""
    return f"tap{port_id[:_PREFIX]}"


def inner_name(port_id: str) -> str:
    """The namespace's end of the DHCP port's veth."""
    return f"ns-{port_id[:_PREFIX]}"


def own_device_names(network: Network) -> tuple[str, str]:
    """The names of netmend's own port: of its end on the host (or of the switch's port), and of that in the namespace.
    Those of OVN's localport are neutron-ovn-metadata-agent's."""
    if isinstance(network.wiring, OvnWiring):
        stem = f"tap{network.id[:_OVN_PREFIX]}"
        return f"{stem}0", f"{stem}1"
    port_id = dhcp_port(network).id
    outer = tap_name(port_id)
    is_internal = isinstance(network.wiring, OvsWiring) and not network.wiring.veth
    return outer, outer if is_internal else inner_name(port_id)


def router_namespace_name(router_id: str) -> str:
    return f"qrouter-{router_id}"


def router_port_name(port_id: str) -> str:
    """The router's end of its port on a network, in the router's namespace."""
    return f"qr-{port_id[:_PREFIX]}"


def uplink_name(router_id: str) -> str:
    """The device of a router's uplink, in its namespace."""
    return f"qg-{router_id[:_PREFIX]}"


def uplink_host_name(router_id: str) -> str:
    """The host's end of a router's uplink, where it is a veth."""
    return f"qh-{router_id[:_PREFIX]}"


class Mark(Struct, frozen=True):
    """The mark that netmend writes on its objects (`ifalias`): `netmend:<role>:<network id>[:<port id>[:<made>]]`.

    `made` is of a veth into a guest's namespace: 16 hexadecimal digits that stand for what its far end was made as
    (`netmend.wiring.device.FarEnd.made`). The guest may change that end, so the end itself cannot tell.
    """

    role: str  # namespace | bridge | dhcp | guest | router: a router's port; router-namespace | uplink
    network_id: str  # of the last two: the router's id
    port_id: str | None = None
    made: str | None = None

    def __str__(self) -> str:
        return ":".join(part for part in (_MARK, self.role, self.network_id, self.port_id, self.made) if part)

    @classmethod
    def parse(cls, text: str | None) -> "Mark | None":
        """The mark in an `ifalias`, or None when it is not netmend's."""
        if not text or not text.startswith(_MARK + ":"):
            return None
        role, _, rest = text[len(_MARK) + 1 :].partition(":")
        network_id, _, rest = rest.partition(":")
        port_id, _, made = rest.partition(":")
        return cls(role, network_id, port_id or None, made or None)


def host_label(port: Port) -> str | None:
    """A port's name, where it can be a host name (one label, RFC 1123 section 2.1): for guests without a `hostname`.
    None where it cannot, or is the port's id."""
    return port.name if port.name != port.id and _LABEL.fullmatch(port.name) else None


def host_device_names(network: Network) -> dict[str, str]:
    """Every device name that `network` takes on the host, each with the object it belongs to."""
    names = {bridge_name(network.id): "bridge", own_device_names(network)[0]: "DHCP port"}
    names.update((tap_name(port.id), f"port {port.name}") for port in network.ports.values())
    names.update((tap_name(port.id), "router's port") for port in network.router_ports)
    return names
