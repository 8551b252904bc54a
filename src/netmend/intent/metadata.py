"""The metadata that a guest can ask for at 169.254.169.254, and the source of the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Literal

from msgspec import Struct

METADATA_ADDRESS = IPv4Address("169.254.169.254")
METADATA_ADDRESS6 = IPv6Address("fe80::a9fe:a9fe")  # link-local, so it needs no route

# embedded: answered from each port's Instance; proxy: forwarded to Nova, as Neutron's metadata agent does
MetadataMode = Literal["off", "embedded", "proxy"]


@dataclass(frozen=True, slots=True)
class Instance:
    """The data that an embedded metadata service has for one guest.

    `public_keys` are lines in OpenSSH's format by name; `user_data` and `vendor_data` are taken as they are; `meta` is
    arbitrary text by key.
    """

    id: str
    name: str | None = None
    hostname: str | None = None
    public_keys: Mapping[str, str] = field(default_factory=dict)
    user_data: bytes | None = field(default=None, repr=False)
    vendor_data: Mapping[str, object] = field(default_factory=dict)  # JSON
    vendor_data2: Mapping[str, object] = field(default_factory=dict)  # JSON
    meta: Mapping[str, str] = field(default_factory=dict)
    instance_type: str | None = None
    availability_zone: str | None = None
    admin_password: str | None = field(default=None, repr=False)
    tokens: Literal["optional", "required"] = "optional"  # IMDSv2: whether a request needs a token
    token_hop_limit: int = 1  # IP TTL of the answer that carries a token: 1 to 64


class RequestRates(Struct, frozen=True):
    """How often a guest may ask: `windows` are pairs of a number of requests and the seconds in which it may make them,
    counted as haproxy does (`http_req_rate`). Only addresses of one version of IP are counted."""

    windows: tuple[tuple[int, int], ...]
    version: Literal[4, 6] = 4


@dataclass(frozen=True, slots=True)
class MetadataProxy:
    """A Nova metadata API. `endpoints` are URLs, tried in turn; the files are PEM. Times are in seconds.

    With `agent_socket`, requests go to the metadata agent at that Unix socket instead, which finds out by network and
    address who asks, and signs (neutron/agent/metadata/agent.py).
    """

    endpoints: tuple[str, ...]
    shared_secret: str = field(repr=False)
    verify: bool = True
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    answer_time: float = 30.0  # until the answer has come; vendor data can come from a slow place
    request_time: float | None = None  # for a guest to send a request, and the next; None: the service's own limit
    taking_time: float | None = None  # for a guest to take its answer; None: the same
    rates: RequestRates | None = None
    agent_socket: Path | None = None
