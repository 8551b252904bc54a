"""DHCPv6 without I/O: intent and bytes in, bytes out.

Theory of operation
-------------------
A `Dhcp6Responder` serves one network. It owns no socket and no clock: their owner hands it each UDP payload with
its `Sender` and the time, and sends the `Reply` it gives back to where the request came from. What answers there are is
known ahead, from intent:

1. `relay` takes off the envelopes of relays, `request` takes the client's message apart. Any bytes are either a
   well-formed request or a `Drop` reason (`counters`); `acceptance` has the messages that must be discarded.
2. `link` says which subnets the client can be in: those of the segment, or the one that a relay names.
3. `directory` finds the port: by the MAC of the frame, by a DUID that intent names, by what a relay or the client
   shows. `reserved` decides the addresses of a port, `dynamic` those of other clients, over `leases` of subnets that
   are dynamic. `conversation` follows RFC 8415 section 18.3 for either, and yields an `Answer` or a reason for silence.
4. `rendering` puts the options of an answer into wire form, in the order and as far as the client wants them. What each
   option says is in `options`, one file a family. Ports that differ in address and name only share renderings.
5. `reply` adds what is the request's own (transaction, identifiers, associations), keeps to the network's MTU; `relay`
   puts the envelopes back.

Time is seconds since the epoch. A new lease must be stored before the reply that rests on it is sent: `take_changes`.

Not spoken: prefix delegation and temporary addresses (the reply says so), Reconfigure and authentication (RFC 8415
sections 18.4 and 20), server unicast (21.12), leasequery (RFC 5007), bulk or active.
"""

from netmend.services.dhcp6.counters import Counters, Drop
from netmend.services.dhcp6.reply import Reply
from netmend.services.dhcp6.responder import Dhcp6Responder, Sender
from netmend.services.leases.rows import LeaseRow

__all__ = ["Counters", "Dhcp6Responder", "Drop", "LeaseRow", "Reply", "Sender"]
