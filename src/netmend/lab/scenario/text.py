"""Text to values with their lines, and complaints that name both: ``file:line: field: why``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, TypeVar

import yaml

MOST_NODES = 200_000
"""YAML's aliases can make a short text a huge value; a scenario is smaller than this."""

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class Problem:
    file: str
    line: int
    field: str
    why: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}: {self.field}: {self.why}" if self.field else f"{place}: {self.why}"


class ScenarioError(Exception):
    """A file that holds no usable scenario; one line a problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(slots=True)
class Document:
    """One scenario as read; ``lines``: where in the file each part begins."""

    file: str
    stem: str
    value: Any
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    first_line: int = 1

    def line(self, place: tuple[str | int, ...]) -> int:
        while place not in self.lines:
            if not place:
                return self.first_line
            place = place[:-1]
        return self.lines[place]


def documents(name: str, text: str) -> Iterator[Document]:
    """The documents of a file, by the ending of its name. Raises ScenarioError where the text is not of the format."""
    stem = PurePath(name).stem
    if name.endswith(".jsonl"):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield Document(name, f"{stem}:{number}", _json(name, number, line), first_line=number)
        return
    yield _yaml(name, stem, text)


def _json(name: str, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        why = (
            f"not JSON: {error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "not JSON"
        )
        raise ScenarioError([Problem(name, number, "", why)]) from None


def _yaml(name: str, stem: str, text: str) -> Document:
    document = Document(name, stem, None)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            document.value = _plain(node, (), document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ScenarioError([Problem(name, line, "", f"not YAML: {error.problem or error.context}")]) from None
    except yaml.YAMLError as error:
        raise ScenarioError([Problem(name, 1, "", f"not YAML: {' '.join(str(error).split())}")]) from None
    except RecursionError:
        raise ScenarioError([Problem(name, 1, "", "nested too deeply for a scenario")]) from None
    return document


def _plain(node: yaml.Node, place: tuple[str | int, ...], document: Document) -> Any:
    line = node.start_mark.line + 1
    if len(document.lines) >= MOST_NODES:
        raise ScenarioError([Problem(document.file, line, "", f"more than {MOST_NODES:,} values")])
    document.lines[place] = line
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise ScenarioError([Problem(document.file, key_node.start_mark.line + 1, "", "a key must be a word")])
            key = str(key_node.value)
            if key in mapping:
                raise ScenarioError(
                    [Problem(document.file, key_node.start_mark.line + 1, key, "this key is here twice")]
                )
            mapping[key] = _plain(value_node, (*place, key), document)
            document.lines[*place, key] = key_node.start_mark.line + 1
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, number), document) for number, item in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node)


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
    place: tuple[str | int, ...]
    problems: list[Problem]

    def complain(self, why: str) -> None:
        name = ""
        for part in self.place:
            name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
        self.problems.append(Problem(self.document.file, self.document.line(self.place), name, why))

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
