"""What one network's responder has done."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Queries by what became of them, those answered from memory not counted again; and forwards that failed."""

    local: int = 0
    cached: int = 0
    forwarded: int = 0
    refused: int = 0
    malformed: int = 0
    failed: int = 0  # SERVFAIL: nobody had an answer
    rebinding: int = 0  # answers with private addresses, refused

    def as_dict(self) -> dict[str, int]:
        return asdict(self)
