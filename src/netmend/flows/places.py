"""Finding the port that a person names."""

from netmend.flows.switch import Bridge, Switch
from netmend.ground.openflow.switch import BridgePort


class NoPort(Exception):
    """Says which name no port has, or several have."""


def find_port(switch: Switch, text: str) -> tuple[Bridge, BridgePort]:
    """The port with that name, that number on the integration bridge, or that id of Neutron's, or its beginning. Raises
    NoPort."""
    every = [(bridge, port) for bridge in switch.bridges.values() for port in bridge.ports]
    found = [one for one in every if text in {one[1].name, one[1].neutron_id}]
    if not found and len(text) >= 4:
        found = [one for one in every if (one[1].neutron_id or "").startswith(text)]
    if not found and text.isdecimal():
        found = [
            (bridge, port)
            for bridge in switch.bridges.values()
            if any(port.neutron_id for port in bridge.ports)
            for port in bridge.ports
            if port.number == int(text)
        ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoPort(f"{text}: the switch has no port of that name, nor of that id of Neutron's or its beginning")
    names = ", ".join(f"{port.name} on {bridge.name}" for bridge, port in found)
    raise NoPort(f"{text}: several ports are called so: {names}")
