"""YAML or JSON text as plain values: mappings, lists, text, numbers, true, false and null.

Scalars mean what YAML 1.2's core schema says (yaml.org/spec/1.2.2, section 10.3.2), not what YAML 1.1 said: there
`12:34:56:11:22:33` was a number in base 60, `no` and `on` were booleans, and 010 was eight. Keys are always text, as
typed. Anchors, aliases and merge keys (`<<`, yaml.org/type/merge.html) work. libyaml supplies the events; values are
built here, because no schema of PyYAML is YAML 1.2's.

What a document may cost is bounded: its depth, and what aliases add to its size ("billion laughs").
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from netmend.sources.problem import Place

DEPTH_MAX = 32
ALIASED_NODES_MAX = 1_000_000  # what aliases may add, all together

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(
    r"(?P<decimal>[-+]?[0-9]+)"
    r"|(?P<prefixed>0o[0-7]+|0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<infinity>[-+]?\.(?:inf|Inf|INF))"
    r"|(?P<nan>\.(?:nan|NaN|NAN))"
)
MAYBE_NOT_TEXT = frozenset("+-.0123456789~nNtTfF") | {""}  # how plain scalars start that are not text
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_CONTAINER_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE: Any = object()  # stands for a plain `<<` among the keys of a mapping until that ends

Lines = dict[int, dict[str | int, int]]  # by id() of a mapping or list: where each key or item starts


class DocumentError(Exception):
    """Text that is no document: `faults` are lines (from 1) and reasons."""

    def __init__(self, *faults: tuple[int, str]) -> None:
        super().__init__(*faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text. `lines` is empty unless `parse` was asked for it."""

    root: Any
    lines: Lines

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it that has one."""
        node, line = self.root, 1
        for step in place:
            line = self.lines.get(id(node), {}).get(step, line)
            try:
                node = node[step]
            except (LookupError, TypeError):
                break
        return line


def parse_json(text: bytes) -> Document:
    """The document in `text`, several times faster than `parse`.

    ValueError or RecursionError when it is not JSON (RFC 8259) or a key appears twice; `parse` can tell where.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) != len(pairs):
            raise ValueError("duplicate key")
        return mapping

    return Document(json.loads(text, object_pairs_hook=unique), {})


