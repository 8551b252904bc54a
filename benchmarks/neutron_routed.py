"""Metadata by way of a router: asked at the socket of neutron-metadata-agent, as the haproxy of the L3 agent does, a
connection for each request. Both agents ask the same server who it is, and the same Nova."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Any

from benchmarks.neutron_agents import Neutrons, Subject
from tests.neutron.agents import start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud
from tests.neutron.nova import nova_metadata
from tests.waiting import wait_for

_SOCKET = "/var/lib/neutron/metadata_proxy"
_ALONE, _TOGETHER, _AT_ONCE = 60, 240, 8  # requests; a guest that boots asks some sixty times


def measure_routed_metadata(cloud: Cloud, subject: Subject) -> dict[str, Any]:
    network = cloud.network()
    router = cloud.router(cloud.subnet(network, "10.99.0.0/24"))
    ports = [cloud.port(network, device_id=f"11111111-2222-4333-8444-{number:012}") for number in range(_AT_ONCE)]
    addresses = [str(port["fixed_ips"][0]["ip_address"]) for port in ports]
    start, stop = subject.start, subject.stop
    if isinstance(subject, Neutrons):  # whose agent for metadata is another one
        start, stop = partial(start_neutrons, "metadata"), partial(stop_neutrons, "metadata")
    start()
    try:
        with nova_metadata():

            def ask(address: str) -> float:
                return _ask(router["id"], address)

            wait_for(lambda: _is_answered(router["id"], addresses[0]), "metadata", seconds=60)
            alone = [ask(addresses[0]) for _ in range(_ALONE)]
            began = time.monotonic()
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(ask, (addresses * _TOGETHER)[:_TOGETHER]))
            together = time.monotonic() - began
    finally:
        stop()
    return {"routed_alone_s": median(alone), "routed_all_of_one_guest_s": sum(alone), "routed_of_8_guests_s": together}


def _ask(router_id: str, address: str) -> float:
    """Seconds until the answer, which is a right one."""
    began = time.monotonic()
    status = _status(router_id, address)
    assert status == 200, status
    return time.monotonic() - began


def _is_answered(router_id: str, address: str) -> bool:
    try:
        return _status(router_id, address) == 200
    except OSError:
        return False


def _status(router_id: str, address: str) -> int:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(30)
        asking.connect(_SOCKET)
        asking.sendall(
            b"GET /openstack/latest/meta_data.json HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n"
            + f"X-Forwarded-For: {address}\r\nX-Neutron-Router-ID: {router_id}\r\n\r\n".encode()
        )
        answer = b""
        while chunk := asking.recv(65_536):
            answer += chunk
    return int(answer.split(maxsplit=2)[1])
