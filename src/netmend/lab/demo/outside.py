"""What of the demo can be reached from outside its sandbox: the node's page, and lines for another terminal.

A listening socket belongs to the network namespace that it was made in: one that is made before the sandbox is entered
takes connections from outside, and they are relayed to the node. A descriptor of /proc gives pids as they are outside.
"""

import os
import shutil
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from netmend.intent.names import dhcp_port_id, tap_name
from netmend.intent.port import NetnsPlug
from netmend.lab.demo.guest import Guest

PREFERRED_PORT = 9696  # else any that is free
_CHUNK = 65_536  # octets read at once


@dataclass(frozen=True, slots=True)
class Outside:
    """What was taken along into the sandbox. Made before it is entered."""

    pids: "HostPids"
    listener: socket.socket | None  # None: no port of loopback can be had

    @property
    def page_port(self) -> int | None:
        """The port of the page, outside and inside; requests name it, so it is the same."""
        return int(self.listener.getsockname()[1]) if self.listener else None

    def things_to_try(self, guests: Sequence[Guest], directory: str) -> list[tuple[str, str]]:
        """Start to relay the page, and return what can be tried, each with the URL or the line for it.

        Call it in the sandbox's first process. `directory` has the names of the guests' namespaces.
        """
        things = []
        if self.listener is not None and self.page_port is not None:
            _relay(self.listener, self.page_port)
            things.append(("see the page", f"http://127.0.0.1:{self.page_port}/"))
        return things + _lines_to_try(self.pids.own(), guests, directory)

    def close(self) -> None:
        self.pids.close()
        if self.listener is not None:
            self.listener.close()


class HostPids:
    """The pids that processes of a sandbox have outside it. Made before the sandbox is entered."""

    def __init__(self) -> None:
        self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def own(self) -> int:
        """The calling process's pid outside: `self` in a /proc means the pid in that /proc's namespace."""
        return int(os.readlink("self", dir_fd=self._proc))

    def close(self) -> None:
        os.close(self._proc)


def listen_on_loopback() -> socket.socket | None:
    """A socket that listens on 127.0.0.1, at PREFERRED_PORT if it is free; None where none can be had."""
    for port in (PREFERRED_PORT, 0):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    return None


def _relay(listener: socket.socket, port: int) -> None:
    """Relay connections of `listener` to 127.0.0.1:`port` of this network namespace, in threads of their own."""

    def accept() -> None:
        while True:
            try:
                outside, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_join, args=(outside, port), name="netmend-demo-page", daemon=True).start()

    threading.Thread(target=accept, name="netmend-demo-page", daemon=True).start()


def _join(outside: socket.socket, port: int) -> None:
    with outside:
        try:
            inside = socket.create_connection(("127.0.0.1", port))
        except OSError:
            return
        with inside:
            back = threading.Thread(target=_copy, args=(inside, outside), name="netmend-demo-page", daemon=True)
            back.start()
            _copy(outside, inside)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source ends, and pass the end on."""
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _lines_to_try(pid: int, guests: Sequence[Guest], directory: str) -> list[tuple[str, str]]:
    """Lines for a shell of the same user; `pid` is that of the sandbox's first process, as it is outside."""
    enter = f"nsenter -t {pid} -U --preserve-credentials -m -p"
    things = []
    if guests and shutil.which("nsenter") and isinstance(plug := guests[0].port.plug, NetnsPlug):
        guest = guests[0]
        inside = f"{enter} --net=/proc/{pid}/root{directory}/{plug.netns} sh"
        things.append((f"be in the guest {guest.port.name}", inside))
        network = guest.network
        if network.is_served and shutil.which("ip"):
            device = tap_name(dhcp_port_id(network.id))
            again = f"{enter} -n sh -c 'ip link delete {device}; sleep 1; ip link show {device}'"
            things.append((f"delete the DHCP port of {network.name}, and watch it come back", again))
    return things
