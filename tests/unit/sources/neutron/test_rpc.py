"""Our calls to servers that speak the RPC of each release: what asks for more than they have is refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netmend.sources.neutron.configuration import configuration
from netmend.sources.neutron.dhcp_port import CreatePort, UpdatePort
from netmend.sources.neutron.rpc import Server, ServerError

# isort: split
import oslo_messaging  # once netmend has chosen its backend

# Versions that the servers offer: of the DHCP agent's topic (neutron/api/rpc/handlers/dhcp_rpc.py, DhcpRpcCallback) and
# of the reports' (neutron/db/agents_db.py, AgentExtRpcCallback).
RELEASES = {"21.2.1": ("1.10", "1.2"), "23.5.0": ("1.10", "1.3"), "25.2.3": ("1.10", "1.3"), "29.0.0": ("1.10", "1.4")}
TOO_OLD = ("1.4", "1.0")  # Newton: neither ports that are ready, nor an answer to reports


class Answers:
    """An endpoint whose methods, all those of these names, answer with their own name and arguments."""

    def __init__(self, version: str, *names: str) -> None:
        self.target = oslo_messaging.Target(version=version)
        for name in names:
            setattr(self, name, self._method(name))

    def _method(self, name: str) -> Any:
        def answer(context: dict[str, Any], **arguments: Any) -> Any:
            assert context["is_admin"]
            return [name] if name == "get_active_networks_info" else {"name": name, **arguments}

        return answer


def servers(transport: Any, plugin: str, reports: str) -> list[Any]:
    dhcp = Answers(
        plugin,
        "get_active_networks_info", "get_network_info", "create_dhcp_port", "update_dhcp_port", "release_dhcp_port",
        "dhcp_ready_on_ports",
    )  # fmt: skip
    found = []
    metadata = Answers("1.0", "get_ports")  # neutron/api/rpc/handlers/metadata_rpc.py, MetadataRpcCallback
    for topic, endpoints in (("q-plugin", [dhcp, metadata]), ("q-reports-plugin", [Answers(reports, "report_state")])):
        target = oslo_messaging.Target(topic=topic, server="server")
        found.append(oslo_messaging.get_rpc_server(transport, target, endpoints))
    return found


@pytest.fixture(params=[*RELEASES, "too old"])
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(release: str, tmp_path: Path) -> Iterator[Server]:
    """Us, beside servers of the release on a broker in this process."""
    file = tmp_path / "neutron.conf"
    file.write_text(f"[DEFAULT]\nhost = node1\ntransport_url = fake:///{release.replace(' ', '-')}\n")
    conf = configuration([file]).conf
    us = Server(conf, "node1")
    running = servers(oslo_messaging.get_rpc_transport(conf), *RELEASES.get(release, TOO_OLD))
    for one in running:
        one.start()
    yield us
    for one in running:
        one.stop()
        one.wait()
    us.close()


def is_refused(call: Callable[..., object], *arguments: object) -> bool:
    try:
        call(*arguments)
    except ServerError as error:
        assert "does not support RPC version" in str(error)
        return True
    return False


def test_every_call_is_understood(release: str, server: Server) -> None:
    calls: dict[str, tuple[Any, ...]] = {
        "all networks": (server.get_active_networks,),
        "a network": (server.get_network, "n"),
        "a new port": (server.ask_for_port, CreatePort({"network_id": "n"})),
        "another port": (server.ask_for_port, UpdatePort("p", {"network_id": "n"})),
        "a port given back": (server.release_port, "n", "d"),
        "ports that are ready": (server.ready_on_ports, ["p"]),
        "ports by filters": (server.get_ports, {"network_id": ["n"]}),
        "a report": (server.report_state, {"host": "node1"}, 5.0),
    }
    refused = {what for what, call in calls.items() if is_refused(*call)}
    assert refused == ({"ports that are ready", "a report"} if release == "too old" else set())
