"""Messages that a server must discard, no matter what they ask for: RFC 8415 section 16.

| message | client identifier | server identifier | to a unicast address |
|---|---|---|---|
| Solicit, Confirm, Rebind | must be there | must not | discarded |
| Request, Renew, Release, Decline | must be there | must be ours | status UseMulticast (18.3.2 and the like) |
| Information-request | may be there | ours or none; no identity association | discarded |
"""

from netmend.services.dhcp6.counters import Drop
from netmend.services.dhcp6.request import Request
from netmend.services.dhcp6.wire import MessageType

_TO_ALL = frozenset((MessageType.SOLICIT, MessageType.CONFIRM, MessageType.REBIND))


def why_discard(request: Request, server: bytes, *, unicast: bool) -> Drop | None:
    """Why the message is met with silence; None when it is not. `server` is our DUID."""
    named = request.server
    if request.type == MessageType.INFORMATION_REQUEST:
        if request.associations:
            return Drop.IA_IN_INFORMATION_REQUEST
        if named is not None and named != server:
            return Drop.OTHER_SERVER
        return Drop.UNICAST if unicast else None
    if request.client is None:
        return Drop.NO_CLIENT_IDENTIFIER
    if request.type in _TO_ALL:
        if named is not None:
            return Drop.ODD_SERVER_IDENTIFIER
        return Drop.UNICAST if unicast else None
    if named is None:
        return Drop.NO_SERVER_IDENTIFIER
    return None if named == server else Drop.OTHER_SERVER
