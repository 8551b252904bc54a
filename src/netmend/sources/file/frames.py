"""The subnets of one network as blocks of addresses: what their other fields, and the ports, are checked against."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import Pool, Pool6
from netmend.sources import fields
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import SubnetShape

AnyPool = TypeVar("AnyPool", Pool, Pool6)


class Block(Protocol):
    """What the subnets of either version of IP have in common here."""

    @property
    def place(self) -> Place: ...
    @property
    def shape(self) -> SubnetShape: ...
    @property
    def cidr(self) -> IPv4Network | IPv6Network: ...
    @property
    def reserved(self) -> Mapping[int, str]: ...


AnyFrame = TypeVar("AnyFrame", bound=Block)


class Frame(Struct, frozen=True, eq=False):
    """What the rest of an IPv4 subnet, and the ports in it, are checked against."""

    place: Place
    shape: SubnetShape
    cidr: IPv4Network
    gateway: IPv4Address | None
    server_address: IPv4Address | None  # as the file gives it
    pools: tuple[Pool, ...]  # as the file gives them
    reserved: Mapping[int, str]  # addresses, as integers, that no guest can have, and what they are


ANY_CIDR = IPv4Network("0.0.0.0/0")  # for a subnet with an unreadable one


class Frames(Generic[AnyFrame]):
    """A network's subnets of one version of IP, by address. Complains of those that overlap."""

    def __init__(self, reader: Reader, frames: Sequence[AnyFrame | None]) -> None:
        """`frames` are in the order of the file, None where the CIDR could not be read."""
        self._in_order = [frame for frame in frames if frame is not None]
        self._complete = len(self._in_order) == len(frames)
        self._by_address = sorted(self._in_order, key=lambda frame: int(frame.cidr.network_address))
        self._firsts = [int(frame.cidr.network_address) for frame in self._by_address]
        self._lasts = [int(frame.cidr.broadcast_address) for frame in self._by_address]
        widest: tuple[int, AnyFrame] | None = None
        for frame, first, last in zip(self._by_address, self._firsts, self._lasts, strict=True):
            if widest is not None and first <= widest[0]:
                reader.complain((*frame.place, "cidr"), f"{frame.cidr} overlaps {widest[1].cidr} on the same network")
            if widest is None or last > widest[0]:
                widest = last, frame

    def __iter__(self) -> Iterator[AnyFrame]:
        """The subnets in the order of the file, without those that have an unreadable CIDR."""
        return iter(self._in_order)

    def holding(self, number: int) -> AnyFrame | None:
        """The subnet that an address, given as an integer, lies in."""
        position = bisect_right(self._firsts, number) - 1
        return self._by_address[position] if position >= 0 and number <= self._lasts[position] else None

    def may_hold(self, number: int) -> bool:
        """Whether an address lies in a subnet, or might, because a CIDR could not be read."""
        return not self._complete or self.holding(number) is not None


def read_frame(reader: Reader, place: Place, shape: SubnetShape) -> Frame | None:
    """The subnet's addresses, checked against each other; None when its CIDR says nothing."""
    cidr = reader.read(place, "cidr", fields.subnet_block, shape.cidr)
    return None if cidr is None else frame_in(reader, place, shape, cidr)


def frame_in(reader: Reader, place: Place, shape: SubnetShape, cidr: IPv4Network) -> Frame:
    """The subnet's addresses, checked against each other and `cidr`."""
    gateway = reader.read(place, "gateway", fields.host_address, shape.gateway)
    if gateway is not None and gateway not in cidr and not gateway.is_link_local and not _is_on_link(gateway, shape):
        why = f"{gateway} is outside {cidr}; guests reach a router there by a route of this subnet on the link"
        reader.complain((*place, "gateway"), f"{why}: {{destination: {gateway}/32, nexthop: 0.0.0.0}}")
        gateway = None
    elif gateway is not None and gateway in cidr:
        gateway = _host_of(reader, place, "gateway", cidr, shape.gateway)
    server_address = _host_of(reader, place, "server_address", cidr, shape.server_address)
    if server_address is not None and server_address == gateway:
        reader.complain((*place, "server_address"), f"{server_address} is the gateway; netmend needs one of its own")
    reserved = {
        int(address): f"{what} of {cidr}"
        for address, what in (
            (server_address, "netmend's own address (server_address)"),
            (gateway, "the gateway"),
            *(((end, f"the {what} address") for end, what in ends_of(cidr))),
        )
        if address is not None
    }
    frame = Frame(place, shape, cidr, gateway, server_address, pools=(), reserved=reserved)
    return replace(frame, pools=read_pools(reader, frame, fields.pool))


def on_link_blocks(shape: SubnetShape) -> list[IPv4Network]:
    """The destinations of the subnet's routes that are on the link; what cannot be read is complained of elsewhere."""
    blocks = []
    for route in shape.routes or ():
        if route.nexthop == "0.0.0.0":
            with suppress(ValueError):
                blocks.append(fields.block(route.destination))
    return blocks


def _is_on_link(address: IPv4Address, shape: SubnetShape) -> bool:
    return any(address in block for block in on_link_blocks(shape))


def ends_of(cidr: IPv4Network) -> tuple[tuple[IPv4Address, str], ...]:
    """The addresses of a block that no host can have; a /31 has none (RFC 3021)."""
    if cidr.prefixlen >= 31:
        return ()
    return ((cidr.broadcast_address, "broadcast"), (cidr.network_address, "network"))


def _host_of(reader: Reader, place: Place, field: str, cidr: IPv4Network, text: str | None) -> IPv4Address | None:
    address = reader.read(place, field, fields.host_address, text)
    if address is None:
        return None
    if address not in cidr:
        if field == "server_address" and cidr.num_addresses == 1:
            return address  # the one address in the block is the guest's
        reader.complain((*place, field), f"{address} is outside {cidr}")
    elif which := dict(ends_of(cidr)).get(address):
        reader.complain((*place, field), f"{address} is the {which} address of {cidr}")
    else:
        return address
    return None


def read_pools(reader: Reader, frame: Block, convert: Callable[[str], AnyPool]) -> tuple[AnyPool, ...]:
    """The pools of a subnet, in order, without those that were complained of."""
    texts = frame.shape.pools or []
    place: Place = (*frame.place, "pools")
    pools: list[tuple[AnyPool, int]] = []
    for index, text in enumerate(texts):
        pool = reader.read(place, index, convert, text)
        if pool is None:
            continue
        why = _why_no_pool(frame, int(pool.first), int(pool.last))
        if why is None:
            pools.append((pool, index))
        else:
            reader.complain((*place, index), f"{text} {why}")
    pools.sort(key=lambda item: int(item[0].first))
    for (lower, _), (upper, index) in pairwise(pools):
        if int(upper.first) <= int(lower.last):
            reader.complain((*place, index), f"{texts[index]} overlaps the pool {lower.first} - {lower.last}")
    return tuple(pool for pool, _ in pools)


def _why_no_pool(frame: Block, first: int, last: int) -> str | None:
    cidr = frame.cidr
    if first < int(cidr.network_address) or last > int(cidr.broadcast_address):
        return f"reaches outside {cidr}"
    for number, what in frame.reserved.items():
        if first <= number <= last:
            return f"holds {_address(cidr, number)}, {what}"
    return None


def _address(cidr: IPv4Network | IPv6Network, number: int) -> IPv4Address | IPv6Address:
    return IPv4Address(number) if cidr.version == 4 else IPv6Address(number)
