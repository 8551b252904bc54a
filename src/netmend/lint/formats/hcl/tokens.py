"""The words of HCL's native syntax with their lines; strings and heredocs are templates, not looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from netmend.lint.declared import Unreadable

_TOKEN: Final = re.compile(
    r"(?P<blank>[ \t\r\ufeff]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<line>\n)"
    r'|(?P<document><<(?P<indented>-?)\s*"?(?P<end>\w+)"?[ \t]*\r?\n(?P<body>.*?)(?<=\n)[ \t]*(?P=end)\b)'
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[^\W\d][\w-]*)"
    r"|(?P<mark>&&|\|\||==|!=|<=|>=|=>|\.\.\.|[^\s])",
    re.S,
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


class Token(NamedTuple):
    kind: str  # "text", "number", "name", "mark", "line", or "" for the end
    text: str
    line: int
    begins: int
    ends: int


def tokens_of(text: str, line: int) -> Iterator[Token]:
    at = 0
    while at < len(text):
        if text[at] == '"':
            end, value = _quoted(text, at + 1, line)
            yield Token("text", value, line, at, end)
            line += text.count("\n", at, end)
            at = end
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            at += 1
            continue
        kind = found.lastgroup or ""
        if found["document"] is not None:
            yield Token(
                "text", _outdented(found["body"]) if found["indented"] else found["body"], line, at, found.end()
            )
        elif kind != "blank":
            yield Token(kind, found[0], line, at, found.end())
        line += found[0].count("\n")
        at = found.end()
    yield Token("", "", line, at, at)


def _quoted(text: str, at: int, line: int) -> tuple[int, str]:
    """Where the string that begins at `at` ends, and its text, with the escapes outside of interpolations resolved."""
    pieces: list[str] = []
    while at < len(text):
        character = text[at]
        if character == '"':
            return at + 1, "".join(pieces)
        if character == "\n":
            break
        if character == "\\":
            pieces.append(_ESCAPES.get(text[at + 1 : at + 2], text[at : at + 2]))
            at += 2
        elif text.startswith(("$${", "%%{"), at):
            pieces.append(text[at : at + 3])
            at += 3
        elif text.startswith(("${", "%{"), at):
            end = min(end_of_interpolation(text, at + 2) + 1, len(text))
            pieces.append(text[at:end])
            at = end
        else:
            pieces.append(character)
            at += 1
    raise Unreadable(line, "a string that begins here is not closed")


def end_of_interpolation(text: str, at: int) -> int:
    """Where the brace closes that opened before `at`; the text's length where it does not."""
    depth, quoted = 1, False
    while at < len(text):
        character = text[at]
        if quoted and character == "\\":
            at += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted:
            depth += (character == "{") - (character == "}")
            if depth == 0:
                return at
        at += 1
    return at


def _outdented(text: str) -> str:
    lines = text.split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)
