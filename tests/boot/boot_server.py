"""A guest that serves boot files: TFTP by dnsmasq, HTTP by Python's own server, both in a namespace."""

import socket
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_interface
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from tests.boot.machine import BINARIES
from tests.peers.guests import wait_for_device
from tests.peers.node import HOME

from netmend.kernel.addresses import add_address
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

Answer = bytes | Callable[[], bytes]


class BootServer:
    """`pages` are what HTTP has, by path. `asked` is what was asked for, in order, as `tftp NAME` and `http PATH`."""

    def __init__(self, guest: Netns, addresses: list[str], pages: dict[str, Answer]) -> None:
        self._guest, self._pages = guest, pages
        self._log = HOME / "tftp.log"
        self._http: list[str] = []
        self._root = HOME / "tftp"
        self._root.mkdir()
        for name, path in BINARIES.items():
            (self._root / name).write_bytes(path.read_bytes())
        device = wait_for_device(guest)
        with guest.entered(), RouteSocket() as route:
            for address in addresses:
                add_address(route, device, ip_interface(address))

    def __enter__(self) -> Self:
        command = ["dnsmasq", "--no-daemon", "--port=0", "--enable-tftp", f"--tftp-root={self._root}", "--user=root"]
        command += ["--conf-file=/dev/null", "--log-facility=-", "--pid-file="]
        with self._guest.entered(), self._log.open("wb") as log:
            self._tftp = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self._server = _server(self._pages, self._http)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._tftp.kill()
        self._tftp.wait()

    @property
    def files(self) -> list[str]:
        """The files that TFTP has sent whole; UEFI first asks for a file's size alone, and aborts."""
        found: list[str] = []
        before = ""
        for line in self._log.read_text().splitlines():
            if ": sent " in line and "aborted" not in before:
                found.append(Path(line.partition(": sent ")[2].partition(" to ")[0]).name)
            before = line
        return found

    @property
    def pages(self) -> list[str]:
        """The paths that HTTP was asked for with GET."""
        return list(self._http)

    def explain(self) -> str:
        return f"TFTP: {self._log.read_text()}\nHTTP: {self._http}"


def _server(pages: dict[str, Answer], asked: list[str]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(whole=False)

        def do_GET(self) -> None:
            asked.append(unquote(self.path))
            self._answer(whole=True)

        def _answer(self, *, whole: bool) -> None:
            page = pages.get(self.path.partition("?")[0])
            body = page() if callable(page) else page
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("Content-Type", "application/octet-stream")
            self.end_headers()
            if whole and body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6  # and IPv4 by way of it

    return Server(("::", 80), Handler)
