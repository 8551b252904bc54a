"""Whether a change of intent is one that the kernel need not be looked at for."""

from dataclasses import replace

from netmend.intent.network import Network
from netmend.intent.plug import NoPlug
from netmend.services.shared.port_changes import changed_ports


def same_devices(old: Network, new: Network) -> bool:
    """Whether the two differ in ports alone that somebody else wires: what netmend makes is the same. Costs what
    changed, where ports share what did not."""
    if old.ports is new.ports:
        return old == new
    removed, added = changed_ports(old.ports, new.ports)
    if not all(isinstance(port.plug, NoPlug) for port in (*removed, *added)):
        return False
    return replace(new, ports=old.ports) == old
