"""The sockets of DNS: UDP and TCP towards guests, in their networks' namespaces, and towards servers, in the host's.

One thread serves all (`netmend.services.shared.io.loop`). `DnsSockets` is the door; `udp` and `tcp` are the guests'
side; `forwarder` decides which server to ask and for how long, `exchange` asks one server; `limits` says how much each
may be. What to answer is `netmend.services.dns`'s business.
"""

from netmend.services.dns.io.limits import Limits, Traffic
from netmend.services.dns.io.server import DnsSockets

__all__ = ["DnsSockets", "Limits", "Traffic"]
