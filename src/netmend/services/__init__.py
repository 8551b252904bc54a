"""The services for guests, one folder each: `dhcp4`, `dhcp6` (router advertisements are its `ra`), `dns` and
`metadata`.

Each is a pure core: intent, time and octets in, octets out. Its `io/` holds the sockets, and what is kept on disk; no
core imports one. What several services need is in two folders more: `leases` (dynamic leases of both DHCPs, their rows
for status; in `io/`, their store and the server that both DHCPs are) and `shared` (limits by sender, counters, changes
of ports; in `io/`, the loop of one thread, and endpoints for datagrams in it).
"""
