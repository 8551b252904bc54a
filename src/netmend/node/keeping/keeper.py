"""The keeper: holds duplicates of a node's sockets while no node runs, and does nothing else.

It reads no packet of a guest, and loads no module but those of the standard library that it needs (pathlib and
contextlib would take a tenth of its memory). It listens at a unix socket (SOCK_SEQPACKET, unix(7)), for one node at a
time. A message is an operation of one octet and a key; a descriptor travels with it (SCM_RIGHTS). Operations of the
node: `K` keep the descriptor under the key, `D` drop what is there, `F` fetch it, `L` list all. Answers: `=` with the
key and the descriptor, `.` no such key, or the list's end.
"""
# ruff: noqa: PTH103, PTH108, PTH110

import array
import os
import resource
import select
import signal
import socket
import sys

KEY_MAX = 200  # octets
GRACE = 60.0  # seconds without a node after which what it left is closed: guests are told that nobody is there
_PATIENCE = 5  # seconds that a node may leave an answer unread
_BACKLOG = 8


class Keeper:
    """What is held, and the node that is connected, if one is."""

    def __init__(self, listener: socket.socket, grace: float = GRACE) -> None:
        self._listener, self._grace = listener, grace
        self._held: dict[bytes, int] = {}  # descriptors
        self._is_full = False

    def serve(self, until: int) -> None:
        """Hold what nodes hand over, until the descriptor `until` can be read."""
        node: socket.socket | None = None
        try:
            while True:
                waiting = select.poll()
                for descriptor in (until, (node or self._listener).fileno()):
                    waiting.register(descriptor, select.POLLIN)
                wait = None if node is not None or not self._held else self._grace
                ready = {descriptor for descriptor, _ in waiting.poll(None if wait is None else wait * 1000)}
                if until in ready:
                    return
                if not ready:
                    self._drop_all()
                elif node is None:
                    node = self._accept()
                elif not self._serve_one(node):
                    node.close()
                    node = None
        finally:
            if node is not None:
                node.close()
            self._drop_all()

    def _accept(self) -> socket.socket | None:
        try:
            node, _ = self._listener.accept()
        except OSError:
            return None
        node.settimeout(_PATIENCE)
        return node

    def _serve_one(self, node: socket.socket) -> bool:
        """Take one message; false: the node has gone, or does not keep to the protocol."""
        try:
            message, ancillary, flags, _ = node.recvmsg(KEY_MAX + 2, socket.CMSG_SPACE(array.array("i").itemsize))
        except OSError:
            return False
        came = _descriptors(ancillary)
        if flags & socket.MSG_CTRUNC and not self._is_full:
            self._is_full = True
            print("no descriptor is left: sockets that come now are not kept; raise the limit", file=sys.stderr)
        operation, key = message[:1], message[1:]
        if not operation or len(key) > KEY_MAX or len(came) > (operation == b"K"):
            for descriptor in came:
                os.close(descriptor)
            return False
        try:
            return self._do(node, operation, key, came)
        except OSError:
            return False

    def _do(self, node: socket.socket, operation: bytes, key: bytes, came: list[int]) -> bool:
        if operation == b"K":
            self._drop(key)
            if came:
                self._held[key] = came[0]
        elif operation == b"D":
            self._drop(key)
        elif operation == b"F":
            self._answer(node, key)
        elif operation == b"L":
            for one in list(self._held):
                self._answer(node, one)
            node.send(b".")
        else:
            return False
        return True

    def _answer(self, node: socket.socket, key: bytes) -> None:
        descriptor = self._held.get(key)
        if descriptor is None:
            node.send(b".")
        else:
            socket.send_fds(node, [b"=" + key], [descriptor])

    def _drop(self, key: bytes) -> None:
        descriptor = self._held.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)
            self._is_full = False

    def _drop_all(self) -> None:
        for key in list(self._held):
            self._drop(key)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)


def listen(path: str) -> socket.socket:
    """The keeper's socket, for its owner alone; one that a keeper before left is replaced. Raises OSError: EADDRINUSE
    where a keeper listens."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        if os.path.exists(path) and not _is_heard(path):
            os.unlink(path)
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _is_heard(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as asking:
        try:
            asking.connect(path)
        except OSError:
            return False
    return True


def main() -> None:
    """`netmend-keep [DIRECTORY]`: keep the sockets of the node whose runtime directory it is, until SIGTERM."""
    arguments = sys.argv[1:]
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print("usage: netmend-keep [RUNTIME_DIRECTORY]   holds a node's sockets while the node is restarted")
        sys.exit(0 if arguments[:1] in (["-h"], ["--help"]) else 2)
    directory = arguments[0] if arguments else "/run/netmend"
    path = f"{directory}/keeper.sock"
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(write)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        listener = listen(path)
    except OSError as error:
        print(f"netmend-keep: cannot listen at {path}: {error.strerror}; run as the node's user (root), one a node",
              file=sys.stderr)  # fmt: skip
        sys.exit(2)
    with listener:
        Keeper(listener).serve(read)
    os.unlink(path)


if __name__ == "__main__":
    main()
