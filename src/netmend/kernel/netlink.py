"""A route netlink socket (netlink(7), rtnetlink(7)): batches out, acknowledgements and dumps in.

Ours, and not a library's, because start cost must follow intent (invariant I6): decoding a host's 10,000 foreign taps
into objects costs a general library seconds, and here only the few attributes asked for are looked at. The encoding
is checked against pyroute2's in tests/kernel.
"""

import errno
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError

NLM_F_REQUEST: Final = 0x1  # linux/netlink.h
NLM_F_ACK: Final = 0x4
NLM_F_ECHO: Final = 0x8
NLM_F_DUMP_INTR: Final = 0x10
NLM_F_ACK_TLVS: Final = 0x200
NLM_F_CAPPED: Final = 0x100
NLM_F_DUMP: Final = 0x300
NLM_F_REPLACE: Final = 0x100
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLA_F_NESTED: Final = 0x8000
_NLA_TYPE_MASK: Final = 0x3FFF
_NLMSGERR_ATTR_MSG: Final = 1

_SOL_NETLINK: Final = 270
_NETLINK_LISTEN_ALL_NSID: Final = 8
_NETLINK_CAP_ACK: Final = 10
_NETLINK_EXT_ACK: Final = 11
_NETLINK_GET_STRICT_CHK: Final = 12

_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port id
_ATTRIBUTE: Final = struct.Struct("=HH")
_RECEIVE_SIZE: Final = 1 << 17
_BATCH_BYTES: Final = 60_000  # stay well inside the default send buffer
_GETS: Final = 32  # whose answers take up to 4 KiB each there
_BATCH_REQUESTS: Final = 64  # and their answers, which all wait for us, inside the receive buffer (else ENOBUFS)


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    length = 4 + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + b"\0" * (-length & 3)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """A NUL-terminated string attribute."""
    return attribute(kind, value.encode() + b"\0")


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def u8(kind: int, value: int) -> bytes:
    return attribute(kind, bytes((value,)))


def parse_attributes(data: bytes, start: int = 0, end: int | None = None) -> dict[int, bytes]:
    """Attributes of `data[start:end]` by type; what is malformed ends the list."""
    found: dict[int, bytes] = {}
    stop = len(data) if end is None else end
    unpack = _ATTRIBUTE.unpack_from
    while start + 4 <= stop:
        length, kind = unpack(data, start)
        if length < 4 or start + length > stop:
            break
        found[kind & _NLA_TYPE_MASK] = data[start + 4 : start + length]
        start += (length + 3) & ~3
    return found


class Request(Struct, frozen=True):
    """One message of a batch, and what to call it when the kernel refuses: `operation` on `target`."""

    kind: int  # RTM_*
    flags: int  # beside NLM_F_REQUEST | NLM_F_ACK
    body: bytes  # family header and attributes
    operation: str
    target: str
    tolerate: tuple[int, ...] = ()  # errnos that mean "is so already"


