"""A service that no network asks for is not loaded; once one does, all calls reach it."""

import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from netmend.intent.network import Network
from netmend.node.guests.late_service import LateService
from netmend.reconcile.reports import Ready


@dataclass
class Made:
    """Notes its calls."""

    name: str = "dns"
    calls: list[str] = field(default_factory=list)

    def wanted(self, network: Network) -> bool:
        raise AssertionError("the one in its place knows")

    def prepare(self) -> None:
        self.calls.append("prepare")

    def ready(self, ready: Ready) -> None:
        self.calls.append("ready")

    def update(self, network: Network) -> None:
        self.calls.append("update")

    def gone(self, network_id: str) -> None:
        self.calls.append("gone")

    def status(self, network_id: str) -> dict[str, Any] | None:
        return {"network": network_id}

    def close(self) -> None:
        self.calls.append("close")


def test_it_is_made_once_and_only_when_it_is_prepared() -> None:
    made: list[Made] = []

    def make() -> Made:
        made.append(Made())
        return made[0]

    service = LateService("dns", lambda network: network.name == "asks", make)
    network = Network("11111111-1111-4111-8111-111111111111", "asks")
    service.update(network)
    service.gone(network.id)
    service.close()
    assert made == [] and service.status(network.id) is None
    assert service.wanted(network) and not service.wanted(Network(network.id, "asks not"))
    service.prepare()
    service.prepare()
    service.update(network)
    service.gone(network.id)
    service.close()
    assert [one.calls for one in made] == [["prepare", "prepare", "update", "gone", "close"]]
    assert service.status(network.id) == {"network": network.id}


def test_services_are_loaded_by_those_who_ask_for_them() -> None:
    """What every node loads has neither DHCPv6 nor DNS nor metadata in it."""
    code = "import sys, netmend.node.guests.serving as s; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    services = ("netmend.services.dhcp6", "netmend.services.dns", "netmend.services.metadata.io")
    assert "netmend.services.dhcp4" in loaded and not set(services) & set(loaded)
