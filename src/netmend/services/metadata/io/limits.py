"""Limits of a guest's use of the metadata service."""

from msgspec import Struct
from msgspec.structs import replace

from netmend.intent.metadata import MetadataProxy


class Limits(Struct, frozen=True):
    """Rates are a second; a burst is what may come at once. Times are in seconds, sizes in bytes.

    cloud-init asks some 60 times when an instance boots, each time by a connection of its own, and is silent then.
    """

    guest_rate: float = 50.0  # requests of one guest; all that are no port of the network count as one
    guest_burst: int = 300
    connection_rate: float = 100.0  # connections of one guest, beyond which not even a request is read
    connection_burst: int = 600
    guest_connections: int = 8  # open at once
    network_connections: int = 128
    connections: int = 4096  # of all networks together
    spared_connections: int = 4  # of each network, however many there are of all
    refusals_rate: float = (
        200.0  # connections of one network that are refused in words; then none there is heard for `rest`
    )
    refusals_burst: int = 100
    rest: float = 0.05
    accepts: int = 4  # connections taken from a socket before the next has its turn
    request_time: float = 10.0  # from a connection, or the answer before, to the end of a request's header; for a body
    connection_time: float = 120.0
    taking_time: float = 20.0  # for a guest to take what it was sent (TCP_USER_TIMEOUT)
    line: int = 4096  # of a request line, and of a header's line
    headers: int = 64
    body: int = 65_536
    in_flight: int = 8  # of one network, to Nova
    wait: float = 10.0  # for one of these to be free
    search_time: float = 20.0  # to find the guest that asks by way of a router
    known_for: float = 1.0  # once found; far less than it takes to give the address to another instance that then boots
    nova_connections: int = 256  # of all networks together

    def as_of(self, proxy: MetadataProxy) -> "Limits":
        """These, with what the settings of a proxy say; a connection lasts for as long as an answer may take."""
        request_time = proxy.request_time or self.request_time
        least = 2 * request_time + self.wait + proxy.answer_time
        return replace(
            self,
            request_time=request_time,
            taking_time=proxy.taking_time or self.taking_time,
            connection_time=max(self.connection_time, least),
        )


RECEIVE_BUFFER = 4096  # bytes; the kernel doubles it. What a connection can make us parse in one turn
