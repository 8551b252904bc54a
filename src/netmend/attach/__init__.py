"""Joining guests to ports of the store: `netmend attach`, `netmend detach`, and the CNI plugin. Each is a client of the
API's unix socket; where the device goes is the port's `plug`, and the node wires it."""
