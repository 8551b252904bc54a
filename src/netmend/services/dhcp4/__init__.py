"""DHCPv4 without I/O: intent and bytes in, bytes out.

Theory of operation
-------------------
A `Dhcp4Responder` serves one network. It owns no socket and no clock: their owner hands it each UDP payload with
the time, and sends the `Reply` it gives back where that says. What answers there are is known ahead, from intent:

1. `request` takes the datagram apart. Any bytes are either a well-formed request or a `Drop` reason (`counters`).
2. `link` says which subnets the client can be in: those of the segment, or the one a relay names.
3. `directory` finds the port by its MAC. A port is answered by the rules of `reserved`, any other client by those of
   `dynamic`, over the `leases` of subnets that are dynamic. Both follow RFC 2131 section 4.3 and yield an `Answer`: a
   message type and an address, or a reason for silence.
4. `rendering` puts the options of an answer into wire form, in the order and as far as the client wants them. What each
   option says is in `options`, one file a family. Ports that differ in address and host name only share
   renderings, so in the long run a reply is two dictionary look-ups and a join.
5. `reply` adds what is the request's own (xid, flags, relay, hardware address, echoed options), keeps to the size that
   the client accepts, and says where the datagram goes.

Time is seconds since the epoch. A new lease must be stored before the reply that rests on it is sent: `take_changes`.

Not spoken: BOOTP without options (RFC 951), DHCPFORCERENEW (RFC 3203), rapid commit (RFC 4039), authentication (RFC
3118), leasequery (RFC 4388).
"""

from netmend.services.dhcp4.counters import Counters, Drop
from netmend.services.dhcp4.reply import Reply
from netmend.services.dhcp4.responder import Dhcp4Responder
from netmend.services.leases.rows import LeaseRow
from netmend.services.leases.table import Lease, LeaseState, LeaseTable

__all__ = ["Counters", "Dhcp4Responder", "Drop", "Lease", "LeaseRow", "LeaseState", "LeaseTable", "Reply"]
