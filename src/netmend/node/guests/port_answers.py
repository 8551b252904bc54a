"""What ports last heard and said of their addresses, over both versions of DHCP."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

from netmend.services.dhcp4 import LeaseRow

if TYPE_CHECKING:  # a node without IPv6 does not load it
    from netmend.services.dhcp6 import LeaseRow as LeaseRow6

AnyLease: TypeAlias = Union[LeaseRow, "LeaseRow6"]


@dataclass(frozen=True, slots=True)
class PortAnswers:
    """Times are seconds since the epoch."""

    acknowledged: float | None  # when the port was last given one of its addresses
    declined: float | None  # when it last said that one of them is in use by somebody else


def answers_by_port(leases: Iterable[AnyLease]) -> dict[str, PortAnswers]:
    """By port id; ports that said nothing are not in it."""
    found: dict[str, PortAnswers] = {}
    for lease in leases:
        if lease.port_id is not None:
            before = found.get(lease.port_id)
            found[lease.port_id] = PortAnswers(
                _later(before.acknowledged if before else None, lease.acknowledged),
                _later(before.declined if before else None, lease.declined),
            )
    return found


def _later(one: float | None, other: float | None) -> float | None:
    return max(filter(None, (one, other)), default=None)
