"""A bridge's management socket: OpenFlow 1.4 with Nicira's extensions, 1.3 to read (ovs-vswitchd(8), "OpenFlow
Management"; OpenFlow Switch Specification 1.4).

The codec is ours by measured need. That of os-ken, which Neutron's agent uses, is loaded in 0.20 s with 27 MB and reads
10,000 flows of Neutron's firewall in 0.40 s with 15 MB; this one in 0.04 s with 4 MB, and 0.19 s with 10 MB (`python -m
benchmarks.openflow`). os-ken brings 32 packages along, among them eventlet, which is made to replace Python's sockets.
What this one reads and writes is compared with ovs-ofctl(8) in the tests, text by text.

`connection` is one connection to one bridge, `messages` the forms of messages, `oxm` matches, `actions`, `nicira` and
`learn` what flows do.
"""

from netmend.kernel.openflow.connection import Bridge, SwitchPort, management_socket

__all__ = ["Bridge", "SwitchPort", "management_socket"]
