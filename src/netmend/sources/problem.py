"""Problems of an intent: all at once, each with its place."""

from netmend.ground.problem import Place, Problem

PROBLEMS_MAX = 50  # in words; a file with more of them is broken in one way, many times


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
