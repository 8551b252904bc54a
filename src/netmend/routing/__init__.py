"""Routers as what a namespace should hold: devices, addresses, routes and rules, as values.

`netmend.reconcile` observes what is there and applies the difference.
"""
