"""Port security and security groups as one model: whose addresses a port may use, what it may send and be sent, what
that is as nftables, and the verdict on a packet, with the rule that says so.

Pure: values of intent in, values out. `netmend.reconcile.firewall` puts the rules in force.
"""
