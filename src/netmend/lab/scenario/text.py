"""The text of scenarios as values, and complaints that name their place: ``file:line: field: why``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from netmend.ground import document as ground
from netmend.ground.located_yaml import parse, parse_json
from netmend.ground.problem import Place, Problem, field_path

_Word = TypeVar("_Word", bound=str)


class ScenarioError(Exception):
    """A file that holds no usable scenario; one line a problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Document:
    """One scenario as read from ``file``; ``stem`` names it where it does not name itself."""

    file: str
    stem: str
    content: ground.Document


def documents(name: str, text: str) -> Iterator[Document]:
    """The documents of a file, by the ending of its name. Raises ScenarioError where the text is not of the format."""
    stem = PurePath(name).stem
    if name.endswith(".jsonl"):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                root = _json(name, number, line)
                yield Document(name, f"{stem}:{number}", ground.Document(root, ground.Mark(number, 1)))
        return
    try:
        yield Document(name, stem, parse(text, located=True))
    except ground.DocumentError as error:
        problems = [
            Problem(name, fault.line, fault.key, "this key is here twice" if fault.key else fault.why)
            for fault in error.faults
        ]
        raise ScenarioError(problems) from None


def _json(name: str, number: int, line: str) -> Any:
    try:
        return parse_json(line).root
    except json.JSONDecodeError as error:
        why = f"not JSON: {error.msg} at column {error.colno}"
    except ValueError as error:
        why = f"not JSON: {error}"
    raise ScenarioError([Problem(name, number, "", why)])


def _is_plain(text: str) -> bool:
    """No NUL, and no half of a surrogate pair, which JSON can spell and UTF-8 cannot."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


@dataclass(slots=True)
class Value:
    """A part of a document; each question complains where the answer is not of the kind asked for."""

    document: Document
    value: Any
    place: Place
    problems: list[Problem]

    def complain(self, why: str) -> None:
        content = self.document.content
        field = field_path(content.root, self.place)
        self.problems.append(Problem(self.document.file, content.line(self.place), field, why))

    def field(self, name: str) -> Value:
        value = self.value.get(name) if isinstance(self.value, Mapping) else None
        return Value(self.document, value, (*self.place, name), self.problems)

    def mapping(self, *, required: bool = False) -> Mapping[str, Any] | None:
        if isinstance(self.value, Mapping):
            return self.value
        if self.value is not None or required or not self.place:
            self.complain(f"must be a mapping{self._not_this()}")
        return None

    def only(self, *names: str) -> None:
        """Complain about fields of other names."""
        for name in self.mapping() or {}:
            if name not in names:
                self.field(name).complain(f"no such field; there are {', '.join(names)}")

    def items(self) -> Iterator[tuple[str, Value]]:
        for name in self.mapping() or {}:
            if _is_plain(name):
                yield name, self.field(name)
            else:
                self.complain("has a key with a character that no line of output can have")

    def sequence(self, *, required: bool = False) -> list[Value]:
        if self.value is None and not required:
            return []
        if not isinstance(self.value, list):
            self.complain(f"must be a list{self._not_this()}")
            return []
        return [Value(self.document, item, (*self.place, n), self.problems) for n, item in enumerate(self.value)]

    def text(self, *, default: str | None = None, required: bool = False) -> str:
        if self.value is None and default is not None and not required:
            return default
        if isinstance(self.value, str) or (isinstance(self.value, int) and not isinstance(self.value, bool)):
            text = str(self.value)
            if _is_plain(text):
                return text
            self.complain("has a character that no path and no line of output can have")
            return ""
        self.complain(f"must be a string{self._not_this()}")
        return ""

    def text_or_mapping(self) -> str | Mapping[str, object]:
        if not isinstance(self.value, Mapping):
            return self.text()
        if not _is_plain(json.dumps(self.value, ensure_ascii=False, default=str).replace("\\u0000", "\0")):
            self.complain("has a character that no path and no line of output can have")
        return self.value

    def path(self) -> str:
        path = self.text(required=True)
        if path and not path.startswith("/"):
            self.complain(f"{path!r} is not an absolute path")
        return path

    def boolean(self, *, default: bool) -> bool:
        if self.value is None:
            return default
        if not isinstance(self.value, bool):
            self.complain(f"must be true or false{self._not_this()}")
            return default
        return self.value

    def choice(self, words: tuple[_Word, ...], *, default: _Word | None = None, required: bool = False) -> _Word:
        if self.value is None and default is not None and not required and default in words:
            return default
        for word in words:
            if self.value == word:
                return word
        known = ", ".join(word for word in words if word)
        self.complain(f"must be one of {known or 'the containers, and there are none'}{self._not_this()}")
        return words[0] if words else default  # type: ignore[return-value]

    def _not_this(self) -> str:
        if self.value is None:
            return "; it is missing"
        shown = repr(self.value)
        return f", not {shown if len(shown) <= 60 else shown[:57] + '...'}"
