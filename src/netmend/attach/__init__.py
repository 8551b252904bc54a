"""Joins guests to ports of the store: `netmend attach`, `netmend detach`, and the CNI plugin. Each asks the API over
its unix socket; the port's `plug` says where the device goes, and the node wires it."""
