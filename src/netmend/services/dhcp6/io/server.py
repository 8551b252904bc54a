"""The sockets of DHCPv6 and router advertisements.

A network has one packet socket for both (`netmend.kernel.sockets6` makes it, and says why). Answers go back in a frame
to the MAC that asked.
"""

import socket
import time
from ipaddress import IPv6Address
from typing import Any

from netmend.intent import Network
from netmend.services.dhcp6 import Dhcp6Responder, Sender, packets
from netmend.services.dhcp6.ra import HOP_LIMIT, Advertiser, is_solicitation
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.io.server import DEFAULT_LIMITS, DhcpEndpoint, DhcpServer
from netmend.services.shared.io.datagrams import OnError
from netmend.services.shared.sender_limits import Limits

_READ_SIZE = 2048 + 128 + 1  # more than a guest ever asks, its headers, and one more to tell what is longer
_MAC = slice(6, 12)  # of a frame's sender
_DHCP_PORT = 547
_LINK_LOCAL = b"\xfe\x80"
_MULTICAST = 0xFF  # first octet of an address


class _Endpoint(DhcpEndpoint[bytes]):
    """One network's sockets, responder and advertiser; replies are whole frames."""

    __slots__ = ("_armed", "_groups", "_link_local", "_mac", "_own", "advertiser", "responder")

    def __init__(
        self,
        owner: "Dhcp6Server",
        responder: Dhcp6Responder,
        advertiser: Advertiser,
        sockets: tuple[socket.socket, socket.socket],
        own: tuple[bytes, IPv6Address],
    ) -> None:
        super().__init__(owner, responder.network.id, sockets[0], read_size=_READ_SIZE, knows=responder.knows)
        self._groups = sockets[1]
        self._mac, self._link_local = own[0], own[1].packed
        self.responder, self.advertiser = responder, advertiser
        self._own: frozenset[bytes] = frozenset()
        self._armed: float | None = None
        self.addresses_changed()

    def addresses_changed(self) -> None:
        """Our own addresses follow intent."""
        servers = (subnet.server_address.packed for subnet in self.responder.network.subnets6)
        self._own = frozenset((self._link_local, *servers))

    def receive(self, size: int) -> tuple[bytes, None]:
        # Not recvfrom: of a packet socket it asks the kernel for the name of the device too, each time.
        return self.udp.recv(size), None

    def serve(self, datagram: bytes, source: Any) -> None:
        now = time.monotonic()
        if not self._limits.allow(datagram[_MAC], now):
            return
        packet = packets.read_frame(datagram)
        if packet is None or (packet.destination[0] != _MULTICAST and packet.destination not in self._own):
            return
        if packet.protocol == packets.UDP:
            self._answer(packet)
        elif is_solicitation(packet.payload, packet.source, packet.hop_limit) and packets.has_right_checksum(packet):
            self.advertiser.solicit(packet.source, packet.mac, now)
            self.arm()

    def _answer(self, packet: packets.Packet) -> None:
        udp = packets.read_udp(packet)
        # RFC 4443 section 2.4 e: no answer goes to the unspecified address, nor to a group
        if udp is None or udp[1] != _DHCP_PORT or packet.source[0] == _MULTICAST or not any(packet.source):
            return
        unicast = packet.destination[0] != _MULTICAST
        sender = Sender(packet.source, udp[0], packet.mac, unicast)
        reply = self.responder.handle(udp[2], sender, time.time())
        frame = None
        if reply is not None:
            own = packet.destination if unicast else self._source_for(packet.source)
            frame = packets.udp_frame(
                (self._mac, packet.mac), (own, _DHCP_PORT), (packet.source, reply.port), reply.payload
            )
        self.answer(self.responder.take_changes(), frame)

    def _source_for(self, destination: bytes) -> bytes:
        """Our address to speak from (RFC 6724 section 5, rule 2): of the link among neighbours, else a subnet's."""
        subnets = self.responder.network.subnets6
        if destination.startswith(_LINK_LOCAL) or not subnets:
            return self._link_local
        address = IPv6Address(destination)
        subnet = next((subnet for subnet in subnets if address in subnet.cidr), subnets[0])
        return subnet.server_address.packed

    def transmit(self, reply: bytes) -> None:
        self.udp.send(reply)

    # --- router advertisements; in the loop's thread --------------------------------------------------------------

    def arm(self) -> None:
        """See to it that what is due is sent."""
        due = self.advertiser.due
        if due is not None and not self.closed and (self._armed is None or due < self._armed):
            self._armed = due
            self._loop.call_at(due, self._advertise)

    def _advertise(self) -> None:
        if self.closed:
            return
        now = time.monotonic()
        if self._armed is not None and self._armed <= now:
            self._armed = None
        for message, destination, mac, source in self.advertiser.take(now):
            macs = (self._mac, mac or packets.multicast_mac(destination))
            self.send(packets.icmp_frame(macs, source or self._link_local, destination, message, HOP_LIMIT))
        self.arm()

    def change(self, network: Network) -> None:
        """Advertise by a new intent."""
        self.addresses_changed()
        self.advertiser.update(network, time.monotonic(), self.responder.routers)
        self.arm()

    def close(self) -> None:
        super().close()
        self._groups.close()


class Dhcp6Server(DhcpServer[_Endpoint, bytes]):
    """Serves networks until closed. All methods but `close` may be called from any thread."""

    def __init__(self, on_error: OnError, commits: LeaseCommits | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        """Without `commits`, dynamic leases are forgotten with the process."""
        super().__init__("netmend-dhcp6", on_error, commits, limits)

    def add(
        self,
        responder: Dhcp6Responder,
        packet: socket.socket,
        groups: socket.socket,
        device_mac: bytes,
        link_local: IPv6Address,
    ) -> None:
        """Serve the responder's network from now on; one that is served already gets these sockets instead.

        `packet` reads and sends Ethernet frames on the network's device, which has this MAC and address; `groups` is
        held for the groups that it has joined. Raises OSError, and leaves the sockets to the caller, when the kernel
        cannot watch more.
        """
        network = responder.network
        self.remove(network.id)
        advertiser = Advertiser(network, device_mac, time.monotonic(), responder.routers)
        endpoint = _Endpoint(self, responder, advertiser, (packet, groups), (device_mac, link_local))
        endpoint.join()
        self._endpoints[network.id] = endpoint
        self.loop.call(endpoint.arm)

    def update(self, network: Network) -> None:
        """A network's new intent; no error when it is not served."""
        endpoint = self._endpoints.get(network.id)
        if endpoint is not None and endpoint.responder.network is not network:
            endpoint.responder.update(network)
            self.loop.call(lambda: endpoint.change(network))

    def advertisements(self, network_id: str) -> dict[str, int]:
        """How many router advertisements went out, and how many solicitations came."""
        endpoint = self._endpoints.get(network_id)
        if endpoint is None:
            return {}
        return {"sent": endpoint.advertiser.sent, "solicited": endpoint.advertiser.solicited}
