"""The logs of the incident as files, laid out as on a host: one directory a container, named for `netmend timeline`."""

from __future__ import annotations

from pathlib import Path

from netmend.lab.incident.replay import Outcome
from netmend.lab.scenario.scenario import HOST

AGENT = "neutron-dhcp-agent.log"
NETMEND = "netmend/netmend.log"
"""netmend's own, below the same directory."""


def write(outcome: Outcome, directory: Path) -> list[Path]:
    """Write `CONTAINER/neutron-dhcp-agent.log` for each agent of the old kind, `host/auth.log` for what was done on the
    host; returns the paths. Raises OSError."""
    written = []
    for container, lines in outcome.logs.items():
        path = directory / container / ("auth.log" if container == HOST else AGENT)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        written.append(path)
    return written
