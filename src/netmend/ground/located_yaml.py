"""The one reader of YAML and JSON: text as plain values (mappings, lists, text, numbers, true, false, null).

The dialect, for every file that netmend reads:

- Scalars mean what YAML 1.2's core schema says (yaml.org/spec/1.2.2, section 10.3.2). `no`, `yes`, `on`, `off`,
  `12:34:56:11:22:33` and dates are text, and 010 is ten. Keys are text, as typed.
- An alias stands for the very value of its anchor. A merge key (`<<`, yaml.org/type/merge.html) adds the keys that its
  mapping lacks; the first of several merged mappings wins. A key that a mapping has twice is a fault, each time.
- Tags other than `!!str`, and keys that are no scalars, are faults.
- The depth of a document is bounded, and so is what aliases add to it in size ("billion laughs") and in depth.

Files of other programs (`foreign`) are read for a few of their fields, so what is their own business passes: their
tags are ignored, the last of two equal keys counts, and numbers stay text as written.

The reader is total: any bytes give values or DocumentError. libyaml supplies the events; the values are built here,
without recursion, because no schema of PyYAML is YAML 1.2's.
"""

import json
import re
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from netmend.ground.document import Document, DocumentError, Fault, Mapping, Mark, Sequence

DEPTH_MAX = 32
FOREIGN_DEPTH_MAX = 100  # Kubernetes nests deeply
ALIASED_NODES_MAX = 1_000_000  # how many values aliases may add, all together

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
_MAYBE_NOT_TEXT = frozenset("+-.0123456789~nNtTfF") | {""}  # how plain scalars start that are not text
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_CONTAINER_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE: Any = object()  # stands for a plain `<<` among the keys of a mapping until that ends


def parse(text: bytes | str, *, located: bool = False) -> Document:
    """The one document in `text` (UTF-8, or UTF-16 with a byte order mark). Raises DocumentError.

    `located` costs a quarter more time.
    """
    documents = _documents(text, located=located, foreign=False)
    if len(documents) > 1:
        raise DocumentError(Fault(documents[1].start.line, "a second document starts here; a file holds one"))
    return documents[0] if documents else Document(None)


def parse_foreign(text: bytes | str) -> list[Document]:
    """The documents of another program's file, located. Raises DocumentError."""
    return _documents(text, located=True, foreign=True)


