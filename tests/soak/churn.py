"""The life of a host in short: networks, ports, leases, names, metadata come and go, round after round."""

import random
import socket
import threading
from collections import Counter, deque
from contextlib import suppress
from typing import Any

import dns.flags
import dns.message
import dns.rrset
from tests.soak.guest import Guest

from netmend.attach.client import Api, NoApi, Refused
from netmend.intent.names import bridge_name, namespace_name
from netmend.kernel import links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

Document = dict[str, Any]
NETWORKS = 8  # at a time
_PORTS = 30  # of a network, at a time, that nobody plugs
_RESOLVER = ("127.0.0.53", 53)
_INSTANCE = {"instance": {"user_data": "#cloud-config\n" + "# soak\n" * 200}}


class Place:
    """A place for a network: the namespace of its guests, and the network that is there now."""

    def __init__(self, number: int, source: random.Random) -> None:
        self.name = f"soak{number}"
        nsdir.prepare()
        with Netns.create(self.name) as made, RouteSocket() as route:
            links.set_link(route, links.LOOPBACK, up=True)
        netns.pin(made, f"{nsdir.DEFAULT}/{self.name}", "a guest of the soak")
        self.guest = Guest(made, source)
        self.network: str | None = None  # id
        self.known: Document | None = None  # the guest's port
        self.ports: deque[str] = deque()  # ids of those that nobody plugs


class Churn:
    """Networks behind an API, changed by `round`."""

    def __init__(self, api: Api, source: random.Random) -> None:
        self.api, self._random = api, source
        self.places = [Place(number, source) for number in range(NETWORKS)]
        self.done: Counter[str] = Counter()
        self._rounds = 0

    def fill(self) -> None:
        """Make the networks that are missing."""
        for place in self.places:
            if place.network is None:
                self._make(place)

    def round(self) -> None:
        """One place: its network is made anew now and then, ports come and go, guests ask. What the node refuses or
        does not answer, since it was killed, is left for the next round."""
        self._rounds += 1
        place = self.places[self._rounds % len(self.places)]
        with suppress(NoApi, Refused):
            if place.network is None or self._rounds % 5 == 0:
                self._drop(place)
                self._make(place)
            self._change_ports(place)
        if place.known is not None and place.guest.is_plugged():
            self._ask(place, place.known)

    def expected(self) -> tuple[set[str], set[str]]:
        """The bridges and namespaces that intent, as the API shows it, asks for."""
        found = [network["id"] for network in self.api.ask("GET", "/v2.0/networks")["networks"]]
        return {bridge_name(network_id) for network_id in found}, {namespace_name(network_id) for network_id in found}

    def _make(self, place: Place) -> None:
        values = {"name": place.name, "netmend": {"dns": {"forward_to": [_RESOLVER[0]]}, "metadata": "embedded"}}
        # one that a killed node made, and could not say so any more, is found by its name
        found = self.api.ask("GET", f"/v2.0/networks?name={place.name}")["networks"]
        for left in found:
            place.network = left["id"]
            self._drop(place)
        network = self.api.ask("POST", "/v2.0/networks", {"network": values})["network"]
        place.network = network["id"]
        for subnet in (
            {"ip_version": 4, "cidr": "10.66.0.0/22", "netmend": {"dynamic": True, "lease_time": 30}},
            {"ip_version": 6, "cidr": "2001:db8:66::/64"},
        ):
            self.api.ask("POST", "/v2.0/subnets", {"subnet": {"network_id": network["id"], **subnet}})
        plug = {"binding:profile": {"netns": place.name}}
        place.known = self.api.create_port({"network_id": network["id"], "name": "known", "netmend": _INSTANCE, **plug})
        plug["binding:profile"] = {"netns": place.name, "device": "eth1"}
        open_port = {"network_id": network["id"], "name": "open", "port_security_enabled": False, **plug}
        self.api.create_port(open_port)
        place.ports.clear()
        place.guest.forget()
        self.done["networks"] += 1

    def _drop(self, place: Place) -> None:
        if place.network is None:
            return
        for port in self.api.ports(network_id=place.network):
            if port["device_owner"] != "network:dhcp":
                self.api.delete_port(port["id"])
        with suppress(Refused):
            self.api.ask("DELETE", f"/v2.0/networks/{place.network}")
        place.network = place.known = None

    def _change_ports(self, place: Place) -> None:
        with suppress(Refused):
            wanted = [{"network_id": place.network, "name": f"p{self._random.randrange(10**9)}"} for _ in range(5)]
            made = self.api.ask("POST", "/v2.0/ports", {"ports": wanted})["ports"]
            place.ports.extend(port["id"] for port in made)
            self.done["ports"] += len(made)
        while len(place.ports) > _PORTS:
            self.api.delete_port(place.ports.popleft())

    def _ask(self, place: Place, known: Document) -> None:
        four = next(one["ip_address"] for one in known["fixed_ips"] if ":" not in one["ip_address"])
        server = "10.66.0.2"
        with suppress(OSError):  # the device goes while guests ask
            place.guest.take_address(four)
            self.done["leases of ports"] += place.guest.lease(known["mac_address"])
            self.done["leases of strangers"] += place.guest.strangers(8)
            names = [f"n{self._random.randrange(3000)}.example.net" for _ in range(10)]
            self.done["names"] += place.guest.names(server, [*names, "known", f"host-{four.replace('.', '-')}"])
            paths = ["/openstack/latest/meta_data.json", "/latest/meta-data/", "/openstack/latest/user_data"]
            self.done["metadata"] += place.guest.metadata(paths)


def resolver() -> socket.socket:
    """Answer every name with 192.0.2.1, in a thread, until the socket is closed."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    udp.bind(_RESOLVER)

    def answer() -> None:
        with suppress(OSError):
            while True:
                data, peer = udp.recvfrom(4096)
                response = dns.message.make_response(dns.message.from_wire(data), recursion_available=True)
                response.answer.append(dns.rrset.from_text(response.question[0].name, 300, "IN", "A", "198.51.100.1"))
                udp.sendto(response.to_wire(), peer)

    threading.Thread(target=answer, daemon=True).start()
    return udp
