"""Router advertisements without I/O: intent in, ICMPv6 messages and the times to send them out.

Netmend is no router. It advertises what a network's intent says of its prefixes, so that guests make or ask for the
addresses that intent gives them, where no router does it: prefixes, how to come by an address (`ra_mode`), MTU,
resolvers and search domains. Its router lifetime is zero, so no guest takes it for a default gateway; a router that
intent names is advertised beside it, in its own name.

`advertisement` puts intent into words, `wire` says which questions are to be heard, `advertiser` when to speak.
"""

from netmend.services.dhcp6.ra.advertisement import advertisements, announced, routers
from netmend.services.dhcp6.ra.advertiser import Advertisement, Advertiser
from netmend.services.dhcp6.ra.wire import HOP_LIMIT, is_solicitation

__all__ = ["HOP_LIMIT", "Advertisement", "Advertiser", "advertisements", "announced", "is_solicitation", "routers"]
