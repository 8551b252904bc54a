"""The ports of one network by name and by address.

A name is a port's host name, alone or in one of the network's zones, or one that intent gives to a single address. A
port without either is called as dnsmasq and Neutron call it, `host-10-0-0-5`, and answers to the name of the port
where nobody else has it. A port's dynamic leases are its addresses
as its fixed IPs are; any other guest with a lease has the name that it sent to DHCP, where no port has it.

Building it for 65,000 ports takes a few dictionaries; what a port is answered with is worked out when it is asked for.
A changed network costs work for the ports that changed.
"""

from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from netmend.intent import Network, Port
from netmend.intent.names import host_label
from netmend.services.dns import names
from netmend.services.dns.addresses import Block, all_subnets, block_of, holding
from netmend.services.dns.domains import domains_of
from netmend.services.leases.names import LeasedNames

_DEFAULT = b"host-"

_Owner = Port | bytes  # of a name: a port, or one address in wire form


class Zone:
    """A zone of the network's own names: those of the ports with an address in `blocks`, of all when there are none."""

    __slots__ = ("_blocks", "name", "servers")

    def __init__(self, name: bytes, blocks: tuple[Block, ...] | None, servers: tuple[bytes, ...]) -> None:
        self.name = name
        self.servers = servers  # netmend's own addresses, in wire form, which the zone's own name has
        self._blocks = blocks

    def holds(self, packed: bytes) -> bool:
        return self._blocks is None or holding(self._blocks, packed) is not None


