"""From bytes to blocks of whole lines, one record a line, also where records span lines or the encoding is not UTF-8.

Most files need nothing but a cut at line ends. A file's head shows the others: journal exports, JSON and YAML
documents over several lines, RabbitMQ's reports, and the pieces in which container engines keep long lines.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from netmend.forensics import journal_export, yaml_documents

LONGEST_LINE = 1 << 20
"""Bytes. A line longer than this is cut: a file without line ends must not be read into memory whole."""

LONGEST_VALUE = 16 << 20
"""Bytes. A JSON value that has not ended by then is given up."""

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CRI = re.compile(rb"(?m)^\d{4}-\d\d-\d\dT\S{8,24} (?:stdout|stderr) [FP] ")
_REPORT = re.compile(rb"(?m)^=[A-Z]+ REPORT==== ")
_LAGER = re.compile(rb"(?m)^\d{4}-\d\d-\d\d [\d:]{8}\.\d{3,6}(?:[+-]\d\d:\d\d)? \[\w+\] <[\d.]+> ")
_DATED = re.compile(rb"\d{4}-\d\d-\d\d[ T]|[A-Z][a-z]{2} [ \d]\d \d\d:")
"""Beginnings of lines that are records of their own, in a file to which another was added."""
_DOCKER = re.compile(rb'\{"log":"((?:[^"\\]|\\.)*)","stream":"(stdout|stderr)"(.*)$', re.DOTALL)
_ANSWER = re.compile(rb'\{"(?:status":\s*"success|took":\s*\d|streams":\s*\[|data":\s*\{"result)')
"""The beginnings of Loki's answers and of search engines'."""
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\[\]\x1e]*")


def decoded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """`pieces` as UTF-8: UTF-16 and UTF-32, by their byte order mark or by their zeros, are turned into it."""
    pieces = iter(pieces)
    head = next(pieces, b"")
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    if not encoding and (start := head[:200]) and len(start) >= 8:
        if not start[::2].count(0) and start[1::2].count(0) * 10 >= len(start[1::2]) * 9:
            encoding = "utf-16-le"
        elif not start[1::2].count(0) and start[::2].count(0) * 10 >= len(start[::2]) * 9:
            encoding = "utf-16-be"
    if not encoding:
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    first = True
    for piece in chain([head], pieces):
        text = decoder.decode(piece)
        yield (text.removeprefix("\ufeff") if first else text).encode("utf-8", "replace")
        first = False
    yield decoder.decode(b"", True).encode("utf-8", "replace")


def blocks(head: bytes, pieces: Iterable[bytes], notes: list[str], path: str) -> Iterator[bytes]:
    """Blocks of whole lines, one record a line, for a file of `pieces` that begins with `head`.

    What could not be read is said in `notes`.
    """
    if journal_export.is_export(head):
        return journal_export.to_lines(pieces, notes, path)
    if journal_export.is_verbose(head):
        return journal_export.verbose_to_lines(line_blocks(pieces))
    if is_document(head):
        return _documents(pieces, notes, path)
    if yaml_documents.is_yaml(head):
        return yaml_documents.to_lines(pieces)
    lines = line_blocks(pieces)
    if _REPORT.search(head[:65536]):
        return _joined(lines, _Reports())
    if _LAGER.search(head[:65536]):
        return _joined(lines, _Lager())
    if head.startswith(b'{"log":"'):
        return _joined(lines, _DockerParts())
    if _CRI.search(head[:4096]):
        return _joined(lines, _CriParts())
    return lines


def line_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """`pieces` joined and cut again at line ends; the last line may lack one."""
    rest = b""
    for piece in pieces:
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield rest + piece[:cut]
            rest = piece[cut:]
        else:
            rest += piece
            if len(rest) > LONGEST_LINE:
                yield rest + b"\n"
                rest = b""
    if rest:
        yield rest


class _Joiner:
    """Joins the lines of a record: `block` takes whole lines and gives records, one a line; `rest` what is left."""

    def block(self, data: bytes) -> bytes:
        out: list[bytes] = []
        for line in data.removesuffix(b"\n").split(b"\n"):
            self.line(line, out)
        return b"".join(record + b"\n" for record in out)

    def line(self, line: bytes, out: list[bytes]) -> None:
        """Take one line; append the records that have ended."""
        raise NotImplementedError

    def rest(self) -> bytes:
        return b""


class _Parts(_Joiner):
    """Long lines that an engine has cut into pieces; pieces of several streams may alternate."""

    def __init__(self) -> None:
        self.begun: dict[bytes, bytes] = {}

    def rest(self) -> bytes:
        return b"".join(record + b"\n" for record in self.begun.values())

    def piece(self, stream: bytes, so_far: bytes, line: bytes, ends: bool, out: list[bytes]) -> None:
        """Keep `so_far` until the stream's line ends, or is too long to be kept."""
        if ends or len(so_far) > LONGEST_LINE:
            self.begun.pop(stream, None)
            out.append(line)
        else:
            self.begun[stream] = so_far


