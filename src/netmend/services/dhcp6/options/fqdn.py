"""The client's own name (39): RFC 4704. It is the port's, whatever the client would rather have.

Names follow intent, and no DNS server is to be updated, by the server or by the client: the reply says N (section 4.1),
and O where the client wanted S.
"""

from functools import lru_cache

from netmend.options.values4 import domain_name
from netmend.services.dhcp6 import tlv, wire

_S, _O, _N = 1, 2, 4


@lru_cache(maxsize=4096)
def fqdn_option(hostname: str, domain: str | None, *, update_wanted: bool) -> bytes:
    """The encoded option. A name that is not qualified has no empty label at its end (section 4.2)."""
    if "." in hostname:
        name = domain_name(hostname)
    elif domain:
        name = domain_name(f"{hostname}.{domain}")
    else:
        name = domain_name(hostname)[:-1]
    return tlv.encode(wire.CLIENT_FQDN, bytes((_N | (_O if update_wanted else 0),)) + name)


def wants_update(said: bytes | None) -> bool:
    """Whether the client's own option asks the server to update the DNS."""
    return bool(said and said[0] & _S)
