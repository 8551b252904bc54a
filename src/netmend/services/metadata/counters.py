"""What became of the requests of a network."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Counts since the network was first served."""

    requests: int = 0
    unknown_callers: int = 0
    tokens: int = 0  # issued
    answers: dict[int, int] = field(default_factory=dict)  # by HTTP status, of whatever was answered

    def answered(self, status: int) -> None:
        self.answers[status] = self.answers.get(status, 0) + 1

    def as_dict(self) -> dict[str, object]:
        return {
            "requests": self.requests,
            "unknown_callers": self.unknown_callers,
            "tokens": self.tokens,
            "answers": {str(status): count for status, count in sorted(self.answers.items())},
        }