class RouteSocket:
    """A netlink socket in the network namespace that the calling thread was in when it was made. Not thread-safe."""

    def __init__(self) -> None:
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        except OSError as error:
            raise KernelError("open", "netlink socket", error.errno or 0) from error
        self._sequence = 0
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "RouteSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def perform(self, requests: Sequence[Request]) -> list[bytes]:
        """Send `requests` in one system call (more when they are many) and take every answer.

        Returns the objects that the kernel echoed (NLM_F_ECHO; for links since Linux 6.2).

        The kernel works through a batch in order and does not stop at an error, so no request of a batch may rely by
        *name* on the success of one before it. Raises KernelError for the first that failed, after all are answered.
        """
        failure: KernelError | None = None
        echoed: list[bytes] = []
        start = 0
        while start < len(requests):
            message, last = bytearray(), start
            first_sequence = self._sequence + 1
            limit = min(len(requests), start + _BATCH_REQUESTS)
            while last < limit and (not message or len(message) + len(requests[last].body) < _BATCH_BYTES):
                request = requests[last]
                self._sequence += 1
                flags = NLM_F_REQUEST | NLM_F_ACK | request.flags
                message += _HEADER.pack(16 + len(request.body), request.kind, flags, self._sequence, 0) + request.body
                message += b"\0" * (-len(request.body) & 3)
                last += 1
            self._send(bytes(message), requests[start])
            answered = 0
            while answered < last - start:
                for kind, sequence, flags, data in self._receive(requests[start].operation, requests[start].target):
                    if not first_sequence <= sequence <= self._sequence:
                        continue  # an answer to a request given up on earlier
                    if kind != NLMSG_ERROR:
                        echoed.append(data)
                        continue
                    answered += 1
                    request = requests[start + sequence - first_sequence]
                    error = _refusal(request, flags, data)
                    failure = failure or error
            start = last
        if failure:
            raise failure
        return echoed

    def get(self, kind: int, body: bytes, operation: str, target: str) -> bytes:
        """The one answer to a request for one object; raises KernelError."""
        self._sequence += 1
        message = _HEADER.pack(16 + len(body), kind, NLM_F_REQUEST, self._sequence, 0) + body
        request = Request(kind, 0, body, operation, target)
        self._send(message, request)
        while True:
            for answer, sequence, flags, data in self._receive(operation, target):
                if sequence != self._sequence:
                    continue
                if answer != NLMSG_ERROR:
                    return data
                error = _refusal(request, flags, data)
                if error:
                    raise error

    def get_many(self, kind: int, bodies: Sequence[bytes], operation: str, target: str, gone: int) -> list[bytes]:
        """The answers to requests for one object each, less those that the kernel refused with errno `gone`; without
        acknowledgements, so for half the messages that `perform` takes. Raises KernelError."""
        return self.change_and_get(kind, [(None, body) for body in bodies], operation, target, gone)

    def change_and_get(
        self, kind: int, pairs: Sequence[tuple[bytes | None, bytes]], operation: str, target: str, gone: int
    ) -> list[bytes]:
        """As `get_many`, with messages sent right before the requests that change the objects (`unacknowledged`): all
        of a send's changes first, since one after the other with the requests takes seven times as long. Raises
        KernelError, too, when the kernel refused such a change, but not with `gone`."""
        found: list[bytes] = []
        for start in range(0, len(pairs), _GETS):
            part = pairs[start : start + _GETS]
            message, first_sequence = bytearray(), self._sequence + 1
            for change, _ in part:
                message += change or b""
            for _, body in part:
                self._sequence += 1
                message += _HEADER.pack(16 + len(body), kind, NLM_F_REQUEST, self._sequence, 0) + body
            request = Request(kind, 0, b"", operation, target, (gone,))
            self._send(bytes(message), request)
            answered = 0
            failure: KernelError | None = None
            while answered < len(part):
                for answer, sequence, flags, data in self._receive(operation, target):
                    if answer == NLMSG_ERROR and sequence == 0:
                        failure = failure or _refusal(request, flags, data)
                    if not first_sequence <= sequence <= self._sequence:
                        continue
                    answered += 1
                    if answer == NLMSG_ERROR:
                        failure = failure or _refusal(request, flags, data)
                    else:
                        found.append(data)
            if failure:
                raise failure
        return found

    def dump(
        self, kind: int, body: bytes, operation: str, target: str, keep: Callable[[bytes], bool] | None = None
    ) -> list[bytes]:
        """All objects of a kind, or those of them to `keep`, each as its family header and attributes; raises
        KernelError.

        A dump that the kernel marks as interrupted by a change is taken again, a few times; the last is returned as
        it is: a level-triggered reader looks again anyway.
        """
        for _ in range(4):
            objects, consistent = self._dump_once(kind, body, operation, target, keep)
            if consistent:
                break
        return objects

    def _dump_once(
        self, kind: int, body: bytes, operation: str, target: str, keep: Callable[[bytes], bool] | None
    ) -> tuple[list[bytes], bool]:
        self._sequence += 1
        message = _HEADER.pack(16 + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, self._sequence, 0) + body
        request = Request(kind, NLM_F_DUMP, body, operation, target)
        self._send(message, request)
        objects: list[bytes] = []
        consistent = True
        while True:
            for answer, sequence, flags, data in self._receive(operation, target):
                if sequence != self._sequence:
                    continue
                consistent = consistent and not flags & NLM_F_DUMP_INTR
                if answer == NLMSG_DONE:
                    return objects, consistent
                if answer == NLMSG_ERROR:
                    error = _refusal(request, flags, data)
                    if error:
                        raise error
                    return objects, consistent
                if keep is None or keep(data):
                    objects.append(data)

    def _send(self, message: bytes, request: Request) -> None:
        try:
            self._socket.send(message)
        except OSError as error:
            raise KernelError(request.operation, request.target, error.errno or 0) from error

    def _receive(self, operation: str, target: str) -> Iterator[tuple[int, int, int, bytes]]:
        try:
            data = self._socket.recv(_RECEIVE_SIZE)
        except OSError as error:
            raise KernelError(operation, target, error.errno or 0) from error
        yield from messages(data)


