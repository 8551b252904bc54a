"""Log files as blocks of whole lines: plain, gzip, bzip2, xz (and zstd where Python has it), in bounded memory.

Compression is told by the magic bytes, never by the name: rotated logs are renamed freely.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, cast

BLOCK = 1 << 20
"""Bytes read at a time. A block with its lines and fingerprints costs about ten times as much memory."""

LONGEST_LINE = 1 << 20
"""A line longer than this is cut: a file without line ends must not be read into memory whole."""

STDIN = "-"


class UnreadableLog(Exception):
    """A file cannot be read; the message is one sentence naming it and what to do."""


def expand(arguments: Iterable[str]) -> list[str]:
    """The files that `arguments` name, sorted, each once; a directory stands for all regular files under it.

    Raises:
        UnreadableLog: a path does not exist, cannot be read, or a directory holds no file.
    """
    found: dict[object, str] = {}
    for argument in arguments:
        if argument == STDIN:
            found[STDIN] = STDIN
            continue
        path = Path(argument)
        try:
            inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            if not inside:
                raise UnreadableLog(f"{argument}: the directory holds no file")
            for file in inside:
                with file.open("rb"):
                    status = file.stat()
                same = (status.st_dev, status.st_ino)
                found[same] = min(found.get(same, str(file)), str(file))
        except (OSError, ValueError) as error:
            where = getattr(error, "filename", None) or argument
            reason = getattr(error, "strerror", None) or str(error)
            raise UnreadableLog(f"{where}: cannot be read: {reason}") from error
    return sorted(found.values())


def is_regular(path: str) -> bool:
    """Whether it can be read twice."""
    return path != STDIN and Path(path).is_file()


def modified(path: str) -> float | None:
    """When the file was last written, seconds since the epoch; None for standard input."""
    return None if path == STDIN else Path(path).stat().st_mtime


class _Unpacker(Protocol):
    """What bz2, lzma and compression.zstd give, and `_Gzip`: one packed stream, in bounded pieces."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


def _unpacker(head: bytes, path: str) -> Callable[[], _Unpacker] | None:
    """Makes unpackers for a file that begins with `head`; None when it is not packed."""
    if head.startswith(b"\x1f\x8b"):
        return _Gzip
    if head.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMADecompressor
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        try:
            module: Any = importlib.import_module("compression.zstd")
        except ImportError:
            raise UnreadableLog(
                f"{path}: compressed with zstd, which this Python cannot read; unpack it first: zstd -d {path}"
            ) from None
        return cast("Callable[[], _Unpacker]", module.ZstdDecompressor)
    return None


def raw_blocks(path: str, notes: list[str]) -> Iterator[bytes]:
    """The file's (unpacked) bytes in pieces of at most BLOCK; a damaged archive ends early and leaves a note.

    Raises:
        UnreadableLog: the file cannot be opened or read.
    """
    try:
        with sys.stdin.buffer if path == STDIN else Path(path).open("rb", buffering=0) as stream:
            pieces = iter(lambda: stream.read(BLOCK), b"")
            head = next(pieces, b"")
            make = _unpacker(head, path)
            if make is None:
                yield head
                yield from pieces
            else:
                yield from _unpacked(chain([head], pieces), make, path, notes)
    except OSError as error:
        raise UnreadableLog(f"{path}: cannot be read: {error.strerror or error}") from error


def _unpacked(pieces: Iterable[bytes], make: Callable[[], _Unpacker], path: str, notes: list[str]) -> Iterator[bytes]:
    """All streams that follow one another in a packed file, unpacked."""
    one = make()
    try:
        for piece in pieces:
            data = piece
            while data or not one.needs_input:
                if one.eof:
                    data = data.lstrip(b"\0")
                    if not data:
                        break
                    one = make()
                if out := one.decompress(data, BLOCK):
                    yield out
                data = one.unused_data if one.eof else b""
        if not one.eof:
            notes.append(f"{path}: the compressed data ends before its end; it was read up to there")
    except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
        notes.append(f"{path}: the compressed data is damaged and was read up to that point: {error}")


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
