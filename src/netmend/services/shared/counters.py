"""What happened to the datagrams of one network outside its responder."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class SocketCounters:
    """What happened to one network's datagrams outside its responder."""

    received: int = 0
    sent: int = 0
    limited_ports: int = 0
    limited_strangers: int = 0
    exceptions: int = 0
    errors: dict[str, int] = field(default_factory=dict)  # by operation and errno: "send ENETDOWN"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "errors": dict(self.errors)}
