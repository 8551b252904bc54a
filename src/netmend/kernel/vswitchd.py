"""Questions to ovs-vswitchd itself, as ovs-appctl(8) asks them: what it learned, and which way a packet would take."""

import errno
import os
import time
from collections.abc import Sequence
from typing import Final

from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.stream import Stream

_RUN: Final = "/run/openvswitch"
_TIMEOUT: Final = 20.0  # seconds
ASK: Final = "ask ovs-vswitchd at"


def control_socket(directory: str = _RUN) -> str:
    """Where it listens: the socket of the process whose number its pid file has, or one without a number. Raises
    KernelError (ENOENT) where there is none."""
    try:
        with open(f"{directory}/ovs-vswitchd.pid") as file:
            path = f"{directory}/ovs-vswitchd.{file.read().strip()}.ctl"
        if os.path.exists(path):
            return path
    except OSError:
        path = ""
    plain = f"{directory}/ovs-vswitchd.ctl"
    if os.path.exists(plain):
        return plain
    raise KernelError(ASK, path or plain, errno.ENOENT)


def ask(path: str, command: str, parameters: Sequence[str], timeout: float = _TIMEOUT) -> str:
    """The answer to one command (ovs-appctl(8), JSON-RPC on a unix socket). Raises KernelError: also what it says."""
    stream = Stream(f"unix:{path}", timeout, operation=ASK)
    try:
        stream.send({"id": 0, "method": command, "params": list(parameters)})
        answer = stream.receive(time.monotonic() + timeout)[0]
    finally:
        stream.close()
    if not isinstance(answer, dict) or not isinstance(answer.get("result"), str):
        said = answer.get("error") if isinstance(answer, dict) else None
        raise KernelError(ASK, path, errno.EPROTO, f"{command}: {str(said).strip()}")
    return str(answer["result"])


def learned(path: str, bridge: str) -> dict[tuple[int, int], int | None]:
    """What a bridge learned: by VLAN and MAC, the number of the port (None: one that is a name). Raises KernelError."""
    found: dict[tuple[int, int], int | None] = {}
    for line in ask(path, "fdb/show", [bridge]).splitlines()[1:]:
        words = line.split()
        if len(words) >= 3 and words[1].isdecimal():
            number = int(words[0]) if words[0].isdecimal() else None
            found[int(words[1]), int(words[2].replace(":", ""), 16)] = number
    return found


def trace(path: str, bridge: str, packet: str, tracked: Sequence[str]) -> str:
    """The way of a packet as the switch would take it (ovs-vswitchd(8), ofproto/trace), with ports by name. `tracked`
    is what connection tracking is to say, time after time, such as `trk,new`. Raises KernelError."""
    states = [word for state in tracked for word in ("--ct-next", state)]
    return ask(path, "ofproto/trace", ["--names", bridge, packet, *states])
