"""Times: lease time (51), T1 (58) and T2 (59), RFC 2132 sections 9.2, 9.11, 9.12 and RFC 2131 section 4.4.5; NTP
servers (42), RFC 2132 section 8.3.

An answer to INFORM carries no times of a lease (RFC 2131 section 4.3.5).
"""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options

LEASE_TIMES = (wire.LEASE_TIME, wire.RENEWAL_TIME, wire.REBINDING_TIME)


def lease_times(facts: Facts) -> Options:
    if facts.ask.inform:
        return {}
    lease = facts.subnet.lease_time
    explicit = facts.explicit.get(wire.LEASE_TIME, b"")
    if len(explicit) == 4:
        lease = int.from_bytes(explicit, "big")
    result = {wire.LEASE_TIME: lease.to_bytes(4, "big")}
    if lease != wire.INFINITE:
        result[wire.RENEWAL_TIME] = (lease // 2).to_bytes(4, "big")
        result[wire.REBINDING_TIME] = (lease * 7 // 8).to_bytes(4, "big")
    return result


def without_lease_times(explicit: Options) -> Options:
    return {code: payload for code, payload in explicit.items() if code not in LEASE_TIMES}


def ntp_servers(facts: Facts) -> Options:
    return {wire.NTP_SERVERS: b"".join(server.packed for server in facts.subnet.ntp_servers)}
