"""How a network's devices reach its guests: what devices should exist on the host for it, as values.

A wiring says only *what*; `netmend.reconcile` finds out what is there and makes the difference.
"""

from netmend.wiring import bridge
from netmend.wiring.device import Device, FarEnd, Home, Place

__all__ = ["Device", "FarEnd", "Home", "Place", "wanted_devices"]

wanted_devices = bridge.wanted_devices  # the one wiring there is; chosen by Network.wiring when there are more
