"""The ports of a network as clients are looked up: by MAC, and by DUID where intent names one.

Building it for many ports takes three dictionaries and nothing per port beyond that: what a port's reply is made of is
worked out when the port first speaks.
"""

from collections.abc import Iterable
from weakref import WeakValueDictionary

from netmend.intent import Network, Port
from netmend.services.dhcp6.exchange import Bound
from netmend.services.dhcp6.link import Scope, find_scope
from netmend.services.dhcp6.options import Options

_Encoded = tuple[tuple[int, bytes], ...]


class PortExtras:
    """The options that a port adds to its subnet's; one object for all ports that add the same."""

    __slots__ = ("__weakref__", "ipxe_options", "options")

    def __init__(self, options: _Encoded, ipxe_options: _Encoded = ()) -> None:
        self.options: Options = dict(options)
        self.ipxe_options: Options = {**self.options, **dict(ipxe_options)}


class KnownClient:
    """A port that has spoken. Its addresses are those in subnets where DHCPv6 gives addresses."""

    __slots__ = ("addresses", "extras", "port")

    def __init__(self, port: Port, extras: PortExtras, scopes: tuple[Scope, ...]) -> None:
        self.port = port
        self.extras = extras
        located = ((ip.packed, find_scope(scopes, ip.packed)) for ip in port.fixed_ips6)
        self.addresses = tuple(Bound(packed, scope) for packed, scope in located if scope and scope.stateful)


class Directory:
    """Ports by MAC and by DUID, and the addresses that are theirs."""

    def __init__(self, network: Network, scopes: tuple[Scope, ...]) -> None:
        self._scopes = scopes
        self._ports: dict[bytes, Port] = {}
        self._by_duid: dict[bytes, bytes] = {}
        self._clients: dict[bytes, KnownClient] = {}
        self._extras: WeakValueDictionary[object, PortExtras] = WeakValueDictionary()
        self.owners: dict[int, Port] = {}
        self.change((), network.ports.values())

    def __contains__(self, mac: bytes) -> bool:
        return mac in self._ports

    def mac_of_duid(self, duid: bytes) -> bytes | None:
        """The MAC of the port that intent gives this DUID."""
        return self._by_duid.get(duid)

    def port_id(self, mac: bytes) -> str | None:
        """The id of the port with this MAC, None when there is none."""
        port = self._ports.get(mac)
        return None if port is None else port.id

    def client(self, mac: bytes) -> KnownClient | None:
        """The port with this MAC, None when there is none."""
        known = self._clients.get(mac)
        if known is None and mac in self._ports:
            port = self._ports[mac]
            known = self._clients[mac] = KnownClient(port, self._extras_of(port), self._scopes)
        return known

    def _extras_of(self, port: Port) -> PortExtras:
        key = (port.dhcp6_options, port.ipxe_dhcp6_options)
        extras = self._extras.get(key)
        if extras is None:
            extras = self._extras[key] = PortExtras(*key)
        return extras

    def change(self, removed: Iterable[Port], added: Iterable[Port]) -> None:
        """Replace ports; a MAC, a DUID or an address may pass from one to another."""
        for port in removed:
            mac = packed_mac(port)
            self._ports.pop(mac, None)
            self._clients.pop(mac, None)
            if port.duid is not None:
                self._by_duid.pop(port.duid, None)
            for ip in port.fixed_ips6:
                self.owners.pop(int(ip), None)
        for port in added:
            mac = packed_mac(port)
            self._ports[mac] = port
            if port.duid is not None:
                self._by_duid[port.duid] = mac
            for ip in port.fixed_ips6:
                self.owners[int(ip)] = port

    def rescope(self, scopes: tuple[Scope, ...]) -> None:
        """The subnets have changed: forget what was worked out from them."""
        self._scopes = scopes
        self._clients.clear()


def packed_mac(port: Port) -> bytes:
    return bytes.fromhex(port.mac.replace(":", ""))
