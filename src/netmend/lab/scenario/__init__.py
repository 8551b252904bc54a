"""Scenarios of mounts and namespaces: the format, and performing them."""
