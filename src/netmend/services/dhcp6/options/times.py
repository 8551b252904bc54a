"""Times: time servers, and how long clients wait before they ask again.

Time servers are NTP's (56, RFC 5908) and, for clients of old, SNTP's (31, RFC 4075). An NTP option holds one time
source (RFC 5908 section 4). Among payloads by code, several are one row of suboptions; `one_each` takes it apart again,
for as many options.

Waiting times are the information refresh time (32), SOL_MAX_RT (82) and INF_MAX_RT (83). A client that gets no address
doubles its time between Solicits up to an hour (RFC 8415 section 7.6). Where its port may be given an address at any
moment, that is long: two minutes are asked for.
"""

from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.options.facts import Facts, Options

_SERVER_ADDRESS = 1  # suboption, RFC 5908 section 4.1
MAX_RT = 120  # seconds; 60 to 86400 are allowed (RFC 8415 sections 21.24 and 21.25)
REFRESH_LEAST = 600  # seconds, IRT_MINIMUM of RFC 8415 section 7.6


def ntp_servers(facts: Facts) -> Options:
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


def waiting_times(facts: Facts) -> Options:
    again = MAX_RT.to_bytes(4, "big")
    result = {wire.SOLICIT_MAX_RT: again, wire.INFORMATION_MAX_RT: again}
    if facts.ask.information:  # section 21.23: in no other reply
        refresh = max(REFRESH_LEAST, facts.subnet.lease_time)
        result[wire.INFORMATION_REFRESH_TIME] = refresh.to_bytes(4, "big")
    return result
