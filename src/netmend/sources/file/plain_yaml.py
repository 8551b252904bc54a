"""The plain part of YAML, in half the time: what large files, which programs write, consist of.

libyaml parses a line in half a microsecond, but PyYAML then makes a Python object of each of its events, and those of
65,000 ports take most of a second. This parser knows only block mappings and lists of ASCII scalars on one line, quoted
or not, flow lists and mappings of such, and comments. It must give what `document.parse` gives, or None, which means:
ask that one. Everything else is None: whatever is rare, doubtful, or wrong.
"""

import re
from typing import Any

from netmend.sources.file.document import DEPTH_MAX, MAYBE_NOT_TEXT, resolve

_NOT_PLAIN = re.compile(rb"[^\n -~]")
_KEY = r"[A-Za-z_][A-Za-z0-9_-]{0,99}+"
_SCALAR = r"[A-Za-z0-9./][A-Za-z0-9._:/@+-]*+(?<!:)"
_IN_FLOW = rf"""(?:{_SCALAR}|"[^"\\,\n]*+"|'[^',\n]*+')"""
_VALUE = (
    rf"""(?:{_SCALAR}|"[^"\\\n]*+"|'[^'\n]*+'"""
    rf"""|\[(?:{_IN_FLOW}(?:, *{_IN_FLOW})*)?\]"""
    rf"""|\{{(?:{_KEY}: +{_IN_FLOW}(?:, *{_KEY}: +{_IN_FLOW})*)?\}})"""
)
_LINE = re.compile(
    rf"^(?: *(?:#.*)?|( *)(- )?(?:({_KEY}):(?: +({_VALUE}))?|(?<=- )({_VALUE})) *(?: #.*)?)$|^(.+)$", re.MULTILINE
)

_MARKS = frozenset("\"'[{")  # how values start that are not plain scalars
_DOUBT: Any = object()


def parse_plain(text: bytes) -> dict[str, Any] | None:
    """The mapping that `text` is, if it is plain; None if it is not, or no valid document."""
    if _NOT_PLAIN.search(text):
        return None
    root: dict[str, Any] = {}
    current: Any = root  # the innermost block, which starts in column `column`
    column = 0
    is_list = False
    waiting: str | None = None  # a key of `current` whose value is a block below it, or null
    outer: list[tuple[Any, int, bool]] = []
    for indentation, dash, key, value, item, other in _LINE.findall(text.decode("ascii")):
        if other:
            return None
        if not key and not item:
            continue  # a blank line or a comment
        indent = len(indentation)
        if waiting is not None and (indent > column or (dash and indent == column)):
            outer.append((current, column, False))
            block: Any = [] if dash else {}
            current[waiting] = block
            current, column, is_list = block, indent, bool(dash)
        else:
            if waiting is not None:
                current[waiting] = None
            while outer and (column > indent or (is_list and not dash)):
                current, column, is_list = outer.pop()
            if column != indent or is_list != bool(dash):
                return None
        waiting = None
        if len(outer) > DEPTH_MAX - 4:  # what is below may take three levels more: a list, a mapping, a flow
            return None
        if dash:
            if item:
                if (made := _value(item)) is _DOUBT:
                    return None
                current.append(made)
                continue
            outer.append((current, column, True))
            block = {}
            current.append(block)
            current, column, is_list = block, indent + 2, False
        if key in current:
            return None
        if value:
            first = value[0]
            if first in _MARKS:
                made = _value(value)
                if made is _DOUBT:
                    return None
                current[key] = made
            else:
                current[key] = resolve(value) if first in MAYBE_NOT_TEXT else value
        else:
            waiting = key
            current[key] = None
    return root or None


def _value(text: str) -> Any:
    """The value that `_VALUE` matched; _DOUBT for a mapping in which a key appears twice."""
    first = text[0]
    if first in "\"'":
        return text[1:-1]
    if first == "[":
        inner = text[1:-1].strip()
        return [_value(part.strip()) for part in inner.split(",")] if inner else []
    if first == "{":
        inner = text[1:-1].strip()
        pairs = [part.strip().partition(": ") for part in inner.split(",")] if inner else []
        mapping = {key: _value(part.strip()) for key, _, part in pairs}
        return mapping if len(mapping) == len(pairs) else _DOUBT
    return resolve(text) if first in MAYBE_NOT_TEXT else text
