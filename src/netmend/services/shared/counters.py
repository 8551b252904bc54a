"""Counters of one network: datagrams at the sockets, messages in a responder of DHCP."""

from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import asdict

Reason = TypeVar("Reason", bound=StrEnum)


class SocketCounters(Struct):
    """Counts of one network's datagrams outside its responder."""

    received: int = 0
    sent: int = 0
    limited_ports: int = 0
    limited_strangers: int = 0
    exceptions: int = 0
    errors: dict[str, int] = field(default_factory=dict)  # by operation and errno: "send ENETDOWN"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "errors": dict(self.errors)}


class MessageCounters(Generic[Reason]):
    """Counts since the start, by message type and by reason for silence; a subclass says which there are."""

    __slots__ = ("dropped", "received", "sent")

    _types: ClassVar[type[IntEnum]]
    _by_type: ClassVar[list[int]]  # zeros; index: message type
    _by_reason: ClassVar[dict[Any, int]]

    def __init_subclass__(cls, *, types: type[IntEnum], reasons: type[StrEnum]) -> None:
        cls._types = types
        cls._by_type = [0] * (max(types) + 1)
        cls._by_reason = dict.fromkeys(reasons, 0)

    def __init__(self) -> None:
        self.received = self._by_type.copy()
        self.sent = self._by_type.copy()
        self.dropped: dict[Reason, int] = self._by_reason.copy()

    def as_dict(self) -> dict[str, dict[str, int]]:
        """`{"received": {type: n, ...}, "sent": {...}, "dropped": {reason: n, ...}}`, without zeros."""
        return {
            "received": {kind.name.lower(): self.received[kind] for kind in self._types if self.received[kind]},
            "sent": {kind.name.lower(): self.sent[kind] for kind in self._types if self.sent[kind]},
            "dropped": {reason.name.lower(): count for reason, count in self.dropped.items() if count},
        }
