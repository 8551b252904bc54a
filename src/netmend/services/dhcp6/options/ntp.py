"""Time servers: NTP (56, RFC 5908) and, for clients of old, SNTP (31, RFC 4075).

An NTP option holds one time source (RFC 5908 section 4). Among payloads by code, several are one row of suboptions;
`one_each` takes it apart again, for as many options.
"""

from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.options.facts import Facts, Options

_SERVER_ADDRESS = 1  # suboption, RFC 5908 section 4.1


def options(facts: Facts) -> Options:
    servers = [server.packed for server in facts.subnet.ntp_servers]
    return {
        wire.NTP_SERVER: b"".join(tlv.encode(_SERVER_ADDRESS, server) for server in servers),
        wire.SNTP_SERVERS: b"".join(servers),
    }


def one_each(payload: bytes) -> list[bytes]:
    """The payloads of the options that a row of suboptions becomes; the row itself where it is none."""
    try:
        return [tlv.encode(code, value) for code, value in tlv.walk(payload)]
    except ValueError:
        return [payload]
