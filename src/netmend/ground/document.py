"""What a reader makes of a text: values that know their lines, and what is wrong with the text itself."""

from typing import Any, NamedTuple

from msgspec import Struct

from netmend.ground.problem import Place


class Mark(NamedTuple):
    """The line and column at which something starts; both count from 1."""

    line: int
    column: int


_BEGINNING = Mark(1, 1)


class Fault(NamedTuple):
    """One reason why a text is no document."""

    line: int
    why: str
    key: str = ""  # the key that is there twice, when that is the reason


class DocumentError(Exception):
    """Text that is no document. `faults` is never empty.

    `document` holds what the text says apart from its faults, for a caller that looks for further mistakes in it; None
    where the reader could not go on.
    """

    def __init__(self, *faults: Fault, document: "Document | None" = None) -> None:
        super().__init__(*faults)
        self.faults = faults
        self.document = document

    def __str__(self) -> str:
        return "; ".join(f"line {fault.line}: {fault.why}" for fault in self.faults)


class Mapping(dict[str, Any]):
    """A mapping of a located document: `mark` says where it starts, `mark_of` where each key does."""

    __slots__ = ("mark", "mark_of")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.mark_of: dict[str, Mark] = {}

    @property
    def line(self) -> int:
        """The start of the mapping."""
        return self.mark.line

    def line_of(self, key: str) -> int:
        """The key's line; that of the mapping where it has no such key."""
        return self.mark_of.get(key, self.mark).line


class Sequence(list[Any]):
    """A list of a located document: `mark` says where it starts, `mark_of` where each item does."""

    __slots__ = ("mark", "mark_of")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.mark_of: list[Mark] = []

    def line_of(self, index: int) -> int:
        """The item's line."""
        return self.mark_of[index].line


class Document(Struct, frozen=True):
    """One document. Its mappings and lists are `Mapping` and `Sequence` where the reader was asked for `located`, else
    plain ones. The root is None when the text holds nothing."""

    root: Any
    start: Mark = _BEGINNING

    def mark(self, place: Place) -> Mark:
        """The start of `place`, or of the nearest thing around it that the document has."""
        node, mark = self.root, self.start
        for step in place:
            if isinstance(node, Mapping) and isinstance(step, str):
                mark = node.mark_of.get(step, mark)
            elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node):
                mark = node.mark_of[step]
            try:
                node = node[step]
            except (LookupError, TypeError):
                break
        return mark

    def line(self, place: Place) -> int:
        """The line of `mark(place)`."""
        return self.mark(place).line
