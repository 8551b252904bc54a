"""`netmend agent` in the place of neutron-ovn-metadata-agent, and guests that ask it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, ip_interface
from pathlib import Path
from typing import Any, Self

from tests.ovn.central import SOUTHBOUND, Central, Guest
from tests.waiting import wait_for

from netmend.kernel import links
from netmend.kernel.addresses import add_address
from netmend.kernel.links import Found, VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.offload import compute_checksums
from netmend.kernel.routes import add_route
from netmend.node.http.status_client import NoNode, ask

HOME = Path("/run/agent")
FILE = HOME / "neutron_ovn_metadata_agent.ini"


class Agent:
    """Runs while entered; ended with SIGTERM."""

    def __init__(self, remote: str = f"unix:{SOUTHBOUND}", more: str = "", default: str = "") -> None:
        HOME.mkdir(exist_ok=True)
        self.log = HOME / "log"
        self._socket = HOME / "runtime" / "netmend.sock"
        FILE.write_text(
            f"[DEFAULT]\nmetadata_proxy_shared_secret = secret\nnova_metadata_host = 127.0.0.1\n{default}\n"
            f"[ovn]\novn_sb_connection = {remote}\n{more}\n"
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGTERM)

    def start(self) -> None:
        command = [sys.executable, "-m", "netmend.cli", "agent", "--config-file", str(FILE)]
        command += ["--state-dir", str(HOME / "state"), "--runtime-dir", str(HOME / "runtime")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = ask(self._socket)
        return found

    def wait(self, right: Callable[[dict[str, Any]], bool], what: str = "status") -> dict[str, Any]:
        """Wait until status is as `right` says."""
        last: dict[str, Any] = {}

        def look() -> dict[str, Any] | None:
            nonlocal last
            assert self.process.poll() is None, self.text()
            try:
                last = self.status()
            except NoNode:
                return None
            return last if right(last) else None

        return wait_for(look, what, lambda: f"{json.dumps(last, indent=1)}\n{self.text()}", every=0.1)

    def wait_served(self, *networks: str) -> dict[str, Any]:
        """Wait until exactly these networks are served."""

        def right(status: dict[str, Any]) -> bool:
            states = {one["id"]: one["state"] for one in status["networks"]}
            return states == dict.fromkeys(networks, "served")

        return self.wait(right, f"{len(networks)} networks are served")

    def text(self) -> str:
        return self.log.read_text()[-6000:]


@contextmanager
def booted(central: Central, guest: Guest) -> Iterator[Netns]:
    """The guest's namespace, its device plugged into the switch by a veth, with its addresses and the route that OVN's
    DHCP would give it."""
    with RouteSocket() as route:
        with Netns.create(f"guest-{guest.number}") as made:
            place = made.duplicate()
        near = links.create_veth(route, VethEnd(guest.device, 1400, 0), VethEnd("eth0", 1400, 0, guest.mac), place)
        inner = Found(near.peer_index, "eth0")
        with place.entered(), RouteSocket() as inside:
            links.set_link(inside, links.LOOPBACK, up=True)
            links.set_link(inside, inner, up=True)
            for ip in guest.ips:
                add_address(inside, inner, ip_interface(f"{ip}/{64 if ':' in ip else 24}"))
            add_address(inside, inner, IPv6Interface("fe80::5/64"))
            add_route(inside, inner, IPv4Network("169.254.169.254/32"), IPv4Interface("10.0.0.2/24").ip)
            compute_checksums("eth0")
        interface = ("set", "Interface", guest.device, f"external_ids:iface-id={guest.id}")
        central.switch.vsctl("add-port", "br-int", guest.device, "--", *interface)
        try:
            yield place
        finally:
            central.switch.vsctl("--if-exists", "del-port", "br-int", guest.device)
            links.delete_link(route, near)
            place.close()


def get(place: Netns, host: str = "169.254.169.254", source: str = "", seconds: float = 3.0) -> tuple[int, Any]:
    """What a guest gets: the status, and the body if it is JSON."""
    with place.entered():
        connection = HTTPConnection(host, 80, seconds, (source, 0) if source else None)
        try:
            connection.connect()
        except OSError:
            connection.close()
            raise
    try:
        connection.request("GET", "/openstack/latest/meta_data.json")
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.headers.get_content_type() == "application/json" else body
    finally:
        connection.close()


def get_soon(place: Netns, host: str = "169.254.169.254", source: str = "") -> Any:
    """What a guest gets with 200, asking as often as it takes."""
    said = ""

    def look() -> Any:
        nonlocal said
        try:
            status, body = get(place, host, source)
        except OSError as error:
            said = str(error)
            return None
        said = f"{status} {body!r}"
        return body if status == 200 else None

    return wait_for(look, "metadata", lambda: said, every=0.1)


def namespaces() -> set[str]:
    """Names in the directory of namespaces that netmend, or OVN's agent, made for networks."""
    return (
        {name for name in os.listdir("/run/netns") if name.startswith("ovnmeta-")}
        if Path("/run/netns").exists()
        else set()
    )
