"""Log files as pieces of bytes, in bounded memory: plain, gzip, bzip2, xz, zstd.

The magic bytes decide which, never the name: rotated logs are renamed freely. zstd is unpacked by Python
itself (3.14 and later), by the package `backports.zstd` where it is installed, or by the program `zstd`.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import shutil
import subprocess
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import IO, Any, Protocol, cast

BLOCK = 1 << 20
"""Bytes read at a time. A block with its lines and fingerprints costs about ten times as much memory."""

STDIN = "-"


class UnreadableLog(Exception):
    """A file cannot be read; the message is one sentence naming it and what to do."""


def expand(arguments: Iterable[str]) -> list[str]:
    """The files that `arguments` name, sorted, each once; a directory stands for all regular files under it.

    Raises:
        UnreadableLog: a path does not exist or cannot be read, or a directory holds no file. (A file found in a
            directory is not opened here.)
    """
    found: dict[object, str] = {}
    for argument in arguments:
        if argument == STDIN:
            found[STDIN] = STDIN
            continue
        path = Path(argument)
        try:
            if path.is_dir():
                inside = sorted(p for p in path.rglob("*") if p.is_file())
                if not inside:
                    raise UnreadableLog(f"{argument}: the directory holds no file")
            else:
                inside = [path]
                with path.open("rb"):
                    pass
            for file in inside:
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


def size(path: str) -> int:
    """Bytes of the file as it lies there; 0 for standard input, and for a file that is gone."""
    try:
        return 0 if path == STDIN else Path(path).stat().st_size
    except OSError:
        return 0


def modified(path: str) -> float | None:
    """When the file was last written, seconds since the epoch; None for standard input, and for a file that is gone."""
    try:
        return None if path == STDIN else Path(path).stat().st_mtime
    except OSError:
        return None


ZSTD = b"\x28\xb5\x2f\xfd"

_NOT_LINES = (
    (0, b"LPKSHHRH", "a journal as systemd keeps it; print it first: journalctl --file {path} -o export"),
    (257, b"ustar", "an archive of files; unpack it first: tar -xf {path}"),
    (0, b"PK\x03\x04", "an archive of files; unpack it first: unzip {path}"),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4; unpack it first: lz4 -d {path}"),
)
"""(offset, magic bytes, what it is)."""

_LOGINS = ("wtmp", "btmp", "utmp", "lastlog", "faillog", "tallylog")


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


def _unpacker(head: bytes) -> Callable[[], _Unpacker] | None:
    """Makes unpackers for a file that begins with `head`; None when it is not packed, or in zstd without a module."""
    if head.startswith(b"\x1f\x8b"):
        return _Gzip
    if head.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMADecompressor
    if head.startswith(ZSTD):
        for name in ("compression.zstd", "backports.zstd"):
            try:
                module: Any = importlib.import_module(name)
            except ImportError:
                continue
            return cast("Callable[[], _Unpacker]", module.ZstdDecompressor)
    return None


def not_lines(head: bytes) -> str:
    """What a file that begins with `head` is, and what to do with it, where it holds no lines; else empty."""
    for at, magic, what in _NOT_LINES:
        if head[at : at + len(magic)] == magic:
            return what
    return ""


def no_log(head: bytes, name: str) -> str:
    """What a file is that lies among logs and is none, by its head and name; else empty."""
    if head.startswith(b"SQLite format 3\0"):
        return "a database, no log"
    if b"\0" in head[:1024] and name in _LOGINS:
        return "records of logins, no log"
    return ""


def _nothing(read: int) -> None:
    """For `raw_blocks` where nobody asks how far it is."""


def raw_blocks(path: str, notes: list[str], advance: Callable[[int], None] = _nothing) -> Iterator[bytes]:
    """The file's (unpacked) bytes in pieces of at most BLOCK; a damaged archive ends early and leaves a note.

    `advance` is called with the number of bytes each time some were read from the file as it lies there.

    Raises:
        UnreadableLog: the file cannot be opened, read or unpacked.
    """
    try:
        with sys.stdin.buffer if path == STDIN else Path(path).open("rb", buffering=0) as stream:

            def read() -> bytes:
                piece = stream.read(BLOCK) or b""
                advance(len(piece))
                return piece

            pieces = iter(read, b"")
            head = next(pieces, b"")
            make = _unpacker(head)
            if make is not None:
                yield from _unpacked(chain([head], pieces), make, path, notes)
            elif head.startswith(ZSTD):
                yield from _by_program(chain([head], pieces), path, notes)
            else:
                yield head
                yield from pieces
    except OSError as error:
        raise UnreadableLog(f"{path}: cannot be read: {error.strerror or error}") from error


def _by_program(pieces: Iterable[bytes], path: str, notes: list[str]) -> Iterator[bytes]:
    """zstd data unpacked by the program `zstd`.

    Raises:
        UnreadableLog: there is no such program.
    """
    program = shutil.which("zstd")
    if program is None:
        raise UnreadableLog(
            f"{path}: compressed with zstd, and neither this Python nor a program here can read that; install zstd "
            f"(the program, or the Python package backports.zstd), or unpack it elsewhere: zstd -d FILE"
        )
    with subprocess.Popen(
        [program, "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        said: deque[bytes] = deque(maxlen=1)
        feeder = Thread(target=_feed, args=(pieces, process.stdin, said), daemon=True)
        listener = Thread(target=said.extend, args=(process.stderr,), daemon=True)
        feeder.start()
        listener.start()
        ended = False
        try:
            while piece := process.stdout.read(BLOCK):
                yield piece
            ended = True
        finally:
            if not ended:
                process.kill()
            feeder.join()
            listener.join()
        if process.wait():
            why = said[0].decode("utf-8", "replace").strip() if said else "zstd gave no reason"
            notes.append(f"{path}: the compressed data is damaged and was read up to that point: {why}")


def _feed(pieces: Iterable[bytes], stream: IO[bytes], said: deque[bytes]) -> None:
    """Write all pieces to a program that may end before them."""
    try:
        with stream:
            for piece in pieces:
                stream.write(piece)
    except BrokenPipeError:
        pass
    except OSError as error:
        said.append(str(error).encode())


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
