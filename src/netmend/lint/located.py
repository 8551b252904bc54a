"""YAML (and so JSON) as plain values that know their lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml

from netmend.lint.declared import Unreadable

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST: Final = 100
_MOST: Final = 1_000_000
"""Values in one file, aliases counted each time: more is a bomb."""


class Mapping(dict[str, Any]):
    """A mapping; `line_of` its keys, counted from 1."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.line_of: dict[str, int] = {}


class Sequence(list[Any]):
    """A list; `line_of` its items, counted from 1."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.line_of: list[int] = []


def load(text: str) -> Iterator[Any]:
    """Each document of the text. Raises Unreadable at the first line that is not YAML."""
    if text.lstrip()[:1] in ("[", "{"):
        text = text.replace("\t", " ")  # JSON may be indented with tabs, and YAML may not; no string of JSON holds one
    try:
        _measure(text)
        for node in yaml.compose_all(text, Loader=_LOADER):  # nodes only: unknown tags, as of Ansible, do no harm
            if node is not None:
                yield _Builder().build(node, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(
            min(mark.line + 1, text.count("\n") + 1) if mark else 0, f"not YAML: {error.problem or error.context}"
        ) from error
    except yaml.YAMLError as error:
        raise Unreadable(0, f"not YAML: {error}") from error
    except RecursionError as error:
        raise Unreadable(0, "nested too deeply") from error


def _measure(text: str) -> None:
    """Refuse what is nested too deeply, event by event: libyaml's composer would follow it until the stack ends."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
            if depth > _DEEPEST:
                raise Unreadable(event.start_mark.line + 1 if event.start_mark else 0, "nested too deeply")
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1


class _Builder:
    def __init__(self) -> None:
        self._built = 0

    def build(self, node: yaml.Node, depth: int) -> Any:
        self._built += 1
        line = node.start_mark.line + 1
        if depth > _DEEPEST or self._built > _MOST:
            raise Unreadable(line, "nested too deeply, or too much by aliases")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode):
            items = Sequence(line)
            for item in node.value:
                items.append(self.build(item, depth + 1))
                items.line_of.append(item.start_mark.line + 1)
            return items
        found = Mapping(line)
        merged: list[Mapping] = []
        for key, value in node.value:
            built = self.build(value, depth + 1)
            if isinstance(key, yaml.ScalarNode) and key.tag == "tag:yaml.org,2002:merge":
                merged += [one for one in (built if isinstance(built, list) else [built]) if isinstance(one, Mapping)]
                continue
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else repr(key)
            found[name] = built
            found.line_of[name] = key.start_mark.line + 1
        for base in merged:
            for name, value in base.items():
                if name not in found:
                    found[name] = value
                    found.line_of[name] = base.line_of[name]
        return found


def _scalar(node: yaml.ScalarNode) -> Any:
    match node.tag:
        case "tag:yaml.org,2002:bool":
            return str(node.value).lower() in ("true", "yes", "on")
        case "tag:yaml.org,2002:null":
            return None
        case _:
            return str(node.value)
