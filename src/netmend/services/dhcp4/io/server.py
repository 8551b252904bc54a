"""The sockets of DHCPv4, and how its replies are sent."""

import socket
import time

from netmend.services.dhcp4 import Dhcp4Responder, Reply, wire
from netmend.services.dhcp4.frames import BROADCAST_MAC, udp_frame
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.io.server import DEFAULT_LIMITS, DhcpEndpoint, DhcpServer
from netmend.services.shared.io.datagrams import OnError
from netmend.services.shared.sender_limits import Limits

_MAC = slice(28, 34)  # chaddr, as far as Ethernet uses it
_READ_SIZE = wire.DATAGRAM_LIMIT + 1


class _Endpoint(DhcpEndpoint[Reply]):
    """One network's sockets and responder."""

    __slots__ = ("device_mac", "packet", "responder")

    def __init__(
        self,
        owner: "Dhcp4Server",
        network_id: str,
        responder: Dhcp4Responder,
        sockets: tuple[socket.socket, socket.socket | None],
        device_mac: bytes,
    ) -> None:
        super().__init__(owner, network_id, sockets[0], read_size=_READ_SIZE, knows=responder.knows)
        self.responder, self.packet, self.device_mac = responder, sockets[1], device_mac

    def serve(self, datagram: bytes, source: tuple[str, int]) -> None:
        if not self._limits.allow(datagram[_MAC], time.monotonic()):
            return
        reply = self.responder.handle(datagram, source, time.time())
        self.answer(self.responder.take_changes(), reply)

    def transmit(self, reply: Reply) -> None:
        address, port = reply.destination
        broadcast = address == wire.BROADCAST_TEXT
        if self.packet is None or (reply.mac is None and not broadcast):
            self.udp.sendto(reply.payload, reply.destination)
            return
        # A broadcast goes this way too: by UDP it would carry the device's first address as its source, which need not
        # be the address of the server that the reply names.
        frame = udp_frame(
            self.device_mac,
            reply.mac or BROADCAST_MAC,
            (reply.server, wire.SERVER_PORT),
            (socket.inet_aton(address), port),
            reply.payload,
        )
        self.packet.send(frame)

    def close(self) -> None:
        super().close()
        if self.packet is not None:
            self.packet.close()


class Dhcp4Server(DhcpServer[_Endpoint, Reply]):
    """Serves networks until closed. All methods but `close` may be called from any thread."""

    def __init__(self, on_error: OnError, commits: LeaseCommits | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        """Without `commits`, dynamic leases are forgotten with the process."""
        super().__init__("netmend-dhcp4", on_error, commits, limits)

    def add(
        self,
        network_id: str,
        responder: Dhcp4Responder,
        udp: socket.socket,
        packet: socket.socket | None,
        device_mac: bytes,
    ) -> None:
        """Serve a network from now on; one that is served already gets these sockets instead.

        `udp` is bound to port 67 on the network's device; `packet` is an AF_PACKET socket bound to the same device,
        for replies to guests that have no address yet, or None, and they get UDP. `device_mac` is 6 octets. Raises
        OSError, and leaves the sockets to the caller, when the kernel cannot watch more.
        """
        self.remove(network_id)
        if packet is not None:
            packet.setblocking(False)
        endpoint = _Endpoint(self, network_id, responder, (udp, packet), device_mac)
        endpoint.join()
        self._endpoints[network_id] = endpoint
