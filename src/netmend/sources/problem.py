"""What is wrong with an intent: every problem at once, each with its place."""

from dataclasses import dataclass

PROBLEMS_MAX = 50  # told; a file with more of them is broken in one way, many times
WHY_MAX = 400  # characters

Place = tuple[str | int, ...]  # the keys and indexes that lead to a field, such as ("networks", 0, "mtu")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` counts from 1, and is 0 when there is no text to count in; `field` is a path such
    as `networks[blue].ports[web].mac`, and empty when it is the document that is wrong."""

    file: str
    line: int
    field: str
    why: str

    def __post_init__(self) -> None:
        if len(self.why) > WHY_MAX:  # it may quote what is wrong, of any length
            object.__setattr__(self, "why", f"{self.why[: WHY_MAX // 2]} ... {self.why[-WHY_MAX // 2 :]}")

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.why}" if self.field else f"{place}: {self.why}"


class SourceError(Exception):
    """A source has no intent to give; the text is a sentence for a person."""


class IntentError(SourceError):
    """An intent that cannot be used. `problems` is never empty; `str()` gives one a line."""

    def __init__(self, problems: tuple[Problem, ...], omitted: int = 0) -> None:
        super().__init__(problems, omitted)
        self.problems = problems
        self.omitted = omitted  # how many more there are than `problems` tells

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if self.omitted:
            lines.append(f"{self.problems[0].file}: and {self.omitted} more problems")
        return "\n".join(lines)


class Complaints:
    """What was found so far, in order, before fields have names and lines."""

    def __init__(self) -> None:
        self.found: list[tuple[Place, str]] = []
        self.omitted = 0

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, place: Place, why: str) -> None:
        if len(self.found) < PROBLEMS_MAX:
            self.found.append((place, why))
        else:
            self.omitted += 1
