"""The client's own name (39): RFC 4704. It is the port's, whatever the client would rather have.

Names follow intent, and no DNS server is to be updated, by the server or by the client: the reply says N (section 4.1),
and O where the client wanted S.
"""

from netmend.intent import Port
from netmend.intent.dhcp_values import domain_name
from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.request import Request

_S, _O, _N = 1, 2, 4


def fqdn_option(request: Request, port: Port, domain: str | None) -> bytes:
    """The encoded option; empty for a port without a host name and for a client that does not care (section 6)."""
    said = request.options.get(wire.CLIENT_FQDN)
    if port.hostname is None or (said is None and not _listed(request)):
        return b""
    wants_update = said is not None and bool(said[:1]) and bool(said[0] & _S)
    if domain and "." not in port.hostname:
        name = domain_name(f"{port.hostname}.{domain}")
    else:  # section 4.2: a name that is not qualified has no empty label at its end
        name = domain_name(port.hostname) if "." in port.hostname else domain_name(port.hostname)[:-1]
    return tlv.encode(wire.CLIENT_FQDN, bytes((_N | (_O if wants_update else 0),)) + name)


def _listed(request: Request) -> bool:
    wanted = request.options.get(wire.OPTION_REQUEST, b"")
    return any(int.from_bytes(wanted[at : at + 2], "big") == wire.CLIENT_FQDN for at in range(0, len(wanted), 2))
