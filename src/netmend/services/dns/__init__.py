"""DNS as a pure protocol: a query and a network's intent in, an answer out, or a question for others. No sockets, no
clock, no threads of its own.

`DnsResponder` answers one network. `query` reads what a guest sent; `local` finds what netmend knows itself, of which
`directory` has the network's ports, `addresses` and `special` say what names can mean, `domains` which other networks
they may belong to; `upstream` makes questions for others and reads what they say, `cache` keeps it; `reply` puts
answers into octets.

Rules that hold throughout:
- Whatever the octets, no exception and work in proportion to them; what a network's guests can make it remember is
  bounded (`cache`, `guests`, `responder.REMEMBERED`).
- One query has one answer or none; nothing that is an answer is ever answered.
- A name of the network's own, or of another network of the node, never leaves the node.
"""

from netmend.services.dns.cache import Entry
from netmend.services.dns.domains import Domains
from netmend.services.dns.responder import DnsResponder, Forward
from netmend.services.dns.upstream import Asked, Verdict, ask, judge

__all__ = ["Asked", "DnsResponder", "Domains", "Entry", "Forward", "Verdict", "ask", "judge"]