def parse_json(text: bytes | str) -> Document:
    """The document in `text`, ten times faster than `parse`, without marks.

    ValueError when it is not JSON (RFC 8259), is nested more than DEPTH_MAX deep, or a key appears twice: `parse` says
    where, or takes it as YAML.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) != len(pairs):
            raise ValueError("a key appears twice")
        return mapping

    try:
        root = json.loads(text, object_pairs_hook=unique)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level: list[Any] = [root] if type(root) in (dict, list) else []
    for _ in range(DEPTH_MAX):
        level = [
            value
            for container in level
            for value in (container.values() if type(container) is dict else container)
            if type(value) is dict or type(value) is list
        ]
    if level:
        raise ValueError(f"nested more than {DEPTH_MAX} deep")
    return Document(root)


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


def _resolve_foreign(text: str) -> str | bool | None:
    return _CONSTANTS.get(text, text)


def _documents(text: bytes | str, *, located: bool, foreign: bool) -> list[Document]:
    if isinstance(text, str):
        text = text.encode(errors="surrogatepass")  # half a surrogate pair is found below
    try:
        return _read(text, located=located, foreign=foreign)
    except DocumentError:
        if b"\t" not in text or text.lstrip()[:1] not in (b"[", b"{"):
            raise
    # JSON may be indented with tabs, and YAML may not; no string of JSON holds one.
    return _read(text.replace(b"\t", b" "), located=located, foreign=foreign)


def _read(text: bytes, *, located: bool, foreign: bool) -> list[Document]:
    parser = yaml.CBaseLoader(text)
    documents: list[Document] = []
    faults: list[Fault] = []  # those after which the reader can go on
    try:
        _build(parser, documents, faults, located=located, foreign=foreign)
    except yaml.reader.ReaderError as error:
        faults.append(_unreadable(text, error))
    except yaml.MarkedYAMLError as error:
        faults.append(_not_yaml(text, error))
    except _FatalError as error:
        faults.append(error.fault)
    else:
        if faults:
            raise DocumentError(*faults, document=documents[0] if len(documents) == 1 else None)
        return documents
    finally:
        parser.dispose()
    raise DocumentError(*faults)


class _FatalError(Exception):
    """A fault after which the reader cannot go on."""

    def __init__(self, event: Any, why: str) -> None:
        super().__init__(why)
        self.fault = Fault(event.start_mark.line + 1, why)


def _build(parser: Any, documents: list[Document], faults: list[Fault], *, located: bool, foreign: bool) -> None:
    """One pass over the events. The loop is flat and checks types by identity: it runs a million times for a file of
    65,000 ports."""
    next_event = parser.get_event
    scalar, mapping_start, mapping_end = ScalarEvent, MappingStartEvent, MappingEndEvent
    sequence_start, sequence_end = SequenceStartEvent, SequenceEndEvent
    maybe_not_text = _MAYBE_NOT_TEXT
    meaning: Any = _resolve_foreign if foreign else resolve
    depth_max = FOREIGN_DEPTH_MAX if foreign else DEPTH_MAX
    holder: Any = Sequence(Mark(1, 1)) if located else []  # the root is its only item
    current: Any = holder
    is_mapping = False
    key: Any = None  # the key that waits for its value
    height = 0  # how deep the containers in `current` go, so far
    outer: list[tuple[Any, bool, Any, str | None, int, int]] = []
    anchors: dict[str, tuple[Any, int, int]] = {}  # values, how many nodes they hold, their height
    nodes = aliased = 0
    start = Mark(1, 1)

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
                    value = meaning(value)
            elif tag not in _TEXT_TAGS:
                if not foreign:
                    faults.append(Fault(event.start_mark.line + 1, f"the tag {tag!r} has no meaning here"))
                if not (is_mapping and key is None):
                    value = meaning(value)
            if event.anchor is not None:
                anchors[event.anchor] = value, 1, 0
        elif kind is mapping_start or kind is sequence_start:
            nodes += 1
            if len(outer) >= depth_max:
                raise _FatalError(event, f"nested more than {depth_max} deep")
            if is_mapping and key is None:
                raise _FatalError(event, "a key is text, not a mapping or a list")
            if event.tag not in _CONTAINER_TAGS and not foreign:
                faults.append(Fault(event.start_mark.line + 1, f"the tag {event.tag!r} has no meaning here"))
            if event.anchor is not None:
                anchors.pop(event.anchor, None)  # until it ends, an alias to it would contain itself
            outer.append((current, is_mapping, key, event.anchor, nodes, height))
            if located:
                mark = _mark(event)
                if not is_mapping:
                    current.mark_of.append(mark)
                current = Mapping(mark) if kind is mapping_start else Sequence(mark)
            else:
                current = {} if kind is mapping_start else []
            is_mapping = kind is mapping_start
            key = None
            height = 0
            continue
        elif kind is mapping_end or kind is sequence_end:
            value = current
            if is_mapping and _MERGE in value and not _merge(value):
                faults.append(
                    Fault(event.start_mark.line + 1, "the merge key << takes a mapping or a list of mappings")
                )
            inner = height + 1
            current, is_mapping, key, anchor, before, height = outer.pop()
            height = max(height, inner)
            if anchor is not None:
                anchors[anchor] = value, nodes - before + 1, inner
        elif kind is AliasEvent:
            if is_mapping and key is None:
                if event.anchor in anchors:
                    raise _FatalError(event, "a key is text, not an alias")
                raise _FatalError(event, f"there is no &{event.anchor} before this alias to it")
            if event.anchor in anchors:
                value, size, inner = anchors[event.anchor]
            else:
                faults.append(Fault(event.start_mark.line + 1, f"there is no &{event.anchor} before this alias to it"))
                value, size, inner = None, 1, 0
            nodes += size
            aliased += size
            height = max(height, inner)
            if aliased > ALIASED_NODES_MAX:
                raise _FatalError(event, f"aliases make this file larger by more than {ALIASED_NODES_MAX} values")
            if len(outer) + inner > depth_max:
                raise _FatalError(event, f"nested more than {depth_max} deep, by aliases")
        elif kind is StreamEndEvent:
            return
        else:
            if kind is DocumentStartEvent:
                start = _mark(event)
            elif kind is DocumentEndEvent:
                documents.append(Document(holder.pop(), start))
                if located:
                    holder.mark_of.clear()
                anchors.clear()
                height = 0
            continue

        # `value` is complete: it is a key, or goes under the key that waits, or is the next item.
        if not is_mapping:
            if located and kind is not mapping_end and kind is not sequence_end:
                current.mark_of.append(_mark(event))
            current.append(value)
        elif key is None:
            key = value
            if key in current and not foreign:
                shown = "<<" if key is _MERGE else key
                why = f"the key {shown!r} is already in this mapping"
                faults.append(Fault(event.start_mark.line + 1, why, shown))
            if located:
                current.mark_of[key] = _mark(event)
        else:
            current[key] = value
            key = None


def _mark(event: Any) -> Mark:
    mark = event.start_mark
    return Mark(mark.line + 1, mark.column + 1)


def _merge(mapping: dict[Any, Any]) -> bool:
    """Replace the merge key by what it names; keys of the mapping itself win, then earlier mappings over later. False
    when it names something else than mappings."""
    merged = mapping.pop(_MERGE)
    sources = merged if isinstance(merged, list) else [merged]
    marks: dict[Any, Mark] = mapping.mark_of if isinstance(mapping, Mapping) else {}
    marks.pop(_MERGE, None)
    for source in sources:
        if not isinstance(source, dict):
            continue
        for key, value in source.items():
            if key not in mapping:
                mapping[key] = value
                if isinstance(source, Mapping):
                    marks[key] = source.mark_of[key]
    return all(isinstance(source, dict) for source in sources)


def _unreadable(text: bytes, error: yaml.reader.ReaderError) -> Fault:
    line = text.count(b"\n", 0, max(0, error.position)) + 1
    if error.encoding == "unicode" or error.reason == "control characters are not allowed":
        return Fault(line, f"a control character ({error.character:#04x}) is here: this is no text file")
    return Fault(line, f"this is not UTF-8 text ({error.reason})")


def _not_yaml(text: bytes, error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    line = min(mark.line, text.count(b"\n") + text.count(b"\r")) + 1 if mark else 1
    why = str(error.problem or "cannot be parsed")
    content = text.split(b"\n", line)[line - 1 : line]
    if content and b"\t" in content[0][: len(content[0]) - len(content[0].lstrip())]:
        return Fault(line, "a tab in the indentation; YAML indents with spaces")
    if error.context:
        why = f"{why} {error.context}"
    return Fault(line, f"not YAML: {why}")
