"""The ports of a network as the hot path looks them up: by the six octets of the MAC.

Building it for 65,000 ports takes two dictionaries and nothing per port beyond that: what a port's reply is made of is
worked out when the port first speaks (`client`). A changed network costs one pass over the ports that asks only
whether each is still the same object (intent shares what did not change), and work for those that are not.
"""

from collections.abc import Iterable
from weakref import WeakValueDictionary

from netmend.intent import Boot, Network, Port
from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.link import Scope, find_scope
from netmend.services.dhcp4.options import Options
from netmend.services.dhcp4.options.names import hostname_option

_Encoded = tuple[tuple[int, bytes], ...]
_NO_ROUTES: _Encoded = tuple(
    (code, b"") for code in (wire.ROUTERS, wire.CLASSLESS_ROUTES, wire.CLASSLESS_ROUTES_MICROSOFT)
)


class FixedAddress:
    """One fixed IP of a port, with the subnet it lies in."""

    __slots__ = ("packed", "scope", "text")

    def __init__(self, packed: bytes, text: str, scope: Scope) -> None:
        self.packed = packed
        self.text = text
        self.scope = scope


class PortExtras:
    """The options that a port adds to its subnet's; one object for all ports that add the same."""

    __slots__ = ("__weakref__", "boot", "ipxe_options", "options")

    def __init__(self, options: _Encoded, ipxe_options: _Encoded, boot: Boot | None) -> None:
        self.options: Options = dict(options)
        self.ipxe_options: Options = {**self.options, **dict(ipxe_options)}
        self.boot = boot


class KnownClient:
    """A port that has spoken, in wire form."""

    __slots__ = ("addresses", "extras", "hostname", "port")

    def __init__(self, port: Port, extras: PortExtras, scopes: tuple[Scope, ...]) -> None:
        self.port = port
        self.hostname = hostname_option(port)
        self.extras = extras
        located = ((ip, find_scope(scopes, ip.packed)) for ip in port.fixed_ips)
        self.addresses = tuple(FixedAddress(ip.packed, str(ip), scope) for ip, scope in located if scope)


class Directory:
    """Ports by MAC, and the addresses that are theirs."""

    def __init__(self, network: Network, scopes: tuple[Scope, ...]) -> None:
        self._scopes = scopes
        self._ports: dict[bytes, Port] = {packed_mac(port): port for port in network.ports.values()}
        self._by_client_id: dict[bytes, Port] = {
            port.client_id: port for port in network.ports.values() if port.client_id is not None
        }
        self._clients: dict[bytes, KnownClient] = {}
        self._extras: WeakValueDictionary[object, PortExtras] = WeakValueDictionary()
        self.owners: dict[int, Port] = {int(ip): port for port in network.ports.values() for ip in port.fixed_ips}

    def __contains__(self, mac: bytes) -> bool:
        return mac in self._ports

    def __len__(self) -> int:
        return len(self._ports)

    def port_id(self, mac: bytes) -> str | None:
        """The id of the port with this MAC, None when there is none."""
        port = self._ports.get(mac)
        return None if port is None else port.id

    def find(self, mac: bytes | None, identifier: bytes | None) -> KnownClient | None:
        """The port that a client is: by its identifier where intent says one, as dnsmasq has it, else by its MAC."""
        if self._by_client_id and identifier is not None:
            # A zero in front says that it is text (RFC 2132 section 9.14); intent may say it or not.
            port = self._by_client_id.get(identifier)
            if port is None and identifier[0] == 0:
                port = self._by_client_id.get(identifier[1:])
            if port is not None:
                return self.client(packed_mac(port))
        return self.client(mac)

    def client(self, mac: bytes | None) -> KnownClient | None:
        """The port with this MAC, None when there is none."""
        if mac is None:
            return None
        known = self._clients.get(mac)
        if known is None and mac in self._ports:
            port = self._ports[mac]
            known = self._clients[mac] = KnownClient(port, self._extras_of(port), self._scopes)
        return known

    def _extras_of(self, port: Port) -> PortExtras:
        options = port.dhcp_options
        if any(scope.subnet.gateway in port.fixed_ips for scope in self._scopes if scope.subnet.gateway):
            options = (*_NO_ROUTES, *options)  # the port is the router: no way leads through itself
        key = (options, port.ipxe_dhcp_options, port.boot)
        extras = self._extras.get(key)
        if extras is None:
            extras = self._extras[key] = PortExtras(*key)
        return extras

    def change(self, removed: Iterable[Port], added: Iterable[Port]) -> None:
        """Replace ports; a MAC or an address may pass from one to another."""
        for port in removed:
            mac = packed_mac(port)
            self._ports.pop(mac, None)
            self._clients.pop(mac, None)
            if port.client_id is not None:
                self._by_client_id.pop(port.client_id, None)
            for ip in port.fixed_ips:
                self.owners.pop(int(ip), None)
        for port in added:
            self._ports[packed_mac(port)] = port
            if port.client_id is not None:
                self._by_client_id[port.client_id] = port
            self.owners.update((int(ip), port) for ip in port.fixed_ips)

    def rescope(self, scopes: tuple[Scope, ...]) -> None:
        """The subnets have changed: forget what was worked out from them."""
        self._scopes = scopes
        self._clients.clear()


def packed_mac(port: Port) -> bytes:
    return bytes.fromhex(port.mac.replace(":", ""))
