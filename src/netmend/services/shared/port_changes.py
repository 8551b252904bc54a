"""The ports that changed between two intents of a network: unchanged ones are the same objects."""

from collections.abc import Mapping
from itertools import compress
from operator import is_not

from netmend.intent import Port
from netmend.intent.port_map import PortMap


def changed_ports(old: Mapping[str, Port], new: Mapping[str, Port]) -> tuple[list[Port], list[Port]]:
    """The ports of `old` that are gone or different, and those of `new` that are new or different."""
    if isinstance(old, PortMap) and isinstance(new, PortMap) and (keys := new.differing_keys(old)) is not None:
        pairs = [(old.get(key), new.get(key)) for key in keys]
        return (
            [before for before, after in pairs if before is not None and before is not after],
            [after for before, after in pairs if after is not None and before is not after],
        )
    added = list(compress(new.values(), map(is_not, new.values(), map(old.get, new))))
    replaced = [old[port.id] for port in added if port.id in old]
    if len(old) - len(replaced) == len(new) - len(added):
        return replaced, added
    return replaced + [port for key, port in old.items() if key not in new], added
