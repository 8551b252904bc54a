"""A flow: a table's line."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from netmend.ground.openflow.actions import Actions

Match = Mapping[str, tuple[int, int]]
"""By the name of a field (`fields.Field.name`): the value, and the mask of the bits that must have it. VLANs are
`vlan_tci`, as 802.1Q has them, with 0x1000 where there is a tag at all."""

DEFAULT_PRIORITY = 0x8000


@dataclass(frozen=True, slots=True)
class Flow:
    """`unread` names fields of the match that netmend does not know; what the flow means is then in doubt."""

    table: int
    priority: int
    match: Match
    actions: Actions
    cookie: int = 0
    idle_timeout: int = 0  # seconds; 0: none
    hard_timeout: int = 0
    packets: int = field(default=0, compare=False)
    octets: int = field(default=0, compare=False)
    seconds: int = field(default=0, compare=False)  # since it was made
    flags: int = 0
    unread: tuple[str, ...] = ()
