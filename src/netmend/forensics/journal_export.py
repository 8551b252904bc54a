"""systemd's Journal Export Format (systemd.io/JOURNAL_EXPORT_FORMATS) turned into lines.

An entry is `FIELD=value` lines ended by an empty line; a value with newlines is `FIELD`, newline, 64-bit little-endian
length, data, newline. Each entry becomes one line, `@MICROSECONDS PRIORITY HOST IDENTIFIER[PID]: MESSAGE`, and the
further lines of a message follow it as they are. `journalctl -o verbose` is read too: a line with the stamp, and below
it the fields, indented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONGEST_ENTRY = 16 << 20
"""An entry that has not ended after this many bytes is given up: it is damaged, or not a journal."""

_BINARY_FIELD = re.compile(rb"(?:\A|\n)[A-Z0-9_]+\n")
_VERBOSE = re.compile(
    rb"(?m)^[A-Z][a-z]{2} (\d{4}-\d\d-\d\d [\d:]{8})(\.\d{6})? (\S{1,6}) \[s=[0-9a-f]+;i=[0-9a-f]+;.*\]\r?$"
)
_VERBOSE_FIELD = re.compile(rb" {4}([A-Z_][A-Z0-9_]*)=(.*)", re.DOTALL)
_WANTED = re.compile(
    rb"^(MESSAGE|__REALTIME_TIMESTAMP|_SOURCE_REALTIME_TIMESTAMP|PRIORITY|SYSLOG_IDENTIFIER|_COMM|CONTAINER_NAME|_PID|"
    rb"SYSLOG_PID|_HOSTNAME|_TRANSPORT)=(.*)$",
    re.MULTILINE,
)


def is_export(head: bytes) -> bool:
    """Whether a file that begins with `head` is a journal export."""
    return head.startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")) or b"\n__REALTIME_TIMESTAMP=" in head[:65536]


def is_verbose(head: bytes) -> bool:
    """Whether a file that begins with `head` is the output of `journalctl -o verbose`."""
    return _VERBOSE.search(head[:65536]) is not None


def _line(fields: dict[bytes, bytes]) -> bytes:
    stamp = fields.get(b"__REALTIME_TIMESTAMP", b"")
    if not stamp.isdigit() or b"MESSAGE" not in fields:
        return b""
    writer = (
        fields.get(b"CONTAINER_NAME")
        or fields.get(b"SYSLOG_IDENTIFIER")
        or (b"kernel" if fields.get(b"_TRANSPORT") == b"kernel" else fields.get(b"_COMM", b"-"))
    )
    pid = fields.get(b"_PID") or fields.get(b"SYSLOG_PID") or b"0"
    head = b"@%s %s %s %s[%s]: " % (stamp, fields.get(b"PRIORITY", b"6"), fields.get(b"_HOSTNAME", b"-"), writer, pid)
    return head + fields[b"MESSAGE"] + b"\n"


def _entry_with_binary(data: bytes, at: int) -> tuple[dict[bytes, bytes], int] | None:
    """Parse one entry field by field; None when `data` ends before the entry does."""
    fields: dict[bytes, bytes] = {}
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            return None
        line = data[at:end]
        at = end + 1
        if not line:
            return fields, at
        name, equals, value = line.partition(b"=")
        if not equals:
            if len(data) < at + 8:
                return None
            size = int.from_bytes(data[at : at + 8], "little")
            at += 8
            if len(data) < at + size + 1:
                return None
            value = data[at : at + size]
            at += size + 1
        fields[name] = value


def to_lines(pieces: Iterable[bytes], notes: list[str], path: str) -> Iterator[bytes]:
    """Blocks of lines for a stream of journal export; damaged entries are skipped and noted."""
    rest = b""
    for piece in pieces:
        data = rest + piece
        lines: list[bytes] = []
        at = 0
        while (end := data.find(b"\n\n", at)) >= 0:
            entry = data[at : end + 1]
            if _BINARY_FIELD.search(entry):
                parsed = _entry_with_binary(data, at)
                if parsed is None:
                    break
                fields, at = parsed
            else:
                fields = dict(_WANTED.findall(entry))
                at = end + 2
            lines.append(_line(fields))
        rest = data[at:]
        if len(rest) > LONGEST_ENTRY:
            notes.append(f"{path}: a journal entry of more than {LONGEST_ENTRY >> 20} MiB was skipped")
            rest = b""
        if block := b"".join(lines):
            yield block
    if rest and (block := _line(dict(_WANTED.findall(rest)))):
        yield block


def verbose_to_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of lines for blocks of `journalctl -o verbose`: each entry as `short-full` would print it."""
    fields: dict[bytes, bytes] = {}
    stamp = b""
    for block in blocks:
        lines: list[bytes] = []
        for line in block.removesuffix(b"\n").split(b"\n"):
            if head := _VERBOSE.match(line):
                lines.append(_short_full(stamp, fields))
                stamp, fields = b"Mon %s%s %s" % (head[1], head[2] or b"", head[3]), {}
            elif field := _VERBOSE_FIELD.match(line):
                fields[field[1]] = field[2].rstrip(b"\r")
            elif stamp and b"MESSAGE" in fields and line.startswith(b" ") and line.strip():
                lines.append(_short_full(stamp, fields))
                fields = {}
                lines.append(line.removeprefix(b" " * 12) + b"\n")
        if found := b"".join(lines):
            yield found
    if last := _short_full(stamp, fields):
        yield last


def _short_full(stamp: bytes, fields: dict[bytes, bytes]) -> bytes:
    if not stamp or b"MESSAGE" not in fields:
        return b""
    writer = fields.get(b"CONTAINER_NAME") or fields.get(b"SYSLOG_IDENTIFIER") or fields.get(b"_COMM") or b"-"
    writer = b"kernel" if fields.get(b"_TRANSPORT") == b"kernel" else writer
    head = b"%s %s %s[%s]: " % (stamp, fields.get(b"_HOSTNAME", b"-"), writer, fields.get(b"_PID", b"0"))
    return b"<%s>" % fields.get(b"PRIORITY", b"6") + head + fields[b"MESSAGE"] + b"\n"
