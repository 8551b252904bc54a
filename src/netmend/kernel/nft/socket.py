"""A socket of nfnetlink: transactions in, objects out. A transaction is in force as a whole, or not at all."""

import errno
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from netmend.ground.nftables import FAMILY_BRIDGE
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import (
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    messages,
    parse_attributes,
)

SUBSYSTEM: Final = 10  # NFNL_SUBSYS_NFTABLES, linux/netfilter/nfnetlink.h
GETGEN: Final = 16
_NETLINK_NETFILTER: Final = 12
_BATCH_BEGIN, _BATCH_END = 16, 17
_SOL_NETLINK, _CAP_ACK = 270, 10
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER: Final = 32 << 20
_HEADER: Final = struct.Struct("=IHHII")
_ROOM: Final = 4096  # octets of the send buffer that a message does not get
_NAMES: Final = {
    0: "table", 2: "table", 3: "chain", 5: "chain", 6: "rule", 8: "rule", 9: "set", 12: "element", 14: "element",
    -1: "commit",
}  # fmt: skip
_TARGETS: Final = {FAMILY_BRIDGE: "of bridges (nftables)"}
_TARGET: Final = "of routing (nftables)"


class NftSocket:
    """In the network namespace that the calling thread was in when it was made. Not thread-safe."""

    def __init__(self, family: int = FAMILY_BRIDGE) -> None:
        """For tables of one family. Raises KernelError."""
        self._family = family
        self._target = _TARGETS.get(family, _TARGET)
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
        except OSError as error:
            raise KernelError("set rules", self._target, error.errno or 0) from error
        self._socket.bind((0, 0))
        self.port: int = self._socket.getsockname()[0]
        """By which messages of the kernel say that a change was made through this socket."""
        for option, plain in ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF)):
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
            except OSError:  # not root on the host: as much as it allows
                with suppress(OSError):
                    self._socket.setsockopt(socket.SOL_SOCKET, plain, _BUFFER)
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self.most = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - _ROOM
        """Octets that one transaction may have."""
        self._sequence = 0
        self._commits = 0

    def close(self) -> None:
        self._socket.close()

    def generation(self) -> int:
        """A number that grows with each transaction of anybody in this namespace; raises KernelError."""
        (answer,) = self._ask(GETGEN, 0, b"", 0)
        return int.from_bytes(parse_attributes(answer, 4)[1], "big")

    def others(self) -> int:
        """A number that grows with each transaction of anybody else than this socket; raises KernelError."""
        return (self.generation() - self._commits) & 0xFFFFFFFF

    def dump(self, kind: int, body: bytes = b"") -> list[bytes]:
        """All objects of a kind in the socket's family, each as its attributes behind four octets; nothing where the
        object they are part of is not there. Raises KernelError."""
        try:
            return self._ask(kind, self._family, body, NLM_F_DUMP)
        except KernelError as error:
            if error.code == errno.ENOENT:
                return []
            raise

    def _ask(self, kind: int, family: int, body: bytes, flags: int) -> list[bytes]:
        for _ in range(4):
            self._sequence += 1
            self._send(self._message(kind, family, body, flags))
            found, consistent = self._answers(flags)
            if consistent:
                break
        return found

    def _answers(self, asked: int) -> tuple[list[bytes], bool]:
        found: list[bytes] = []
        consistent = True
        while True:
            for answer, sequence, flags, data in messages(self._receive()):
                if sequence != self._sequence:
                    continue
                consistent = consistent and not flags & NLM_F_DUMP_INTR
                if answer == NLMSG_DONE:
                    return found, consistent
                if answer == NLMSG_ERROR:
                    code = -struct.unpack_from("=i", data)[0]
                    if code == errno.EINTR:
                        return found, False
                    if code:
                        raise KernelError("look at rules", self._target, code)
                    return found, consistent
                found.append(data)
                if not asked & NLM_F_DUMP:
                    return found, consistent

    def commit(self, changes: Sequence[tuple[int, int, bytes]]) -> None:
        """Make changes, each given as kind, flags and attributes, in one transaction. Raises KernelError, and then none
        is made."""
        self._sequence += 1
        batch = [self._message(_BATCH_BEGIN, 0, b"", 0, subsystem=0, resource=SUBSYSTEM)]
        for number, (kind, flags, body) in enumerate(changes, 1):
            self._sequence += 1
            acknowledge = NLM_F_ACK if number == len(changes) else 0
            batch.append(self._message(kind, self._family, body, flags | acknowledge))
        last = self._sequence
        self._sequence += 1
        batch.append(self._message(_BATCH_END, 0, b"", 0, subsystem=0, resource=SUBSYSTEM))
        with changing("set rules", self._target):
            self._send(b"".join(batch))
            failure, failed, acknowledged = 0, 0, False
            while not acknowledged and not failure:
                for answer, sequence, _, data in messages(self._receive()):
                    if answer == NLMSG_ERROR and last - len(changes) <= sequence <= self._sequence:
                        if not failure and (failure := -struct.unpack_from("=i", data)[0]):
                            failed = sequence - (last - len(changes)) - 1
                        acknowledged = acknowledged or sequence == last
            self._drain()
        self._commits += not failure
        if failure:
            kind = changes[failed][0] if 0 <= failed < len(changes) else -1
            raise KernelError(
                "set rules", self._target, failure, f"at the transaction's {failed + 1}. change, a {_NAMES[kind]}"
            )

    def _drain(self) -> None:
        """Errors of the other messages of a transaction that failed wait behind the first."""
        with suppress(OSError):
            while True:
                self._socket.recv(1 << 16, socket.MSG_DONTWAIT)

    def _message(
        self, kind: int, family: int, body: bytes, flags: int, *, subsystem: int = SUBSYSTEM, resource: int = 0
    ) -> bytes:
        header = struct.pack("!BBH", family, 0, resource)
        length = 16 + len(header) + len(body)
        return _HEADER.pack(length, subsystem << 8 | kind, flags | NLM_F_REQUEST, self._sequence, 0) + header + body

    def _send(self, message: bytes) -> None:
        try:
            self._socket.send(message)
        except OSError as error:
            raise KernelError("set rules", self._target, error.errno or 0) from error

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(1 << 17)
        except OSError as error:
            raise KernelError("set rules", self._target, error.errno or 0) from error