class _CriParts(_Parts):
    """`STAMP STREAM P TEXT` is continued by the next line of that stream, `STAMP STREAM F TEXT` ends it."""

    def block(self, data: bytes) -> bytes:
        return super().block(data) if self.begun or b" P " in data else data

    def line(self, line: bytes, out: list[bytes]) -> None:
        parts = line.split(b" ", 3)
        if len(parts) < 3 or parts[1] not in (b"stdout", b"stderr") or parts[2] not in (b"P", b"F"):
            out.append(line)
            return
        stream, text = parts[1], parts[3] if len(parts) == 4 else b""
        begun = self.begun.get(stream)
        so_far = begun + text if begun is not None else b" ".join((parts[0], stream, b"F", text))
        self.piece(stream, so_far, so_far, parts[2] == b"F", out)


class _DockerParts(_Parts):
    """A `log` that does not end with a line end is continued by the next entry of its stream."""

    def block(self, data: bytes) -> bytes:
        whole = data.count(b'{"log":"') == data.count(b'\\n","stream":"')
        return data if whole and not self.begun else super().block(data)

    def line(self, line: bytes, out: list[bytes]) -> None:
        match = _DOCKER.match(line)
        if match is None:
            out.append(line)
            return
        text, stream, more = match.groups()
        so_far = self.begun.get(stream, b"") + text
        self.piece(stream, so_far, b'{"log":"%s","stream":"%s"%s' % (so_far, stream, more), text.endswith(b"\\n"), out)

    def rest(self) -> bytes:
        return b"".join(b'{"log":"%s","stream":"%s"}\n' % (text, stream) for stream, text in self.begun.items())


class _Reports(_Joiner):
    """RabbitMQ before 3.7: `=ERROR REPORT==== STAMP ===` and the lines below it, up to an empty one."""

    begins = _REPORT

    def __init__(self) -> None:
        self.record = b""

    def line(self, line: bytes, out: list[bytes]) -> None:
        line = line.rstrip(b"\r")
        if self.begins.match(line):
            self.end(out)
            self.record = line
        elif self.record and line.strip() and not _DATED.match(line) and len(self.record) < LONGEST_LINE:
            self.record += b" " + line.strip()
        else:
            self.end(out)
            if line.strip():
                out.append(line)

    def end(self, out: list[bytes]) -> None:
        if self.record:
            out.append(self.record)
            self.record = b""

    def rest(self) -> bytes:
        out: list[bytes] = []
        self.end(out)
        return b"".join(record + b"\n" for record in out)


class _Lager(_Reports):
    """RabbitMQ since 3.7: a record's further lines bear no head, or (since 3.9) the same stamp, level and process."""

    begins = _LAGER

    def line(self, line: bytes, out: list[bytes]) -> None:
        match = self.begins.match(line)
        if match and self.record.startswith(match[0]) and len(self.record) < LONGEST_LINE:
            self.record += b" " + line[match.end() :].strip()
        else:
            super().line(line, out)


def _joined(lines: Iterable[bytes], joiner: _Joiner) -> Iterator[bytes]:
    for block in lines:
        if records := joiner.block(block):
            yield records
    if rest := joiner.rest():
        yield rest


def is_document(head: bytes) -> bool:
    """Whether a file that begins with `head` is JSON over several lines, or one answer that holds many entries."""
    start = head.lstrip(b" \t\r\n\x1e")
    if start.startswith(b"["):
        return start[1:].lstrip()[:1] == b"{"
    if not start.startswith(b"{"):
        return False
    first = start.split(b"\n", 1)[0].strip()
    if head.startswith(b"\x1e") or first == b"{" or (b"\n" in start and not first.endswith(b"}")):
        return True
    return bool(_ANSWER.match(start))


def _documents(pieces: Iterable[bytes], notes: list[str], path: str) -> Iterator[bytes]:
    """Each entry of a stream of JSON values as one line."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    for piece in chain(pieces, [b""]):
        rest += decoder.decode(piece, not piece)
        out: list[bytes] = []
        at = 0
        while True:
            match = _BETWEEN.match(rest, at)
            at = match.end() if match else at
            if at >= len(rest):
                break
            try:
                value, at = _DECODER.raw_decode(rest, at)
            except (ValueError, RecursionError):
                if piece and len(rest) - at <= LONGEST_VALUE:
                    break
                # No value begins here: what stands up to the next line is given as it is.
                end = rest.find("\n", at) + 1 or len(rest)
                out.append(rest[at:end].strip().encode("utf-8", "replace") + b"\n")
                at = end
                continue
            out += [
                json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for entry in entries(value)
            ]
        rest = rest[at:]
        if block := b"".join(out):
            yield block


def entries(value: object) -> Iterator[object]:
    """The log entries that a JSON value holds: Loki's and search engines' answers hold many, all else is one."""
    if isinstance(value, dict):
        data, hits = value.get("data"), value.get("hits")
        if isinstance(data, dict) and isinstance(data.get("result"), list):
            for stream in data["result"]:
                yield from _loki(stream)
            return
        if isinstance(value.get("streams"), list):
            for stream in value["streams"]:
                yield from _loki(stream)
            return
        if isinstance(hits, dict) and isinstance(hits.get("hits"), list):
            yield from hits["hits"]
            return
    yield value


def _loki(stream: object) -> Iterator[object]:
    """Loki's `values`: pairs of nanoseconds and line."""
    if isinstance(stream, dict) and isinstance(stream.get("values"), list):
        labels = stream.get("stream")
        for pair in stream["values"]:
            if isinstance(pair, list) and len(pair) >= 2:
                yield {"timestamp": pair[0], "line": pair[1], "labels": labels}
