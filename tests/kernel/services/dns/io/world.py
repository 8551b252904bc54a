"""A served network and a guest on it, in namespaces of a sandbox; and servers to be asked, on its loopback."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface
from pathlib import Path
from typing import Any, Self

import dns.message
import dns.query
from tests.unit.services.dns.asker import NETWORK_ID, network
from tests.waiting import PATIENCE, wait_for

from netmend.intent import DnsServer, Network
from netmend.kernel import addresses, links
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.sockets import open_listener, open_udp
from netmend.services.dns.io import DnsSockets, Limits, forwarder

SERVER, SERVER6 = "10.0.0.2", "fd00::2"
GUEST, GUEST6 = "10.0.0.10", "fd00::10"  # the port `web`
DEVICE = "eth0"


def wire(served: Netns, guest: Netns) -> None:
    """Join two namespaces, and give both their addresses."""
    with RouteSocket() as route:
        mine = VethEnd("near", 1500, 0)
        with served.entered(), RouteSocket() as inside:
            links.create_veth(inside, mine, VethEnd(DEVICE, 1500, 0), guest)
    for namespace, device, texts in ((served, "near", (SERVER, SERVER6)), (guest, DEVICE, (GUEST, GUEST6))):
        with namespace.entered(), RouteSocket() as route:
            link = links.find_link(route, device)
            loopback = links.find_link(route, "lo")
            assert link and loopback
            for text in texts:
                addresses.add_address(route, link, ip_interface(f"{text}/{24 if '.' in text else 64}"))
            links.set_link(route, link, up=True)
            links.set_link(route, loopback, up=True)


class World:
    """One network, served by `DnsSockets` as the node does it; names that are not its own are asked of `servers`."""

    def __init__(self, *servers: str, intent: Network | None = None, limits: Limits | None = None) -> None:
        self.errors: list[str] = []
        asked = [DnsServer(ip_address(text)) for text in servers]
        self.sockets = DnsSockets(lambda _, what, error: self.errors.append(f"{what}: {error}"), lambda: asked, limits)
        self.guest = self.add(intent or network())

    def add(self, intent: Network) -> Netns:
        """Serve a network; returns a guest's namespace on it."""
        with Netns.create("served") as served:
            pass
        with Netns.create("guest") as guest:
            pass
        wire(served, guest)
        texts = (IPv4Address(SERVER), IPv6Address(SERVER6))
        udp = [open_udp(served, "near", text, 53) for text in texts]
        listeners = [open_listener(served, "near", text, 53) for text in texts]
        self.sockets.add(intent, udp, listeners)
        wait_for(lambda: self.reachable(guest), "IPv6 is up")
        return guest

    @staticmethod
    def reachable(guest: Netns) -> bool:
        with guest.entered(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            try:
                one.bind((GUEST6, 0))
            except OSError:
                return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sockets.close()

    def ask(
        self,
        name: str,
        rdtype: str = "A",
        *,
        tcp: bool = False,
        at: str = SERVER,
        guest: Netns | None = None,
        **more: Any,
    ) -> dns.message.Message:
        """A guest's question, by dnspython."""
        query = dns.message.make_query(name, rdtype, **more)
        with (guest or self.guest).entered():
            return (dns.query.tcp if tcp else dns.query.udp)(query, at, timeout=PATIENCE)

    def status(self) -> dict[str, Any]:
        found = self.sockets.status(NETWORK_ID)
        assert found is not None
        return found


@contextmanager
def patience(seconds: float, first: float | None = None) -> Iterator[None]:
    """Let each try wait so long, but for the first, which may end sooner: an answer that comes then waited for none."""
    before, forwarder.TRIES = forwarder.TRIES, (seconds if first is None else first, *(seconds,) * 3)
    try:
        yield
    finally:
        forwarder.TRIES = before


Answer = Callable[[dns.message.Message], Sequence[bytes]]


def good(query: dns.message.Message, *records: str) -> dns.message.Message:
    """An answer with these records: `ttl type data` of the name that was asked for."""
    answer = dns.message.make_response(query, recursion_available=True)
    for text in records:
        ttl, rdtype, data = text.split(maxsplit=2)
        answer.answer.append(dns.rrset.from_text(query.question[0].name, int(ttl), "IN", rdtype, data))
    return answer


class Upstream:
    """A server at `address` and `port` that says what `udp` and `tcp` make of a question; `asked` is what it was."""

    def __init__(self, address: str, udp: Answer, tcp: Answer | None = None, *, port: int = 53) -> None:
        self.asked: list[tuple[str, dns.message.Message, Any]] = []  # over what, which question, from where
        self._answers = {"udp": udp, "tcp": tcp or udp}
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind((address, port))
        self._tcp = socket.socket(family, socket.SOCK_STREAM)
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((address, port))
        self._tcp.listen()
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def _serve_udp(self) -> None:
        while True:
            try:
                message, source = self.udp.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(message)
            self.asked.append(("udp", query, source))
            for answer in self._answers["udp"](query):
                self.udp.sendto(answer, source)

    def _serve_tcp(self) -> None:
        while True:
            try:
                accepted, source = self._tcp.accept()
            except OSError:
                return
            with accepted:
                query, _ = dns.query.receive_tcp(accepted)
                self.asked.append(("tcp", query, source))
                for answer in self._answers["tcp"](query):
                    accepted.sendall(len(answer).to_bytes(2, "big") + answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self.udp, self._tcp):
            one.shutdown(socket.SHUT_RDWR) if one is self._tcp else None
            one.close()


@contextmanager
def dnsmasq(address: str, *options: str) -> Iterator[None]:
    """A real server at `address`, that knows what `options` say (dnsmasq(8)) and nothing else."""
    program = shutil.which("dnsmasq")
    assert program, "not there: dnsmasq; run tools/setup-programs peers"
    command = [program, "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--bind-interfaces"]
    command += [f"--listen-address={address}", "--pid-file=", "--user=root", "--group=root", *options]
    log = Path(f"/run/dnsmasq-{address.replace(':', '-')}.log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                dns.query.udp(dns.message.make_query(".", "NS"), address, timeout=0.2)
            except (dns.exception.Timeout, OSError):
                return False
            return True

        wait_for(answers, "dnsmasq answers")
        yield
    finally:
        process.terminate()
        process.wait()