class Directory:
    """Names to addresses and back. Not thread-safe."""

    def __init__(self, network: Network, leased: LeasedNames) -> None:
        self._leased = leased
        self._by_mac: dict[bytes, Port] = {}  # where anything is leased
        self.owners: dict[bytes, Port] = {}  # by address in wire form
        self._by_name: dict[bytes, _Owner | tuple[_Owner, ...]] = {}  # by name in wire form, without zone or root
        self._by_port_name: dict[bytes, tuple[Port, ...]] = {}  # of ports to which intent gives no other name
        self._parents: dict[bytes, int] = {}  # what names of several labels are below: how many are
        self._single: dict[bytes, str] = {}  # names of single addresses, by address
        self.configure(network)
        self.change((), network.ports.values())

    def configure(self, network: Network) -> None:
        """Take zones from the network's subnets and `dns`. Host names that end in a zone are entered by `change`."""
        subnets = all_subnets(network)
        whole = network.dns.domain if network.dns else None
        self.zones: dict[bytes, Zone] = {}
        for name in domains_of(network):
            if whole and name == names.from_text(whole):
                self.zones[name] = Zone(name, None, tuple(subnet.server_address.packed for subnet in subnets))
                continue
            inside = [subnet for subnet in subnets if subnet.domain and names.from_text(subnet.domain) == name]
            blocks = tuple(block_of(subnet.cidr) for subnet in inside)
            self.zones[name] = Zone(name, blocks, tuple(subnet.server_address.packed for subnet in inside))
        records = network.dns.records if network.dns else ()
        self._records: dict[bytes, str] = {}  # by address: the first name that intent gives it
        for hostname, address in records:
            self._name(self._prefix(hostname), address.packed)
            self._records.setdefault(address.packed, hostname)
        self._leases = any(subnet.dynamic for subnet in subnets)
        self.servers = frozenset(subnet.server_address.packed for subnet in subnets)
        self._domains = {block_of(subnet.cidr): whole or subnet.domain for subnet in subnets}

    def change(self, removed: Iterable[Port], added: Iterable[Port]) -> None:
        """Replace ports; a name or an address may pass from one to another."""
        for port in removed:
            for packed in addresses(port):
                self.owners.pop(packed, None)
            for name, owner in self._names_of(port):
                self._take_name_away(name, owner)
            if self._leases:
                self._by_mac.pop(_packed_mac(port), None)
            if label := _label_of(port):
                left = tuple(other for other in self._by_port_name.pop(label, ()) if other is not port)
                if left:
                    self._by_port_name[label] = left
            for address, _ in port.names:
                self._single.pop(address.packed, None)
        for port in added:
            for packed in addresses(port):
                self.owners[packed] = port
            for name, owner in self._names_of(port):
                self._name(name, owner)
            if label := _label_of(port):
                self._by_port_name[label] = (*self._by_port_name.get(label, ()), port)
            if self._leases:
                self._by_mac[_packed_mac(port)] = port
            self._single.update((address.packed, name) for address, name in port.names)

    def _names_of(self, port: Port) -> Iterator[tuple[bytes, _Owner]]:
        """A port's names without their zones, each with the port, or the one address that has it."""
        if port.names:
            for address, name in port.names:
                yield self._prefix(name.removesuffix(".")), address.packed
        elif port.hostname:
            yield self._prefix(port.hostname), port

    def _prefix(self, hostname: str) -> bytes:
        """A host name, without the zone that it may end in."""
        if "." not in hostname:  # nearly all
            return bytes((len(hostname),)) + hostname.lower().encode()
        name = names.from_text(hostname)
        for offset in names.offsets(name)[1:-1]:
            if name[offset:] in self.zones:
                return name[:offset]
        return name[:-1]

    def _name(self, prefix: bytes, owner: _Owner) -> None:
        known = self._by_name.get(prefix)
        if known is None:
            self._by_name[prefix] = owner
        else:
            self._by_name[prefix] = (*(known if isinstance(known, tuple) else (known,)), owner)
        for parent in _parents(prefix):
            self._parents[parent] = self._parents.get(parent, 0) + 1

    def _take_name_away(self, prefix: bytes, owner: _Owner) -> None:
        known = self._by_name.get(prefix)
        left = tuple(other for other in (known if isinstance(known, tuple) else (known,)) if other and other != owner)
        if left:
            self._by_name[prefix] = left[0] if len(left) == 1 else left
        else:
            self._by_name.pop(prefix, None)
        for parent in _parents(prefix):
            count = self._parents.get(parent, 0) - 1
            if count > 0:
                self._parents[parent] = count
            else:
                self._parents.pop(parent, None)

    def find(self, prefix: bytes, zone: Zone | None) -> list[bytes] | None:
        """The addresses of a name in a zone, or of one that stands alone; None when there is no such name."""
        found = self._by_name.get(prefix)
        if found is not None:
            owners = found if isinstance(found, tuple) else (found,)
            packed = [a for owner in owners for a in self._of_owner(owner) if not zone or zone.holds(a)]
            if packed or zone is None:
                return packed
        elif prefix in self._parents:
            return []
        default = _address_in(prefix)
        if default is not None and (zone is None or zone.holds(default)):
            port = self.owners.get(default) or self._port_leasing(default)
            if port is not None and not port.hostname and not port.names:
                return [default]
        elif found is None and prefix in self._by_port_name:
            ports = self._by_port_name[prefix]
            return [a for port in ports for a in self._of_owner(port) if not zone or zone.holds(a)] or None
        elif found is None and self._leased and prefix[0] + 1 == len(prefix):
            return self._of_guest(prefix[1:], zone)
        return None

    def _of_owner(self, owner: _Owner) -> Iterator[bytes]:
        """The addresses of a name's owner: fixed IPs, and what is leased to the port."""
        if isinstance(owner, bytes):
            yield owner
            return
        yield from addresses(owner)
        if self._leased:
            yield from self._leased.of_hardware(_packed_mac(owner))

    def _of_guest(self, label: bytes, zone: Zone | None) -> list[bytes] | None:
        """The addresses of a guest that has no name by intent, and calls itself so."""
        if _address_in(bytes((len(label),)) + label) is not None:
            return None  # it is the name of another address
        found = [
            address
            for address, lease in self._leased.of_label(label)
            if (zone is None or zone.holds(address)) and not self._has_name(self._by_mac.get(lease.hardware))
        ]
        return found or None

    @staticmethod
    def _has_name(port: Port | None) -> bool:
        return port is not None and bool(port.hostname or port.names)

    def _port_leasing(self, packed: bytes) -> Port | None:
        lease = self._leased.at(packed) if self._leased else None
        return None if lease is None else self._by_mac.get(lease.hardware)

    def _name_of_lease(self, packed: bytes) -> str | None:
        """The name of the guest with this lease, without its domain."""
        lease = self._leased.at(packed) if self._leased else None
        if lease is None:
            return None
        port = self._by_mac.get(lease.hardware)
        if port is not None and port.hostname:
            return port.hostname
        label = bytes((len(lease.label),)) + lease.label
        is_taken = label in self._by_name or label in self._parents or label in self._by_port_name
        if lease.label and not is_taken and packed in (self._of_guest(lease.label, None) or ()):
            return lease.label.decode()
        return None if port is None else _default_name(packed)

    def name_of(self, packed: bytes) -> bytes | None:
        """The name of the guest with this address, as it is written in intent; None when no guest has it."""
        domain = self._domain_of(packed)
        if packed in self.servers:
            return _wire(domain) if domain else None
        if packed in self._single:
            return _wire(self._single[packed].removesuffix("."))
        port = self.owners.get(packed)
        hostname = (
            self._records.get(packed) or self._name_of_lease(packed)
            if port is None
            else port.hostname or _default_name(packed)
        )
        if hostname is None:
            return None
        return _wire(f"{hostname}.{domain}" if domain and not self._is_qualified(hostname) else hostname)

    def _is_qualified(self, hostname: str) -> bool:
        return "." in hostname and self._prefix(hostname) != names.prefix(hostname)

    def _domain_of(self, packed: bytes) -> str | None:
        block = holding(self._domains, packed)
        return None if block is None else self._domains[block]


