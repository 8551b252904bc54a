"""One connection to one bridge."""

import errno
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from msgspec import Struct

from netmend.ground.openflow.flow import Flow
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError
from netmend.kernel.openflow import messages
from netmend.kernel.openflow.messages import Change

TIMEOUT: Final = 10.0  # seconds without a word of an answer
_RUN: Final = "/run/openvswitch"
_AT_A_TIME: Final = 1 << 18
_ASK: Final = "ask the bridge at"
_CHANGE: Final = "change flows of the bridge at"


def management_socket(bridge: str, directory: str = _RUN) -> str:
    """The socket on which ovs-vswitchd serves a bridge to this host's programs (ovs-vswitchd(8))."""
    return f"{directory}/{bridge}.mgmt"


class SwitchPort(Struct, frozen=True):
    """A port as the bridge has it; `down` when its device is, or was set so."""

    number: int
    name: str
    mac: str
    down: bool


class _Message(Struct, frozen=True):
    kind: int
    number: int
    raw: bytes  # with the header


def _body(kind: Change, flow: Flow, cookie_mask: int, path: str) -> bytes:
    try:
        return messages.flow_mod(kind, flow, cookie_mask)
    except (ValueError, KeyError, OverflowError, struct.error) as error:
        raise KernelError(_CHANGE, path, errno.EINVAL, f"{flow} cannot be said: {error}") from error


