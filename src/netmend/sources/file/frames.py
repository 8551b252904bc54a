"""The subnets of one network as blocks of addresses: what their other fields, and the ports, are checked against."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

from netmend.intent import Pool
from netmend.sources import fields
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import SubnetShape
from netmend.sources.problem import Place


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What the rest of a subnet, and the ports in it, are checked against."""

    place: Place
    shape: SubnetShape
    cidr: IPv4Network
    gateway: IPv4Address | None
    server_address: IPv4Address | None  # as the file gives it
    pools: tuple[Pool, ...]  # as the file gives them
    reserved: Mapping[int, str]  # addresses, as integers, that no guest can have, and what they are


class Frames:
    """A network's subnets by address. Complains of those that overlap."""

    def __init__(self, reader: Reader, place: Place, shapes: Sequence[SubnetShape]) -> None:
        frames = [_read_frame(reader, (*place, index), shape) for index, shape in enumerate(shapes)]
        self._in_order = [frame for frame in frames if frame is not None]
        self._complete = len(self._in_order) == len(frames)
        self._by_address = sorted(self._in_order, key=lambda frame: frame.cidr.network_address)
        self._firsts = [int(frame.cidr.network_address) for frame in self._by_address]
        self._lasts = [int(frame.cidr.broadcast_address) for frame in self._by_address]
        widest: Frame | None = None
        for frame in self._by_address:
            if widest is not None and frame.cidr.overlaps(widest.cidr):
                reader.complain((*frame.place, "cidr"), f"{frame.cidr} overlaps {widest.cidr} on the same network")
            if widest is None or frame.cidr.broadcast_address > widest.cidr.broadcast_address:
                widest = frame

    def __iter__(self) -> Iterator[Frame]:
        """In the order of the file, without those whose CIDR could not be read."""
        return iter(self._in_order)

    def holding(self, number: int) -> Frame | None:
        """The subnet that an address, given as an integer, lies in."""
        position = bisect_right(self._firsts, number) - 1
        return self._by_address[position] if position >= 0 and number <= self._lasts[position] else None

    def may_hold(self, number: int) -> bool:
        """Whether an address lies in a subnet, or might, because a CIDR could not be read."""
        return not self._complete or self.holding(number) is not None


def _read_frame(reader: Reader, place: Place, shape: SubnetShape) -> Frame | None:
    """The subnet's addresses, checked against each other; None when its CIDR says nothing."""
    cidr = reader.read(place, "cidr", fields.subnet_block, shape.cidr)
    if cidr is None:
        return None
    gateway = _host_of(reader, place, "gateway", cidr, shape.gateway)
    server_address = _host_of(reader, place, "server_address", cidr, shape.server_address)
    if server_address is not None and server_address == gateway:
        reader.complain((*place, "server_address"), f"{server_address} is the gateway; netmend needs one of its own")
    reserved = {
        int(address): f"{what} of {cidr}"
        for address, what in (
            (server_address, "netmend's own address (server_address)"),
            (gateway, "the gateway"),
            (cidr.broadcast_address, "the broadcast address"),
            (cidr.network_address, "the network address"),
        )
        if address is not None
    }
    frame = Frame(place, shape, cidr, gateway, server_address, pools=(), reserved=reserved)
    return replace(frame, pools=_pools(reader, frame))


def _host_of(reader: Reader, place: Place, field: str, cidr: IPv4Network, text: str | None) -> IPv4Address | None:
    address = reader.read(place, field, fields.host_address, text)
    if address is None:
        return None
    if address not in cidr:
        reader.complain((*place, field), f"{address} is outside {cidr}")
    elif address in (cidr.network_address, cidr.broadcast_address):
        which = "network" if address == cidr.network_address else "broadcast"
        reader.complain((*place, field), f"{address} is the {which} address of {cidr}")
    else:
        return address
    return None


def _pools(reader: Reader, frame: Frame) -> tuple[Pool, ...]:
    texts, place = frame.shape.pools or (), (*frame.place, "pools")
    pools: list[tuple[Pool, int]] = []
    for index, text in enumerate(texts):
        pool = reader.read(place, index, fields.pool, text)
        if pool is None:
            continue
        why = _why_no_pool(frame, pool)
        if why is None:
            pools.append((pool, index))
        else:
            reader.complain((*place, index), f"{text} {why}")
    pools.sort(key=lambda item: item[0].first)
    for (lower, _), (upper, index) in pairwise(pools):
        if upper.first <= lower.last:
            reader.complain((*place, index), f"{texts[index]} overlaps the pool {lower.first} - {lower.last}")
    return tuple(pool for pool, _ in pools)


def _why_no_pool(frame: Frame, pool: Pool) -> str | None:
    cidr = frame.cidr
    if pool.first not in cidr or pool.last not in cidr:
        return f"reaches outside {cidr}"
    if cidr.network_address in pool or cidr.broadcast_address in pool:
        return f"holds the network or the broadcast address of {cidr}"
    if frame.gateway is not None and frame.gateway in pool:
        return f"holds the gateway {frame.gateway}, which must not be handed out"
    if frame.server_address is not None and frame.server_address in pool:
        return f"holds netmend's own address {frame.server_address} (server_address)"
    return None
