"""Intent from OpenStack Neutron, in the place of its DHCP and metadata agents, over the RPC that those speak.

| file | what it knows |
|---|---|
| `names` | what Neutron calls things: owners of ports, ids of DHCP ports |
| `policy` | what of the agents' configuration shapes intent |
| `translate`, `subnets`, `metadata`, `extra_options`, `dns_names` | RPC dictionaries to intent values; pure |
| `dhcp_port` | which port of a network is ours, and what to ask the server for when there is none; pure |
| `cache` | the networks as the server last described them, with notifications applied as they come; pure |
| `configuration` | Neutron's own files, by oslo.config |
| `rpc`, `notices` | the server's calls, and its notifications to us, by oslo.messaging |
| `last_known` | the networks on disk, for the time when the server is away |
| `credentials`, `listing` | Neutron's API asked once for all that it knows, by aiohttp |
| `agent` | the threads that put these together |
"""
