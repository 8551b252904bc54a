"""The intent file as a node's source of intent: read when it changes, and on SIGHUP; a broken one changes nothing."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netmend.ground.exhaustion import exhausted
from netmend.ground.log import get_logger
from netmend.intent.network import Intent
from netmend.kernel.errors import KernelError
from netmend.kernel.watch import DirectoryWatch
from netmend.node.intake.source import Source
from netmend.sources.file import IntentError, load

_LOOK_EVERY = 2.0  # seconds between looks at a file that cannot be watched
_GATHER = 0.02  # seconds from the first event to the look: a file is written in several steps
log = get_logger()


class FileSource(Source):
    """Follows the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: Intent | None = None
        self._changed = asyncio.Event()
        self._watch_problem: str | None = None

    def first(self) -> Intent:
        self._version = _version(self._path)
        self._newest = load(self._path)
        return self._newest

    async def follow(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            watch = DirectoryWatch()
        except KernelError as error:
            self._unwatched(error)
            await self._read_on_change(take, problem)
            return
        with contextlib.closing(watch):
            self._watch(watch)
            loop.add_reader(watch.fileno(), self._hear, watch)
            try:
                await self._read_on_change(take, problem)
            finally:
                loop.remove_reader(watch.fileno())

    async def _read_on_change(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        while True:
            self._look()  # it may have changed since it was read first, or since nobody watches it
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _LOOK_EVERY if self._watch_problem else None)
            if self._changed.is_set():
                self._changed.clear()
                await self._read(take, problem)

    def reload(self) -> None:
        self._changed.set()

    def status(self) -> dict[str, Any]:
        return {"kind": "file", "file": str(self._path), "watch_problem": self._watch_problem}

    def served(self, network_id: str) -> None:
        """Nothing: a file asks for no answer."""

    def gone(self, network_id: str) -> None:
        """Nothing: a file asks for no answer."""

    async def _read(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        try:
            intent = await asyncio.to_thread(load, self._path, self._newest)
        except IntentError as error:
            problem(str(error))
            if exhausted(error) is not None:  # the file is not what has to change
                asyncio.get_running_loop().call_later(_LOOK_EVERY, self._changed.set)
            return
        self._newest = intent
        problem(None)
        take(intent)

    def _watch(self, watch: DirectoryWatch) -> None:
        """Watch the directory of the path, and that of the file it leads to: it may be a link, or lie below one, as
        Kubernetes' ConfigMaps do."""
        for directory in {str(self._path.absolute().parent), str(self._path.resolve().parent)}:
            try:
                watch.add(directory, complete=True)
            except KernelError as error:
                self._unwatched(error)

    def _unwatched(self, error: KernelError) -> None:
        """Look at the file every now and then, as the kernel does not say when it changes."""
        text = f"{error}; the file is looked at every {_LOOK_EVERY:.0f} s instead"
        if text != self._watch_problem:
            self._watch_problem = text
            log.warning("the intent file cannot be watched", problem=text)

    def _hear(self, watch: DirectoryWatch) -> None:
        watch.read()
        asyncio.get_running_loop().call_later(_GATHER, self._look, watch)

    def _look(self, watch: DirectoryWatch | None = None) -> None:
        version = _version(self._path)
        if version == self._version:
            return
        self._version = version
        if watch is not None:
            self._watch(watch)
        self._changed.set()


def _version(path: Path) -> tuple[int, ...] | None:
    """A value that changes with the content of the file, without reading it; None when there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