def unacknowledged(kind: int, body: bytes) -> bytes:
    """A whole message that is answered only when the kernel refuses it, with sequence number 0."""
    return _HEADER.pack(16 + len(body), kind, NLM_F_REQUEST, 0, 0) + body


class Batch:
    """Collects changes that one system call then makes (`send`); stands in for the RouteSocket they would go to.

    The kernel does not stop a batch at an error: put together only changes that do not rely on each other.
    """

    def __init__(self, route: RouteSocket) -> None:
        self._route = route
        self._requests: list[Request] = []

    def add(self, request: Request) -> None:
        self._requests.append(request)

    def send(self) -> None:
        """Make the changes; raises KernelError for the first that failed."""
        if self._requests:
            with changing(self._requests[0].operation, ", ".join(request.target for request in self._requests)):
                self._route.perform(self._requests)
            self._requests = []


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, sequence, flags and body of each message in a datagram; what is malformed ends it."""
    start = 0
    while start + 16 <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, start)
        if length < 16 or start + length > len(data):
            return
        yield kind, sequence, flags, data[start + 16 : start + length]
        start += (length + 3) & ~3


def notifications(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each message of a multicast datagram."""
    for kind, _, _, body in messages(data):
        yield kind, body


def namespace_of(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The id of the namespace that a datagram heard of all namespaces is from; None: this one."""
    for level, kind, data in ancillary:
        if level == _SOL_NETLINK and kind == _NETLINK_LISTEN_ALL_NSID:
            found: int = struct.unpack("i", data[:4])[0]
            return found if found >= 0 else None
    return None


def _refusal(request: Request, flags: int, data: bytes) -> KernelError | None:
    code = -struct.unpack_from("=i", data)[0]
    if code == 0 or code in request.tolerate:
        return None
    said = None
    if flags & NLM_F_ACK_TLVS:
        start = 4 + 16  # the error, and the header of the message it is about
        if not flags & NLM_F_CAPPED:
            start = 4 + struct.unpack_from("=I", data, 4)[0]
        raw = parse_attributes(data, start).get(_NLMSGERR_ATTR_MSG)
        said = raw.rstrip(b"\0").decode(errors="replace") if raw else None
    return KernelError(request.operation, request.target, code, said)


def events_socket(groups: Sequence[int], *, all_namespaces: bool, family: int = 0) -> socket.socket:
    """A non-blocking socket that hears multicast `groups` of a netlink `family` (0: rtnetlink(7)); also, with
    `all_namespaces`, those of every network namespace that this one has an id for, such as the far side of each of its
    veths (linux/netlink.h, NETLINK_LISTEN_ALL_NSID). Raises KernelError.
    """
    add_membership = 1
    try:
        listener = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, family
        )
    except OSError as error:
        raise KernelError("open", "netlink socket", error.errno or 0) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        listener.bind((0, 0))
        for group in groups:
            listener.setsockopt(_SOL_NETLINK, add_membership, group)
        if all_namespaces:
            try:
                listener.setsockopt(_SOL_NETLINK, _NETLINK_LISTEN_ALL_NSID, 1)
            except OSError as error:
                if error.errno != errno.EPERM:  # no CAP_NET_BROADCAST: hear our own namespace only
                    raise
    except OSError as error:
        listener.close()
        raise KernelError("listen", "netlink socket", error.errno or 0) from error
    return listener
