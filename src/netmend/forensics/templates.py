"""What makes two log lines the same message: the part that does not vary.

Two forms. A *fingerprint* is made by deleting digits, the letters a-f and `-` from raw bytes: one pass in C over a
whole block, after which lines that differ in uuids, addresses, counters or tap names are equal. It is only a cache key
(two different messages may share one, rarely), but it has one strong property: if text T occurs in a line, then T's
fingerprint occurs in the line's. So it can rule lines out, never in. A *template* is the readable form, made once per
fingerprint with each varying part named.
"""

from __future__ import annotations

import re

VARYING = b"0123456789abcdef-"
LONGEST_TEMPLATE = 300

_PARTS = re.compile(
    r"(?P<request>\breq-[0-9a-f]{8}-[0-9a-f-]{27}\b)"
    r"|(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f]))"
    r"|(?P<mac>\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b)"
    r"|(?P<device>\b(?:tap|qvo|qvb|qbr|veth|nm[a-z])[0-9a-f]{5,11}(?:-[0-9a-f]{1,2})?\b"
    r"|\b(?:qr|qg|sg|fg|ha|rfp|fpr)-[0-9a-f]{8}-[0-9a-f]{2}\b)"
    r"|(?P<ip>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:/\d{1,2})?\b|\b(?:[0-9a-f]{1,4}:){2,7}:?[0-9a-f]{0,4}(?:/\d{1,3})?\b)"
    r"|(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<hex>\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b|\b[0-9a-f]{32,}\b)"
    r"|(?P<n>(?<![\w.])-?\d+(?:\.\d+)?|\d+)"
)
_WORDS = re.compile(r"\S*[0-9]\S*(?: \d\d:\d\d:\d\d\S*)?")
"""What varies has a digit, almost always; only such words are worth the slower search."""

_TO_LETTERS = {ord("0") + i: 0xE000 + i for i in range(10)}
_TO_DIGITS = {letter: digit for digit, letter in _TO_LETTERS.items()}
_RUN = re.compile(r"(<\w+>['\"]?)(?:(?:, ?| )['\"]?\1)+")
_ERRNO = re.compile(r"(\[Errno |\(|exit code:? ?|status )([0-9]{1,3})(?=[\],)]|$)", re.IGNORECASE)


def fingerprint(data: bytes) -> bytes:
    """`data` without its varying bytes."""
    return data.translate(None, VARYING)


def _name(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"


def _named(match: re.Match[str]) -> str:
    return _PARTS.sub(_name, match[0])


def template(message: str) -> str:
    """`message` with each varying part named (`<uuid>`, `<mac>`, `<device>`, `<ip>`, `<n>` ...); error numbers stay.

    A list of one kind of part is shown as one of them.
    """
    # Error numbers distinguish messages; they are spelled with letters while numbers are masked.
    text = message[: LONGEST_TEMPLATE * 4]
    kept = _ERRNO.sub(lambda m: m[1] + m[2].translate(_TO_LETTERS), text)
    masked = _RUN.sub(r"\1, …", _WORDS.sub(_named, kept))
    return (masked if kept == text else masked.translate(_TO_DIGITS))[:LONGEST_TEMPLATE]


def coarser(text: str, level: int) -> str:
    """The same template, said with less, for when there are too many: 12, 6, 3, 1 words, then none.

    `coarser(coarser(t, i), j) == coarser(t, j)` for i <= j, so the order in which logs are read does not matter.
    """
    if level == 0:
        return text
    words = (12, 6, 3, 1)
    if level > len(words):
        return "…"
    parts = text.removesuffix(" …").split(" ")
    keep = words[level - 1]
    return text if len(parts) <= keep else " ".join(parts[:keep]) + " …"
