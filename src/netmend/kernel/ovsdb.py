"""Asking a local Open vSwitch database which devices it has as ports (RFC 7047 sections 4.1.3 and 5.2.2). Read-only."""

import json
import os
import socket
from typing import Any, Final

from netmend.kernel.errors import KernelError

SOCKETS: Final = ("/run/openvswitch/db.sock", "/var/run/openvswitch/db.sock")
_SELECT: Final = {"op": "select", "table": "Interface", "where": [], "columns": ["name"]}


def present() -> str | None:
    """The path of the database's socket, where there is one."""
    return next((path for path in SOCKETS if os.path.exists(path)), None)


def interface_names(path: str, timeout: float = 10.0) -> set[str]:
    """The name of every interface in the database at a unix socket. Raises KernelError."""
    request = {"method": "transact", "params": ["Open_vSwitch", _SELECT], "id": 0}
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(json.dumps(request).encode())
            result = _answer(connection)
        return {str(row["name"]) for row in result["result"][0]["rows"]}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise KernelError("ask", path, getattr(error, "errno", None) or 0, str(error)) from error


def _answer(connection: socket.socket) -> Any:
    """The answer to request 0; the server's own requests (echo) before it are none of ours."""
    text, decoder = "", json.JSONDecoder()
    raw = b""
    while True:
        data = connection.recv(1 << 16)
        if not data:
            raise ValueError("the connection ended before the answer")
        raw += data
        try:
            text, raw = text + raw.decode(), b""
            while text.lstrip():
                message, end = decoder.raw_decode(text := text.lstrip())
                text = text[end:]
                if isinstance(message, dict) and message.get("id") == 0 and "result" in message:
                    return message
        except ValueError:  # not whole yet
            continue
