"""Ports by id that share all that did not change with the ports they were made of."""

from netmend.intent.evolving_map import EvolvingMap
from netmend.intent.port import Port


class PortMap(EvolvingMap[str, Port]):
    """An immutable mapping from port ids to ports."""

    __slots__ = ()
