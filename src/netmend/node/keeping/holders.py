"""Who can hold duplicates of a node's sockets: a keeper, or systemd."""

import base64
import contextlib
import hashlib
import os
import select
import socket
from pathlib import Path
from typing import Final, Protocol

from netmend.ground.log import get_logger
from netmend.node.keeping.keeper import KEY_MAX

log = get_logger()

_FIRST_PASSED: Final = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)
_PATIENCE: Final = 5.0  # seconds for an answer
_NAME: Final = "netmend."  # before the keys among the names of systemd's store
_DIGEST: Final = "n."  # before digests of keys
# systemd passes all names in one variable, and execve(2) refuses one of 128 KiB (MAX_ARG_STRLEN): then the service
# could not be started at all, for as long as systemd holds the sockets. Names are written out up to the first length,
# which a netmend of before reads too, are digests of 8 octets up to the second, and from there on nothing is held.
_WRITTEN_OUT_MAX: Final = 16 << 10  # octets of all names, with the colons between
_NAMES_MAX: Final = 124 << 10


class Holder(Protocol):
    """Holds sockets by key, and gives them to the next node. Methods raise OSError where the holder has gone."""

    def inherited(self) -> dict[str, socket.socket]:
        """What a node before left, by `label`. Called once."""

    def label(self, key: str) -> str:
        """What `inherited` calls the socket under a key."""

    def keep(self, key: str, kept: socket.socket) -> None:
        """Hold a duplicate of `kept`, in place of what is under the key."""

    def fetch(self, key: str) -> socket.socket | None:
        """A duplicate of what is under the key; None: there is none, or the holder has let go of it just now, so that
        another socket can be bound in its place."""

    def drop(self, key: str) -> None:
        """Let go of what is under the key, or the label."""

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

    def label(self, key: str) -> str:
        return key

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
        self._names: dict[str, str] = {}  # in the store, by label
        self._octets = 0  # of all names
        self._is_full = False

    def inherited(self) -> dict[str, socket.socket]:
        names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
        count, pid = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
        if not count.isdigit() or pid != str(os.getpid()):
            return {}
        found: dict[str, socket.socket] = {}
        for descriptor, name in zip(range(_FIRST_PASSED, _FIRST_PASSED + int(count)), names, strict=False):
            os.set_inheritable(descriptor, False)
            if name.startswith(_NAME):
                label = self.label(name.removeprefix(_NAME))
            elif name.startswith(_DIGEST):
                label = name.removeprefix(_DIGEST)
            else:
                continue
            found[label] = socket.socket(fileno=descriptor)
            self._note(label, name)
        return found

    def label(self, key: str) -> str:
        return base64.urlsafe_b64encode(hashlib.blake2b(key.encode(), digest_size=6).digest()).decode()

    def keep(self, key: str, kept: socket.socket) -> None:
        label = self.label(key)
        name = self._names.get(label) or self._new_name(key, label)
        if name is None:
            return
        self._note(label, name)
        self._send(f"FDSTORE=1\nFDPOLL=0\nFDNAME={name}", kept.fileno())

    def _new_name(self, key: str, label: str) -> str | None:
        """A name that still fits among the others, None: there is none."""
        if self._octets + len(_NAME + key) < _WRITTEN_OUT_MAX:
            return _NAME + key
        name = _DIGEST + label
        if self._octets + len(name) < _NAMES_MAX:
            return name
        if not self._is_full:
            self._is_full = True
            log.warning("systemd holds no more sockets for us: those of further networks are not kept over a restart; "
                        "netmend-keep has room for all", held=len(self._names))  # fmt: skip
        return None

    def _note(self, label: str, name: str) -> None:
        if label not in self._names:
            self._names[label] = name
            self._octets += len(name) + 1

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
        name = self._names.pop(self.label(key), None) or self._names.pop(key, None)
        if name is not None:
            self._octets -= len(name) + 1
            self._is_full = False
            self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

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
