"""What a person sees of the demo: a table, findings, and a view that stays up (plain lines where no terminal is)."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from netmend.intent.network import Intent
from netmend.kernel.errors import KernelError
from netmend.lab.demo.demo import Outcome, Prepared, Served, count_devices
from netmend.lab.demo.isolation import Finding
from netmend.lab.demo.node_process import NodeProcess
from netmend.lab.demo.services import NOTHING
from netmend.node.http.status_client import NoNode

_LOOK = 1.0  # seconds between two looks at the node


class TerminalShow:
    """Prints to `console`."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def node_serves(self, prepared: Prepared, status: dict[str, Any]) -> None:
        networks, ports = prepared.intent.networks, [len(found.ports) for found in prepared.intent.networks.values()]
        after = (status["node"]["first_answer_after"] or 0.0) * 1000
        self._line(Text("netmend demo", "bold"), ", in user, mount, network and pid namespaces of its own")
        self._line(
            Text("  intent  ", "dim"), f"{_short(prepared.config)}: {len(networks)} networks, {sum(ports)} ports"
        )
        self._line(Text("  node    ", "dim"), f"netmend run, first network served {after:.0f} ms after its start")
        self._line(
            Text("  guests  ", "dim"),
            f"{prepared.client.name} ({_short(Path(prepared.client.program))}), one in each guest's namespace",
        )
        self._line()

    def guests_served(self, served: Sequence[Served]) -> None:
        gap = 2 if self._console.width >= 84 else 1
        table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
        for column in ("guest", "network", "MAC", "address", "gateway", "DNS"):
            table.add_column(column, no_wrap=True, overflow="fold")
        table.add_column("lease in", justify="right", no_wrap=True)
        for found in served:
            guest, lease = found.guest, found.guest.lease
            table.add_row(
                Text(guest.port.name),
                Text(guest.network.name, _colour(guest.network.name)),
                guest.port.mac,
                str(lease.address.ip) if lease else Text("none", "bold red"),
                str(lease.gateway or "") if lease else "",
                "\n".join(map(str, lease.dns_servers)) if lease else "",
                f"{found.seconds * 1000:.0f} ms" if found.seconds is not None else "",
            )
        self._console.print(table)
        if any(found.services != NOTHING for found in served):
            self._services(served)
        for found in served:
            if found.problem:
                self._line(Text(f"{found.guest.port.name}: {found.problem}", "red"))
        self._line()

    def _services(self, served: Sequence[Served]) -> None:
        self._line()
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for column in ("guest", "metadata: instance", "name resolved", "IPv6 address"):
            table.add_column(column, no_wrap=True, overflow="fold")
        for found in served:
            services = found.services
            address6 = services.address6
            table.add_row(
                Text(found.guest.port.name),
                Text(services.instance or ""),
                Text(services.name or ""),
                str(address6.ip) if address6 else "",
            )
        self._console.print(table)

    def isolation(self, findings: Sequence[Finding]) -> None:
        self._line(Text("isolation, by real packets", "bold"))
        for finding in findings:
            self._line(Text("  holds  ", "green") if finding.held else Text("  FAILS  ", "bold red"), finding.text)
        if not findings:
            self._line(Text("  nothing could be tried: no guest has an address", "red"))

    def routing(self, findings: Sequence[Finding]) -> None:
        self._line()
        self._line(Text("routing, by real packets", "bold"))
        for finding in findings:
            self._line(Text("  holds  ", "green") if finding.held else Text("  FAILS  ", "bold red"), finding.text)
        self._line()

    def finished(self, outcome: Outcome) -> None:
        wanted, found = _sums(outcome)
        self._line(
            Text("  holds  ", "green") if wanted == found else Text("  FAILS  ", "bold red"),
            f"devices on the host: {found} are there, {wanted} are wanted",
        )
        for reason in outcome.status["reasons"]:
            self._line(Text(f"         {reason['reason']}", "yellow"))
        served = sum(one.problem is None for one in outcome.served)
        self._line()
        verdict = "isolation held" if outcome.held else "isolation did not hold"
        if outcome.routing:
            routed = all(finding.held for finding in outcome.routing)
            verdict += ", routing worked" if routed else ", routing did not work"
        style = "bold green" if outcome.ok else "bold red"
        self._line(Text(f"{served} of {len(outcome.served)} guests served, {verdict}", style))

    def failed(self, why: str) -> None:
        print(f"netmend demo: {why}", file=sys.stderr)

    def things_to_try(self, things: Sequence[tuple[str, str]]) -> None:
        self._line()
        self._line(Text("to try, from another terminal", "bold"))
        for what, line in things:
            self._line(f"  {what}")
            self._line(Text(f"    {line}", "cyan"))

    def live(self, node: NodeProcess, intent: Intent) -> None:
        self._line()
        if not self._console.is_terminal:
            self._follow(node, intent)
            return
        with Live(console=self._console, auto_refresh=False, transient=False) as live:
            while True:
                live.update(_view(node, intent), refresh=True)
                time.sleep(_LOOK)

    def ended(self) -> None:
        self._console.show_cursor()  # whoever was drawing may have been killed

    def _follow(self, node: NodeProcess, intent: Intent) -> None:
        """A line for each network whenever what it says has changed."""
        said: dict[str, str] = {}
        while True:
            for line in _lines(node, intent):
                name = line.partition(":")[0]
                if said.get(name) != line:
                    said[name] = line
                    self._console.print(Text(line), soft_wrap=True)
            time.sleep(_LOOK)

    def _line(self, *parts: Text | str) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=not self._console.is_terminal)


