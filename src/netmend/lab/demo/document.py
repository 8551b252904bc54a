"""The demo as one JSON document. Its shape is documented in docs/demo.md."""

import json
from collections.abc import Sequence
from typing import Any, TextIO

from netmend import __version__
from netmend.intent.network import Intent
from netmend.lab.demo.demo import Outcome, Prepared, Served
from netmend.lab.demo.isolation import Finding
from netmend.lab.demo.node_process import NodeProcess


class DocumentShow:
    """Writes the document to `out` at the end, and why it failed to `errors`."""

    def __init__(self, out: TextIO, errors: TextIO) -> None:
        self._out, self._errors = out, errors

    def node_serves(self, prepared: Prepared, status: dict[str, Any]) -> None: ...

    def guests_served(self, served: Sequence[Served]) -> None: ...

    def isolation(self, findings: Sequence[Finding]) -> None: ...

    def routing(self, findings: Sequence[Finding]) -> None: ...

    def finished(self, outcome: Outcome) -> None:
        json.dump(document(outcome), self._out, indent=2)
        self._out.write("\n")

    def failed(self, why: str) -> None:
        print(f"netmend demo: {why}", file=self._errors)

    def things_to_try(self, things: Sequence[tuple[str, str]]) -> None: ...

    def live(self, node: NodeProcess, intent: Intent) -> None: ...

    def ended(self) -> None: ...


def document(outcome: Outcome) -> dict[str, Any]:
    names = {network.id: network.name for network in outcome.prepared.intent.networks.values()}
    return {
        "version": __version__,
        "ok": outcome.ok,
        "file": str(outcome.prepared.config),
        "client": {"name": outcome.prepared.client.name, "program": outcome.prepared.client.program},
        "first_answer_after": outcome.status["node"]["first_answer_after"],
        "guests": [_guest(served) for served in outcome.served],
        "isolation": {
            "held": outcome.held,
            "findings": [{"check": found.check, "held": found.held, "text": found.text} for found in outcome.findings],
        },
        "routing": {
            "held": all(found.held for found in outcome.routing),
            "findings": [{"check": found.check, "held": found.held, "text": found.text} for found in outcome.routing],
        },
        "devices": [
            {"network": names.get(network_id), "wanted": counted.wanted, "found": counted.found}
            for network_id, counted in outcome.devices.items()
        ],
    }


def _guest(served: Served) -> dict[str, Any]:
    guest, lease = served.guest, served.guest.lease
    return {
        "name": guest.port.name,
        "network": guest.network.name,
        "mac": guest.port.mac,
        "address": str(lease.address.ip) if lease else None,
        "prefix_length": lease.address.network.prefixlen if lease else None,
        "gateway": str(lease.gateway) if lease and lease.gateway else None,
        "dns_servers": [str(address) for address in lease.dns_servers] if lease else [],
        "domain": lease.domain if lease else None,
        "lease_time": lease.lease_time if lease else None,
        "seconds_to_lease": round(served.seconds, 6) if served.seconds is not None else None,
        "metadata": served.services.instance,
        "name_resolved": served.services.name,
        "address6": str(served.services.address6.ip) if served.services.address6 else None,
        "problem": served.problem,
    }