def _label_of(port: Port) -> bytes | None:
    """The name of a port that intent gives no host name, in wire form, where it can be one."""
    label = None if port.hostname or port.names else host_label(port)
    return None if label is None else bytes((len(label),)) + label.lower().encode()


def _packed_mac(port: Port) -> bytes:
    return bytes.fromhex(port.mac.replace(":", ""))


def addresses(port: Port) -> Iterator[bytes]:
    """A port's addresses in wire form."""
    for address in port.fixed_ips:
        yield address.packed
    for address6 in port.fixed_ips6:
        yield address6.packed


def _wire(text: str) -> bytes | None:
    """A name with the case that intent has; None for one that is too long to be one."""
    try:
        size = len(names.from_text(text))
    except ValueError:
        return None
    octets = b"".join(bytes((len(label),)) + label.encode() for label in text.split(".")) + names.ROOT
    return octets if len(octets) == size else None


def _parents(prefix: bytes) -> Iterator[bytes]:
    at = prefix[0] + 1
    while at < len(prefix):
        yield prefix[at:]
        at += prefix[at] + 1


def _default_name(packed: bytes) -> str:
    if len(packed) == 4:
        return "host-" + "-".join(map(str, packed))
    return "host-" + str(IPv6Address(packed)).replace(":", "-")


def _address_in(prefix: bytes) -> bytes | None:
    """The address that a name of the form `host-10-0-0-5` or `host-fd00--5` holds."""
    text = prefix[1:]
    if not text.startswith(_DEFAULT) or prefix[0] != len(text):
        return None
    words = text[len(_DEFAULT) :].decode("latin-1")
    for read, separator in ((IPv4Address, "."), (IPv6Address, ":")):
        try:
            packed = read(words.replace("-", separator)).packed
        except AddressValueError:
            continue
        return packed if _default_name(packed).encode() == text else None
    return None
