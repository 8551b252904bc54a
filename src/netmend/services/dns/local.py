"""Answers that need no server: the network's own names, the reverse of its subnets, special names, and
those that must not leave the node."""

from netmend.intent import Network
from netmend.services.dns import names, wire
from netmend.services.dns.addresses import IN_ADDR, IP6, Region, all_subnets, apex_labels, block_of, region_of
from netmend.services.dns.directory import Directory, Zone
from netmend.services.dns.domains import Domains
from netmend.services.dns.found import Elsewhere, Found, Nothing, together
from netmend.services.dns.special import LOCALHOST, special_zones
from netmend.services.leases.names import LeasedNames

_LOOPBACK = {wire.A: b"\x7f\0\0\1", wire.AAAA: bytes(15) + b"\1"}
# Of a name of one label, what is asked of top-level domains is forwarded, and nothing that is asked of hosts.
_OF_TOP_LEVELS = frozenset((wire.NS, wire.SOA, wire.DS, wire.DNSKEY))
_SUFFIX_LABELS = 2  # of in-addr.arpa, and of ip6.arpa


class Local:
    """Looks names up. Not thread-safe."""

    def __init__(self, network: Network, domains: Domains, leased: LeasedNames) -> None:
        self.directory = Directory(network, leased)
        self._domains = domains
        self.configure(network)

    def configure(self, network: Network) -> None:
        """Take everything but ports from the network."""
        self._network_id, self._project_id = network.id, network.project_id
        self._shares = network.dns is not None and network.dns.share_names
        allow_private = network.dns is not None and network.dns.allow_private
        self._special = special_zones(allow_private=allow_private)
        domains = network.dns.forward_domains if network.dns is not None else ()
        self._elsewhere = {names.from_text(domain): Elsewhere(servers) for domain, servers in domains if servers}
        self._special |= {names.from_text(domain) for domain, servers in domains if not servers}
        self.blocks = tuple(block_of(subnet.cidr) for subnet in all_subnets(network))
        self._apexes = tuple(apex_labels(subnet.cidr) for subnet in all_subnets(network))

    def look_up(self, name: bytes, rdtype: int) -> Found | Elsewhere | None:
        """The data of `name` (lower case); None when a server must be asked, and Elsewhere when one of its domain."""
        if name.endswith((IN_ADDR, IP6)) and (region := region_of(name)) is not None:
            found = self._reverse(name, rdtype, region)
            if found is None and self._shares and region.whole:
                found = self._reverse_of_neighbours(name, rdtype, region)
            if found is not None:
                return found
        starts = names.offsets(name)
        for at in starts[:-1]:
            suffix = name[at:]
            zone = self.directory.zones.get(suffix)
            if zone is not None:
                own_found = self._in_zone(name, rdtype, zone, at)
                return self._with_neighbours(own_found, name, rdtype, at) if self._shares else own_found
            if self._elsewhere and (elsewhere := self._elsewhere.get(suffix)):
                own = self.directory.find(name[:-1], None)
                return Found(_addresses(own, rdtype), 0) if own else elsewhere
            if self._shares and (shared := self._with_neighbours(None, name, rdtype, at)) is not None:
                return shared
            if suffix in self._special:
                return self._in_special(rdtype, suffix, at)
            if self._domains.elsewhere(suffix, self._network_id, self._project_id):
                return Found(Nothing.NXDOMAIN, None, False)
        found_alone = self.directory.find(name[:-1], None) if len(starts) > 1 else None
        if found_alone is not None:
            return Found(_addresses(found_alone, rdtype), 0)
        if len(starts) == 2 and rdtype not in _OF_TOP_LEVELS:
            return Found(Nothing.NXDOMAIN, None, False)
        return None

    def _with_neighbours(self, own: Found | None, name: bytes, rdtype: int, apex: int) -> Found | None:
        """What networks that share their names say of `name`, where the network has no such name `own`."""
        if own is not None and own.data is not Nothing.NXDOMAIN:
            return own
        asked = [neighbour.in_own_zone(name, rdtype, apex) for neighbour in self._domains.neighbours(self._network_id)]
        return together(found for found in (own, *asked) if found is not None)

    def _reverse_of_neighbours(self, name: bytes, rdtype: int, region: Region) -> Found | None:
        """What the one network says that has an address in a subnet; None where none has it, or several, which nobody
        can tell apart by the address."""
        asked = [
            neighbour.in_own_subnet(name, rdtype, region) for neighbour in self._domains.neighbours(self._network_id)
        ]
        found = [answer for answer in asked if answer is not None]
        return together(found) if len(found) == 1 else None

    def in_own_zone(self, name: bytes, rdtype: int, apex: int) -> Found | None:
        """What the network says of a name, if the zone that begins at `apex` is one of its own."""
        zone = self.directory.zones.get(name[apex:])
        return None if zone is None else self._in_zone(name, rdtype, zone, apex)

    def in_own_subnet(self, name: bytes, rdtype: int, region: Region) -> Found | None:
        """What the network says of the reverse name of an address, if one of its subnets has that."""
        if not any(
            version == region.version and first <= region.first and region.last <= last
            for version, first, last in self.blocks
        ):
            return None
        return self._reverse(name, rdtype, region)

    def _in_zone(self, name: bytes, rdtype: int, zone: Zone, apex: int) -> Found:
        if apex == 0:
            own = self.directory.find(name[:-1], None) or zone.servers
            return Found(_apex(rdtype) or _addresses(list(own), rdtype), 0)
        found = self.directory.find(name[:apex], zone)
        if found is None:
            return Found(Nothing.NXDOMAIN, apex)
        return Found(_addresses(found, rdtype), apex)

    @staticmethod
    def _in_special(rdtype: int, suffix: bytes, apex: int) -> Found:
        if suffix == LOCALHOST:
            data = (_LOOPBACK[rdtype],) if rdtype in _LOOPBACK else _apex(rdtype) if apex == 0 else None
            return Found(data or Nothing.NODATA, apex)
        if apex == 0:
            return Found(_apex(rdtype) or Nothing.NODATA, 0)
        return Found(Nothing.NXDOMAIN, apex)

    def _reverse(self, name: bytes, rdtype: int, region: Region) -> Found | None:
        """Data of the reverse name of an address, or of many that begin alike; None where no subnet has them."""
        for (version, first, last), labels in zip(self.blocks, self._apexes, strict=True):
            if version != region.version or region.first < first or region.last > last:
                continue
            starts = names.offsets(name)
            apex_at = len(starts) - 1 - labels - _SUFFIX_LABELS
            if apex_at < 0:  # shorter than a whole zone's name, as in a block of several
                return Found(Nothing.NODATA, 0)
            apex = starts[apex_at]
            if apex == 0 and (data := _apex(rdtype)):
                return Found(data, 0)
            if not region.understood:
                return Found(Nothing.NXDOMAIN, apex)
            if not region.whole:  # whether anything is below is not looked for: no name is denied that exists
                return Found(Nothing.NODATA, apex)
            packed = region.first.to_bytes(4 if version == 4 else 16, "big")
            target = self.directory.name_of(packed)
            if target is None:
                return Found(Nothing.NODATA if apex == 0 else Nothing.NXDOMAIN, apex)
            return Found((target,) if rdtype == wire.PTR else Nothing.NODATA, apex)
        if region.whole:
            packed = region.first.to_bytes(4 if region.version == 4 else 16, "big")
            if target := self.directory.name_of(packed):  # intent names an address that is in no subnet of ours
                return Found((target,) if rdtype == wire.PTR else Nothing.NODATA, 0)
        return None


def _apex(rdtype: int) -> tuple[bytes, ...] | None:
    """Data of a zone's own name. b"" stands for that name, or for the data of its SOA."""
    return (b"",) if rdtype in (wire.SOA, wire.NS) else None


def _addresses(packed: list[bytes], rdtype: int) -> tuple[bytes, ...] | Nothing:
    size = {wire.A: 4, wire.AAAA: 16}.get(rdtype)
    return tuple(address for address in packed if len(address) == size) or Nothing.NODATA