def _short(path: Path) -> str:
    """The path as seen from the working directory, when that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def _sums(outcome: Outcome) -> tuple[int, int]:
    counted = outcome.devices.values()
    return sum(devices.wanted for devices in counted), sum(devices.found for devices in counted)


def _colour(network: str) -> str:
    """A network that is named after a colour is shown in it."""
    return network if network in {"blue", "green", "red", "yellow", "cyan", "magenta"} else ""


def _view(node: NodeProcess, intent: Intent) -> RenderableType:
    try:
        status = node.status()
        networks = [node.status(network["id"]) for network in status["networks"]]
        devices = count_devices(intent)
    except (NoNode, KernelError) as error:
        return Text(str(error), "bold red")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("network", "state", "guests", "devices", "requests", "replies"):
        table.add_column(column, no_wrap=True, justify="left" if column in {"network", "state"} else "right")
    for network in networks:
        state = network["state"]
        found = devices.get(network["id"])
        table.add_row(
            Text(network["name"], _colour(network["name"])),
            Text(state, "green" if state == "served" else "yellow"),
            f"{_answered(network)} of {len(network['ports'])}",
            f"{found.found} of {found.wanted}" if found else "",
            str(sum(network["dhcp"]["received"].values())) if network["dhcp"] else "",
            str(sum(network["dhcp"]["sent"].values())) if network["dhcp"] else "",
        )
    up = time.time() - status["node"]["started_at"]
    reasons = [Text(f"{reason['network']}: {reason['reason']}", "yellow") for reason in status["reasons"]]
    heading = Text.assemble(
        ("the node", "bold"), f", up {up:.0f} s, {status['node']['passes']} passes; Ctrl-C ends it all"
    )
    return Group(heading, table, *reasons)


def _answered(network: dict[str, Any]) -> int:
    return sum(port["last_answered"] is not None for port in network["ports"])


def _lines(node: NodeProcess, intent: Intent) -> list[str]:
    try:
        status = node.status()
        networks = [node.status(network["id"]) for network in status["networks"]]
        devices = count_devices(intent)
    except (NoNode, KernelError) as error:
        return [f"node: {error}"]
    lines = []
    for network in networks:
        found = devices.get(network["id"])
        counted = f", devices {found.found} of {found.wanted}" if found else ""
        reasons = "".join(f"; {reason['reason']}" for reason in network["reasons"])
        guests = f"guests {_answered(network)} of {len(network['ports'])}"
        lines.append(f"{network['name']}: {network['state']}, {guests}{counted}{reasons}")
    return lines
