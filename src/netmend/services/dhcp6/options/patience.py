"""How long clients wait before they ask again: information refresh time (32), SOL_MAX_RT (82), INF_MAX_RT (83).

A client that gets no address doubles its time between Solicits up to an hour (RFC 8415 section 7.6). Where its port may
be given an address at any moment, that is long: two minutes are asked for.
"""

from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.options.facts import Facts, Options

MAX_RT = 120  # seconds; 60 to 86400 are allowed (RFC 8415 sections 21.24 and 21.25)
REFRESH_LEAST = 600  # seconds, IRT_MINIMUM of RFC 8415 section 7.6


def options(facts: Facts) -> Options:
    again = MAX_RT.to_bytes(4, "big")
    result = {wire.SOLICIT_MAX_RT: again, wire.INFORMATION_MAX_RT: again}
    if facts.ask.information:  # section 21.23: in no other reply
        refresh = max(REFRESH_LEAST, facts.subnet.lease_time)
        result[wire.INFORMATION_REFRESH_TIME] = refresh.to_bytes(4, "big")
    return result
