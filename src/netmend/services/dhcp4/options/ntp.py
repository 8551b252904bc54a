"""NTP servers (42): RFC 2132 section 8.3."""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options


def options(facts: Facts) -> Options:
    return {wire.NTP_SERVERS: b"".join(server.packed for server in facts.subnet.ntp_servers)}
