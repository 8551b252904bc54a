"""Routers of a pass: their namespaces and rules before the networks, the rest of them after."""
