"""Who asks for metadata by way of a router: what the server is asked, and what its answers mean."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from netmend.sources.neutron.configuration import configuration
from netmend.sources.neutron.routed_metadata import RoutedMetadata
from netmend.sources.neutron.rpc import ServerError

OWNERS = [
    "network:ha_router_replicated_interface",
    "network:router_interface",
    "network:router_interface_distributed",
]
VM = {"device_id": "vm-1", "project_id": "project"}


class FakeServer:
    """Gives these answers in turn, and notes what it was asked."""

    def __init__(self, *answers: list[dict[str, Any]] | ServerError) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def get_ports(self, filters: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked.append(filters)
        answer = self.answers.pop(0)
        if isinstance(answer, ServerError):
            raise answer
        return answer


def routed(tmp_path: Path, server: FakeServer, *lines: str) -> RoutedMetadata:
    file = tmp_path / "metadata_agent.ini"
    file.write_text("\n".join(["[DEFAULT]", "host = node1", "state_path = /state", *lines, ""]))
    return RoutedMetadata(configuration([file]), lambda: server)  # type: ignore[arg-type,return-value]


def test_on_a_network(tmp_path: Path) -> None:
    server = FakeServer([VM])
    assert routed(tmp_path, server).find("n1", None, ip_address("10.0.0.5")) == ("vm-1", "project")
    assert server.asked == [{"network_id": ["n1"], "fixed_ips": {"ip_address": ["10.0.0.5"]}}]


def test_on_a_routers_networks(tmp_path: Path) -> None:
    server = FakeServer([{"network_id": "n2"}, {"network_id": "n1"}, {"network_id": "n2"}], [VM])
    assert routed(tmp_path, server).find(None, "r1", ip_address("2001:db8::5")) == ("vm-1", "project")
    assert server.asked == [
        {"device_id": ["r1"], "device_owner": OWNERS},
        {"network_id": ["n1", "n2"], "fixed_ips": {"ip_address": ["2001:db8::5"]}},
    ]


def test_by_the_mac_of_a_link_local_address(tmp_path: Path) -> None:
    server = FakeServer([VM])
    routed(tmp_path, server).find("n1", None, ip_address("fe80::f816:3eff:fe12:3456"))
    assert server.asked == [{"network_id": ["n1"], "mac_address": ["fa:16:3e:12:34:56"]}]


def test_a_router_without_networks_is_not_searched_everywhere(tmp_path: Path) -> None:
    server = FakeServer([])
    assert routed(tmp_path, server).find(None, "r1", ip_address("10.0.0.5")) is None
    assert len(server.asked) == 1


@pytest.mark.parametrize("ports", [[], [VM, VM], [{"device_id": "", "project_id": "project"}]])
def test_nobody_or_not_for_certain(tmp_path: Path, ports: list[dict[str, Any]]) -> None:
    assert routed(tmp_path, FakeServer(ports)).find("n1", None, ip_address("10.0.0.5")) is None


def test_the_server_does_not_answer(tmp_path: Path) -> None:
    server = FakeServer(ServerError("get_ports", None, "the server did not answer in time"))
    with pytest.raises(ConnectionError, match="did not answer in time"):
        routed(tmp_path, server).find("n1", None, ip_address("10.0.0.5"))


@pytest.mark.parametrize(
    ("lines", "mode"),
    [
        ((), 0o644),
        (("metadata_proxy_user = root",), 0o644),
        (("metadata_proxy_user = nobody",), 0o666),
        (("metadata_proxy_socket_mode = group",), 0o664),
        (("metadata_proxy_socket_mode = all",), 0o666),
        (("metadata_proxy_user = nobody", "metadata_proxy_socket_mode = user"), 0o644),
    ],
)
def test_where_and_for_whom_the_socket_is(tmp_path: Path, lines: tuple[str, ...], mode: int) -> None:
    found = routed(tmp_path, FakeServer(), *lines)
    assert (found.socket, found.mode) == (Path("/state/metadata_proxy"), mode)
