"""nftables by netlink: tables, sets, chains and rules in family bridge (net/netfilter/nf_tables_api.c).

Ours, and not libnftables: that is a C library with a parser, which netmend would have to find on every host, and a pass
needs two requests of it: a table in one transaction, and the elements of its sets. Measured with 30,000 elements: see
docs/security.md.
"""
