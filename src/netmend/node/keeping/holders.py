"""Who can hold duplicates of a node's sockets: a keeper, or systemd."""

import contextlib
import os
import select
import socket
from pathlib import Path
from typing import Final, Protocol

from netmend.node.keeping.keeper import KEY_MAX

_FIRST_PASSED: Final = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)
_PATIENCE: Final = 5.0  # seconds for an answer
_NAME: Final = "netmend."  # before the keys among the names of systemd's store


class Holder(Protocol):
    """Holds sockets by key, and gives them to the next node. Methods raise OSError where the holder has gone."""

    def inherited(self) -> dict[str, socket.socket]:
        """What a node before left. Called once."""

    def keep(self, key: str, kept: socket.socket) -> None:
        """Hold a duplicate of `kept`, in place of what is under the key."""

    def fetch(self, key: str) -> socket.socket | None:
        """A duplicate of what is under the key; None: there is none, or the holder has let go of it just now, so that
        another socket can be bound in its place."""

    def drop(self, key: str) -> None:
        """Let go of what is under the key."""

    def close(self) -> None:
        """Speak no more; what is held stays held."""


class KeeperHolder:
    """A `keeper` that listens at a path. Raises OSError where none does."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(_PATIENCE)
            self._socket.connect(str(path))
        except BaseException:
            self._socket.close()
            raise

    def inherited(self) -> dict[str, socket.socket]:
        self._socket.send(b"L")
        found: dict[str, socket.socket] = {}
        while (answer := self._read()) is not None:
            found[answer[0]] = answer[1]
        return found

    def keep(self, key: str, kept: socket.socket) -> None:
        socket.send_fds(self._socket, [b"K" + key.encode()], [kept.fileno()])

    def fetch(self, key: str) -> socket.socket | None:
        self._socket.send(b"F" + key.encode())
        answer = self._read()
        return answer[1] if answer else None

    def drop(self, key: str) -> None:
        self._socket.send(b"D" + key.encode())

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> tuple[str, socket.socket] | None:
        message, descriptors, _, _ = socket.recv_fds(self._socket, KEY_MAX + 2, 1)
        if not message:
            raise ConnectionResetError("the keeper has ended")
        if message == b"." or not descriptors:
            return None
        return message[1:].decode(), socket.socket(fileno=descriptors[0])


class SystemdHolder:
    """The service manager's store of descriptors (FileDescriptorStoreMax=, systemd.service(5); sd_notify(3))."""

    def __init__(self, notify_socket: str) -> None:
        self._address = "\0" + notify_socket[1:] if notify_socket.startswith("@") else notify_socket
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(_PATIENCE)

    def inherited(self) -> dict[str, socket.socket]:
        names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
        count, pid = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
        if not count.isdigit() or pid != str(os.getpid()):
            return {}
        found: dict[str, socket.socket] = {}
        for descriptor, name in zip(range(_FIRST_PASSED, _FIRST_PASSED + int(count)), names, strict=False):
            os.set_inheritable(descriptor, False)
            if name.startswith(_NAME):
                found[name.removeprefix(_NAME)] = socket.socket(fileno=descriptor)
        return found

    def keep(self, key: str, kept: socket.socket) -> None:
        self._send(f"FDSTORE=1\nFDPOLL=0\nFDNAME={_NAME}{key}", kept.fileno())

    def fetch(self, key: str) -> None:
        self.drop(key)
        read, write = os.pipe2(os.O_CLOEXEC)
        try:
            self._send("BARRIER=1", write)  # systemd closes it once it has done what was asked before
            os.close(write)
            write = -1
            ended = select.poll()
            ended.register(read, select.POLLHUP)
            ended.poll(_PATIENCE * 1000)
        finally:
            os.close(read)
            if write >= 0:
                os.close(write)

    def drop(self, key: str) -> None:
        self._send(f"FDSTOREREMOVE=1\nFDNAME={_NAME}{key}")

    def close(self) -> None:
        self._socket.close()

    def _send(self, text: str, *descriptors: int) -> None:
        data = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"".join(one.to_bytes(4, "little") for one in descriptors))]
        self._socket.sendmsg([text.encode()], data if descriptors else [], 0, self._address)


def find_holder(keeper: Path, notify_socket: str) -> Holder | None:
    """The keeper that listens at the path, else systemd, where it started this process ($NOTIFY_SOCKET), else None.

    Before version 254, systemd does not say whether it has a store for this service ($FDSTORE); what it does not want
    it closes.
    """
    with contextlib.suppress(OSError):
        return KeeperHolder(keeper)
    return SystemdHolder(notify_socket) if notify_socket and os.environ.get("FDSTORE") != "0" else None
