"""Metadata without I/O: what a guest learns about itself at 169.254.169.254.

Theory of operation
-------------------
A `MetadataResponder` serves one network. The owner of the sockets hands it each request with the address it came from
and the time, and does what the outcome says: send a `Response`, ask Nova in the name that `Forward` gives, or store
what `KeepPassword` holds.

1. `callers` finds the port by the source address. That, and the network whose socket it came in by, is all that counts;
   no header can claim an identity. A caller that is no port gets 404.
2. Where the network's metadata is proxied, that is all: `Forward` names the instance. Else `facts` gathers what intent
   says about it.
3. `tokens` are IMDSv2's: they prove nothing but that the guest's own software asked for one, which requests forged
   through a web server in the guest cannot do.
4. `ec2` and `openstack` are the two interfaces, `network_data` a part of them, `versions` their versions.

Any request has an outcome; the work it makes is bounded by the size of the request and of the instance's own data.
"""

from netmend.services.metadata.callers import LeaseHolder
from netmend.services.metadata.exchange import Forward, KeepPassword, Outcome, Request, Response, refusal
from netmend.services.metadata.responder import Counters, MetadataResponder
from netmend.services.metadata.tokens import KEY_SIZE

__all__ = [
    "KEY_SIZE",
    "Counters",
    "Forward",
    "KeepPassword",
    "LeaseHolder",
    "MetadataResponder",
    "Outcome",
    "Request",
    "Response",
    "refusal",
]
