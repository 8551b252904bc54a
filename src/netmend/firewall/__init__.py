"""Port security as one model: whose addresses a port may use, what that is as nftables, and the verdict on a frame.

Pure: values of intent in, values out. `netmend.reconcile.firewall` puts the rules in force.
"""
