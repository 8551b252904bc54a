"""Router (3) and classless static routes (121; 249 is Microsoft's number for the same): RFC 2132 section 3.5, RFC 3442.

A client that gets option 121 ignores option 3, so the default route is repeated there. Where the subnet says so, the
way to the metadata address by netmend's own comes with them, as Neutron's agent sends it to isolated networks.
"""

from ipaddress import IPv4Address, IPv4Network

from netmend.intent.metadata import METADATA_ADDRESS
from netmend.options.values4 import encode_classless_route
from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options

_DEFAULT = IPv4Network("0.0.0.0/0")
_ON_LINK = IPv4Address(0)
_METADATA = IPv4Network(METADATA_ADDRESS)


def options(facts: Facts) -> Options:
    subnet = facts.subnet
    result: dict[int, bytes] = {}
    routes = [(route.destination, route.nexthop) for route in subnet.routes]
    if subnet.metadata_route and all(destination != _METADATA for destination, _ in routes):
        routes.append((_METADATA, subnet.server_address))
    for address in (subnet.gateway, subnet.server_address):
        # A client that knows option 3 alone may find no way to it; option 121 says that it is on the link.
        if address is None or address in subnet.cidr:
            continue
        if all(address not in destination for destination, nexthop in routes if nexthop == _ON_LINK):
            routes.insert(0, (IPv4Network(address), _ON_LINK))
    if routes:
        if subnet.gateway and all(destination != _DEFAULT for destination, _ in routes):
            routes.append((_DEFAULT, subnet.gateway))
        encoded = b"".join(encode_classless_route(destination, nexthop) for destination, nexthop in routes)
        # RFC 3442, "DHCP Administrator Responsibilities": 121 comes before 3 where the client sets no order.
        result = {wire.CLASSLESS_ROUTES: encoded, wire.CLASSLESS_ROUTES_MICROSOFT: encoded}
    if subnet.gateway:
        result[wire.ROUTERS] = subnet.gateway.packed
    return result