class Bridge:
    """Connects when it is made. Not thread-safe. Every call blocks, and raises KernelError."""

    def __init__(self, path: str, timeout: float = TIMEOUT) -> None:
        self._path = path
        self._timeout = timeout
        self._raw = bytearray()
        self._next = 0
        self._refused: list[_Message] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
            self._socket.sendall(messages.hello())
            self.version = self._agree()
            answer = self._ask(messages.FEATURES_REQUEST, b"", messages.FEATURES_REPLY)
            (self.datapath_id,) = struct.unpack_from("!Q", answer.raw, 8)
        except OSError as error:
            self._socket.close()
            raise self._failed(error) from error
        except KernelError:
            self._socket.close()
            raise

    def __enter__(self) -> "Bridge":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    # --- what it has ----------------------------------------------------------------------------------------------

    def flows(self, cookie: int = 0, cookie_mask: int = 0, table: int = messages.ALL_TABLES) -> list[Flow]:
        """The flows whose cookie is `cookie` in the bits of the mask, in one table or in all."""
        found: list[Flow] = []
        for part in self._parts(messages.flows_request(cookie, cookie_mask, table)):
            try:
                found += messages.decode_flows(part, 16, len(part))
            except ValueError as error:
                raise self._nonsense(str(error)) from error
        return found

    def ports(self) -> list[SwitchPort]:
        """Every port of the bridge, its own among them (number 0xfffffffe)."""
        found = []
        for part in self._parts(struct.pack("!HH4x", messages.PORTS, 0)):
            at = 16
            while at < len(part):
                port, length = self._port(part, at)
                found.append(port)
                at += length
        return found

    def _port(self, raw: bytes, at: int) -> tuple[SwitchPort, int]:
        later = self.version >= messages.VERSION_1_4  # ports have a length there (section 7.2.1)
        try:
            number, length = struct.unpack_from("!IH", raw, at)
            mac = raw[at + 8 : at + 14].hex(":")
            config, state = struct.unpack_from("!II", raw, at + 32)
        except struct.error as error:
            raise self._nonsense(f"a port is cut short: {error}") from error
        name = raw[at + 16 : at + 32].rstrip(b"\0").decode(errors="replace")
        if later and length < 40:
            raise self._nonsense(f"a port of {length} octets")
        return SwitchPort(number, name, mac, bool(config & 1 or state & 1)), length if later else 64

    # --- changes --------------------------------------------------------------------------------------------------

    def change(self, changes: Iterable[tuple[Change, Flow]], cookie_mask: int = 0) -> None:
        """Make all of these changes at one instant, or none: a bundle (section 7.3.9). Raises KernelError with what the
        switch said of the first that it refused; ENOTSUP where it speaks OpenFlow 1.3 only."""
        if self.version < messages.VERSION_1_4:
            raise KernelError(_CHANGE, self._path, errno.ENOTSUP, "it speaks OpenFlow 1.3; bundles come with 1.4")
        with changing(_CHANGE, self._path):
            bundle = self._number()
            self._bundle(bundle, messages.BUNDLE_OPEN)
            try:
                for kind, flow in changes:
                    self._add(bundle, _body(kind, flow, cookie_mask, self._path))
                self.barrier()  # or what was refused would only be left out
                self._refuse_refused()
            except KernelError:
                self._discard(bundle)
                raise
            self._bundle(bundle, messages.BUNDLE_COMMIT)

    def _discard(self, bundle: int) -> None:
        self._refused.clear()
        with suppress(KernelError):
            self._bundle(bundle, messages.BUNDLE_DISCARD)

    def _refuse_refused(self) -> None:
        if self._refused:
            first = self._refused[0]
            self._refused.clear()
            raise self._refusal(first, _CHANGE)

    def _bundle(self, bundle: int, kind: int) -> None:
        body = struct.pack("!IHH", bundle, kind, messages.ATOMIC | messages.ORDERED)
        answer = self._ask(messages.BUNDLE_CONTROL, body, messages.BUNDLE_CONTROL, _CHANGE)
        if struct.unpack_from("!H", answer.raw, 12)[0] != kind + 1:
            raise self._nonsense("another bundle's answer")

    def _add(self, bundle: int, body: bytes) -> None:
        number = self._number()
        inner = messages.HEADER.pack(self.version, messages.FLOW_MOD, 8 + len(body), number) + body
        head = struct.pack("!IHH", bundle, 0, messages.ATOMIC | messages.ORDERED)
        self._send(messages.BUNDLE_ADD, head + inner, number)

    def barrier(self) -> None:
        """Return when the switch is through with all that came before."""
        self._ask(messages.BARRIER_REQUEST, b"", messages.BARRIER_REPLY)

    # --- messages -------------------------------------------------------------------------------------------------

    def _agree(self) -> int:
        """The version that both speak (section 6.3.1)."""
        greeting = self._receive(time.monotonic() + self._timeout)
        if greeting.kind != messages.HELLO:
            raise self._refusal(greeting, _ASK) if greeting.kind == messages.ERROR else self._nonsense("no greeting")
        raw, theirs = greeting.raw, greeting.raw[0]
        bitmap = (2 << theirs) - 1  # no bitmap: every version up to its own
        if len(raw) >= 16 and struct.unpack_from("!HH", raw, 8) >= (1, 8):
            (bitmap,) = struct.unpack_from("!I", raw, 12)
        for version in (messages.VERSION_1_4, messages.VERSION_1_3):
            if bitmap & 1 << version:
                return version
        bridge = self._path.rsplit("/", 1)[-1].removesuffix(".mgmt")
        raise KernelError(
            _ASK,
            self._path,
            errno.EPROTONOSUPPORT,
            f"it speaks neither OpenFlow 1.3 nor 1.4: ovs-vsctl add bridge {bridge} protocols OpenFlow14",
        )

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _send(self, kind: int, body: bytes, number: int) -> None:
        try:
            self._socket.sendall(messages.HEADER.pack(self.version, kind, 8 + len(body), number) + body)
        except struct.error as error:
            raise KernelError(_CHANGE, self._path, errno.EMSGSIZE, "a flow is longer than a message may be") from error
        except OSError as error:
            raise self._failed(error) from error

    def _ask(self, kind: int, body: bytes, answer: int, operation: str = _ASK) -> _Message:
        number = self._number()
        self._send(kind, body, number)
        return self._answer(number, answer, operation)

    def _answer(self, number: int, kind: int, operation: str) -> _Message:
        deadline = time.monotonic() + self._timeout
        while True:
            message = self._receive(deadline)
            if message.kind == messages.ERROR:
                if message.number != number:  # a part of a bundle
                    self._refused.append(message)
                    continue
                self._refuse_refused()
                raise self._refusal(message, operation)
            if message.number == number and message.kind == kind:
                return message

    def _parts(self, body: bytes) -> Iterator[bytes]:
        """The parts of the answer to a multipart question, each a message with its header."""
        number = self._number()
        self._send(messages.MULTIPART_REQUEST, body, number)
        more = True
        while more:
            message = self._answer(number, messages.MULTIPART_REPLY, _ASK)
            if len(message.raw) < 16:
                raise self._nonsense("a part is cut short")
            more = bool(struct.unpack_from("!H", message.raw, 10)[0] & messages.MORE)
            yield message.raw

    def _receive(self, deadline: float) -> _Message:
        """The next message; the switch's question whether we live is answered."""
        while True:
            self._fill(8, deadline)
            _, kind, length, number = messages.HEADER.unpack_from(self._raw)
            if length < 8:
                raise self._nonsense(f"a message of {length} octets")
            self._fill(length, deadline)
            raw = bytes(self._raw[:length])
            del self._raw[:length]
            if kind != messages.ECHO_REQUEST:
                return _Message(kind, number, raw)
            self._send(messages.ECHO_REPLY, raw[8:], number)

    def _fill(self, octets: int, deadline: float) -> None:
        while len(self._raw) < octets:
            left = deadline - time.monotonic()
            if left <= 0:
                raise KernelError(_ASK, self._path, errno.ETIMEDOUT)
            try:
                self._socket.settimeout(left)
                data = self._socket.recv(_AT_A_TIME)
            except OSError as error:
                raise self._failed(error) from error
            if not data:
                raise KernelError(_ASK, self._path, errno.ECONNRESET, "the connection ended")
            self._raw += data

    def _refusal(self, message: _Message, operation: str) -> KernelError:
        if len(message.raw) < 12:
            return self._nonsense("an error is cut short")
        kind, code = struct.unpack_from("!HH", message.raw, 8)
        return KernelError(operation, self._path, errno.EPROTO, f"the switch says: {messages.error_text(kind, code)}")

    def _nonsense(self, why: str) -> KernelError:
        return KernelError(_ASK, self._path, errno.EBADMSG, why)

    def _failed(self, error: OSError) -> KernelError:
        if isinstance(error, KernelError):
            return error
        code = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or errno.EIO
        return KernelError(_ASK, self._path, code)
