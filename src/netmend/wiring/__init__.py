"""How the devices of a network reach its guests: which devices should exist on the host for it, as values.

A wiring says only *which*; `netmend.reconcile` observes what is there and applies the difference.
"""

from netmend.intent.names import bridge_name
from netmend.intent.network import Network, OvsWiring
from netmend.wiring import bridge, ovs
from netmend.wiring.device import Device, FarEnd, Home, Place, SwitchPort

__all__ = ["Device", "FarEnd", "Home", "Place", "SwitchPort", "bridge_of", "wanted_devices"]


def wanted_devices(network: Network) -> list[Device]:
    """The devices that should exist on the host for `network`, by its wiring; a bridge of its own comes first."""
    if isinstance(network.wiring, OvsWiring):
        return ovs.wanted_devices(network, network.wiring)
    return bridge.wanted_devices(network)


def bridge_of(network: Network) -> str:
    """The name of the bridge that the network's devices are ports of."""
    return network.wiring.bridge if isinstance(network.wiring, OvsWiring) else bridge_name(network.id)