def resolve(text: str) -> str | int | float | bool | None:
    """What a plain scalar means in the core schema."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    try:
        if match.lastgroup == "decimal":
            return int(text)
        if match.lastgroup == "prefixed":
            return int(text, 0)
    except ValueError:  # more digits than Python converts (sys.set_int_max_str_digits)
        return text
    return float(text.replace(".", "")) if match.lastgroup in ("infinity", "nan") else float(text)


def parse(text: bytes, *, with_lines: bool = False) -> Document:
    """The one document in `text` (UTF-8, or UTF-16 with a byte order mark); its root is None when there is none.

    Raises DocumentError.
    """
    parser = yaml.CBaseLoader(text)
    try:
        return _build(parser, with_lines)
    except yaml.reader.ReaderError as error:
        raise DocumentError(_unreadable(text, error)) from None
    except yaml.MarkedYAMLError as error:
        raise DocumentError(_not_yaml(text, error)) from None
    finally:
        parser.dispose()


def _build(parser: Any, with_lines: bool) -> Document:
    """One pass over the events. The loop is flat and checks types by identity: it runs a million times for a file of
    65,000 ports."""
    next_event = parser.get_event
    scalar, mapping_start, mapping_end = ScalarEvent, MappingStartEvent, MappingEndEvent
    sequence_start, sequence_end = SequenceStartEvent, SequenceEndEvent
    maybe_not_text = MAYBE_NOT_TEXT
    holder: list[Any] = []  # the root is its only item
    current: Any = holder
    is_mapping = False
    key: Any = None  # the key that waits for its value
    outer: list[tuple[Any, bool, Any, str | None, int]] = []
    anchors: dict[str, tuple[Any, int]] = {}  # values, and how many nodes they hold
    nodes = aliased = 0
    lines: Lines = {id(holder): {}}
    duplicates: list[tuple[int, str]] = []

    while True:
        event = next_event()
        kind = type(event)
        if kind is scalar:
            nodes += 1
            value = event.value
            tag = event.tag
            if tag is None:
                if is_mapping and key is None:
                    if value == "<<" and event.implicit[0]:
                        value = _MERGE
                elif event.implicit[0] and value[:1] in maybe_not_text:
                    value = resolve(value)
            elif tag not in _TEXT_TAGS:
                raise DocumentError((event.start_mark.line + 1, f"the tag {tag!r} has no meaning here"))
            if event.anchor is not None:
                anchors[event.anchor] = value, 1
        elif kind is mapping_start or kind is sequence_start:
            nodes += 1
            if len(outer) >= DEPTH_MAX:
                raise DocumentError((event.start_mark.line + 1, f"nested more than {DEPTH_MAX} deep"))
            if is_mapping and key is None:
                raise DocumentError((event.start_mark.line + 1, "a key is text, not a mapping or a list"))
            if event.tag not in _CONTAINER_TAGS:
                raise DocumentError((event.start_mark.line + 1, f"the tag {event.tag!r} has no meaning here"))
            if with_lines and not is_mapping:
                lines[id(current)][len(current)] = event.start_mark.line + 1
            if event.anchor is not None:
                anchors.pop(event.anchor, None)  # until it ends, an alias to it would contain itself
            outer.append((current, is_mapping, key, event.anchor, nodes))
            is_mapping = kind is mapping_start
            current = {} if is_mapping else []
            key = None
            if with_lines:
                lines[id(current)] = {}
            continue
        elif kind is mapping_end or kind is sequence_end:
            value = current
            if is_mapping and _MERGE in value:
                _merge(value, event.start_mark.line + 1)
            current, is_mapping, key, anchor, before = outer.pop()
            if anchor is not None:
                anchors[anchor] = value, nodes - before + 1
        elif kind is AliasEvent:
            if event.anchor not in anchors:
                raise DocumentError((event.start_mark.line + 1, f"there is no &{event.anchor} before this alias to it"))
            if is_mapping and key is None:
                raise DocumentError((event.start_mark.line + 1, "a key is text, not an alias"))
            value, size = anchors[event.anchor]
            nodes += size
            aliased += size
            if aliased > ALIASED_NODES_MAX:
                why = f"aliases make this file larger by more than {ALIASED_NODES_MAX} values"
                raise DocumentError((event.start_mark.line + 1, why))
        elif kind is StreamEndEvent:
            break
        else:
            if kind is DocumentStartEvent and holder:
                raise DocumentError((event.start_mark.line + 1, "a second document starts here; a file holds one"))
            continue

        # `value` is complete: it is a key, or goes under the key that waits, or is the next item.
        if not is_mapping:
            if with_lines and kind is not mapping_end and kind is not sequence_end:
                lines[id(current)][len(current)] = event.start_mark.line + 1
            current.append(value)
        elif key is None:
            key = value
            if with_lines:
                lines[id(current)][key] = event.start_mark.line + 1
            if key in current:
                shown = "<<" if key is _MERGE else key
                duplicates.append((event.start_mark.line + 1, f"the key {shown!r} is already in this mapping"))
        else:
            current[key] = value
            key = None

    if duplicates:
        raise DocumentError(*duplicates)
    return Document(holder[0] if holder else None, lines if with_lines else {})


def _merge(mapping: dict[Any, Any], line: int) -> None:
    """Replace the merge key by what it names; keys of the mapping itself win, then earlier mappings over later."""
    merged = mapping.pop(_MERGE)
    for source in merged if isinstance(merged, list) else [merged]:
        if not isinstance(source, dict):
            raise DocumentError((line, "the merge key << takes a mapping or a list of mappings"))
        for key, value in source.items():
            mapping.setdefault(key, value)


def _unreadable(text: bytes, error: yaml.reader.ReaderError) -> tuple[int, str]:
    line = text.count(b"\n", 0, max(0, error.position)) + 1
    if error.encoding == "unicode" or error.reason == "control characters are not allowed":
        return line, f"a control character ({error.character:#04x}) is here: this is no text file"
    return line, f"this is not UTF-8 text ({error.reason})"


def _not_yaml(text: bytes, error: yaml.MarkedYAMLError) -> tuple[int, str]:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    why = str(error.problem or "cannot be parsed")
    content = text.split(b"\n", line)[line - 1 : line]
    if content and b"\t" in content[0][: len(content[0]) - len(content[0].lstrip())]:
        return line, "a tab in the indentation; YAML indents with spaces"
    if error.context:
        why = f"{why} {error.context}"
    return line, f"not YAML: {why}"
