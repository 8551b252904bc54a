"""Joins a source of intent to the loop of a node: the file, the store, Neutron. Each is a `Source`."""
