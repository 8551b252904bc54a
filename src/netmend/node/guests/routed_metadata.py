"""Keeps the Unix socket where the proxies of routers ask for metadata, in the place of neutron-metadata-agent."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from netmend.ground.log import get_logger
from netmend.intent.metadata import MetadataProxy
from netmend.node.intake.source import RoutedMetadata

if TYPE_CHECKING:
    from netmend.services.metadata.io import RoutedServer

_LOOK_EVERY: Final = 5.0  # seconds: somebody may take the path, or the directory, away
_BACKLOG: Final = 1024
log = get_logger()


class RoutedServing:
    """Serves in the block of `serving`; `problem` says why it cannot."""

    def __init__(self, routed: RoutedMetadata, proxy: Callable[[], MetadataProxy | None]) -> None:
        """`proxy` gives what intent says of Nova now."""
        self._routed, self._proxy = routed, proxy
        self._server: RoutedServer | None = None
        self._inode: tuple[int, int] | None = None  # device and inode of our socket's name
        self._looking = Lock()
        self._ended = False
        self.problem: str | None = None

    def status(self) -> dict[str, Any]:
        idle: dict[str, Any] = {"search_problem": None, "answers": {}, "nova": None}
        more = self._server.status() if self._server is not None else idle
        return {"socket": str(self._routed.socket), "problem": self.problem, **more}

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer in the block."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
            await asyncio.to_thread(self._end)

    async def _keep(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._guarded_look)
            except Exception as error:  # a defect must not end it in silence
                self._has(f"metadata of guests behind routers: defect: {type(error).__name__}: {error}")
            await asyncio.sleep(_LOOK_EVERY)

    def _guarded_look(self) -> None:
        """Look, unless all has ended: a look goes on in its thread when the task that waits for it is cancelled."""
        with self._looking:
            if not self._ended:
                self._look()

    def _look(self) -> None:
        """Listen, if the name does not lead to our socket."""
        path = self._routed.socket
        try:
            if self._inode is None or _inode(path) != self._inode:
                self._listen(path)
                log.info("routers' proxies are answered", socket=str(path))
        except OSError as error:
            self._inode = None
            self._has(f"metadata of guests behind routers is not served: {path}: {error.strerror}")
        else:
            self._has(None)

    def _has(self, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            log.warning("metadata", problem=problem)
        self.problem = problem

    def _listen(self, path: Path) -> None:
        if _is_listening(path):
            raise OSError(errno.EADDRINUSE, "another process listens there; stop neutron-metadata-agent")
        path.parent.mkdir(parents=True, exist_ok=True)
        owner = path.parent.stat()
        new = path.with_name(f"{path.name}.new")  # renamed once it is as it should be: nobody meets half of it
        new.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            listener.bind(str(new))
            os.chown(new, owner.st_uid, owner.st_gid)
            new.chmod(self._routed.mode)
            listener.listen(_BACKLOG)
            inode = _inode(new)
            new.replace(path)
        except OSError:
            listener.close()
            new.unlink(missing_ok=True)
            raise
        self._started().listen(listener)
        self._inode = inode

    def _started(self) -> "RoutedServer":
        if self._server is None:
            from netmend.services.metadata.io import RoutedServer

            self._server = RoutedServer(self._proxy, self._routed.find)
        return self._server

    def _end(self) -> None:
        with self._looking:
            self._ended = True
            if self._inode is not None and _inode(self._routed.socket) == self._inode:
                self._routed.socket.unlink(missing_ok=True)
            if self._server is not None:
                self._server.close()


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _is_listening(path: Path) -> bool:
    """Whether a process listens at the name. Raises OSError when it is something else than a socket."""
    if path.exists() and not path.is_socket():
        raise OSError(errno.EEXIST, "is something else than a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asking:
        asking.settimeout(1.0)
        try:
            asking.connect(str(path))
        except (BlockingIOError, TimeoutError):  # so many wait there that none can be added
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True
