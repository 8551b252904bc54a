"""Neutron's API v2.0 over the store, for every client that speaks it; one file a resource."""
