"""Log files as blocks of whole lines: plain, gzip, bzip2, xz (and zstd where Python has it), in bounded memory.

Compression is told by the magic bytes, never by the name: rotated logs are renamed freely.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

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


def modified(path: str) -> float | None:
    """When the file was last written, seconds since the epoch; None for standard input."""
    return None if path == STDIN else Path(path).stat().st_mtime


def _zstd() -> object:
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return None


def _open(path: str) -> IO[bytes]:
    if path == STDIN:
        return sys.stdin.buffer
    raw = Path(path).open("rb", buffering=0)  # noqa: SIM115 - closed by blocks()
    magic = raw.read(6)
    if os.path.isfile(path):  # noqa: PTH113 - a pipe has no beginning to go back to
        raw.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if magic.startswith(b"BZh"):
        return cast(IO[bytes], bz2.BZ2File(raw))
    if magic.startswith(b"\xfd7zXZ\x00"):
        return cast(IO[bytes], lzma.LZMAFile(raw))
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        module = _zstd()
        if module is None:
            raw.close()
            raise UnreadableLog(
                f"{path}: compressed with zstd, which this Python cannot read; unpack it: zstd -d {path}"
            )
        return cast(IO[bytes], module.ZstdFile(raw))  # type: ignore[attr-defined]
    return raw


def raw_blocks(path: str, notes: list[str]) -> Iterator[bytes]:
    """The file's (unpacked) bytes in pieces of at most BLOCK; a damaged archive ends early and leaves a note.

    Raises:
        UnreadableLog: the file cannot be opened or read.
    """
    try:
        with _open(path) as stream:
            while True:
                try:
                    piece = stream.read(BLOCK)
                except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
                    notes.append(f"{path}: the compressed data is damaged and was read up to that point: {error}")
                    return
                if not piece:
                    return
                yield piece
    except OSError as error:
        raise UnreadableLog(f"{path}: cannot be read: {error.strerror or error}") from error


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
