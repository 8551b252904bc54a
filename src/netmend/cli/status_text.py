"""What `netmend status` prints for a person."""

import time
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show_node(console: Console, answer: dict[str, Any]) -> None:
    """Print faults of the host, a table of the networks, and what is wrong with them."""
    _show_faults(console, answer)
    table = _table("network", "id", "state", "ports", "served for")
    for found in answer["networks"]:
        table.add_row(
            Text(found["name"]),
            found["id"],
            _state(found["state"]),
            str(found["ports_count"]),
            _since(found["served_since"]),
        )
    console.print(table)
    if answer["routers"]:
        routers = _table("router", "id", "state", "networks", "uplink")
        for found in answer["routers"]:
            networks = Text(", ".join(found["networks"]))
            routers.add_row(Text(found["name"]), found["id"], _state(found["state"]), networks, found["uplink"] or "")
        console.print(routers)
    _show_reasons(console, answer["reasons"])
    for busy in answer["in_progress"]:
        console.print(Text(f"in progress: {busy['name'] or busy['network']}: {', '.join(busy['steps'])}"))


def _show_faults(console: Console, answer: dict[str, Any]) -> None:
    if answer["intent"]["problem"]:
        console.print(Text("a newer intent cannot be used; the one before it stays in force:", style="bold red"))
        console.print(Text(answer["intent"]["problem"]))
    breaker = answer["breaker"]
    if breaker["open"]:
        console.print(Text(f"host fault: {breaker['fault']}", style="bold red"))
        for line in breaker["evidence"]:
            console.print(Text(f"  evidence: {line}"))
        console.print(Text(f"  cause: {breaker['cause']}\n  mend: {breaker['mend']}"))
        console.print(Text(f"  nothing is created; next try in {breaker['next_try_in']:.0f} s"))
    for fault in answer["mount_faults"]:
        console.print(Text(fault["summary"], style="bold yellow"))
        for line in (f"cause: {fault['cause']}", f"mend: {fault['mend']}"):
            console.print(Text("  " + line.replace("\n", "\n    ")))
    if not answer["pinning"]["ok"]:
        console.print(Text(f"{answer['pinning']['meaning']}: {answer['pinning']['problem']}", style="bold yellow"))
    if answer["leases_problem"]:
        console.print(Text(answer["leases_problem"], style="bold red"))
    if answer["routed_metadata"] and answer["routed_metadata"]["problem"]:
        console.print(Text(answer["routed_metadata"]["problem"], style="bold red"))


def show_network(console: Console, answer: dict[str, Any]) -> None:
    """Print one network: its subnets, ports, leases, and what is wrong with it."""
    console.print(Text(f"{answer['name']} ({answer['id']}): {answer['state']}"))
    console.print(Text(f"namespace {answer['namespace']}, bridge {answer['bridge']}, mtu {answer['mtu']}"))
    for subnet in answer["subnets"]:
        kind = "dynamic, " if subnet["dynamic"] else ""
        gateway = f"gateway {subnet['gateway']}" if subnet["gateway"] else "no gateway"
        console.print(Text(f"subnet {subnet['cidr']}: {kind}server {subnet['server_address']}, {gateway}"))
    ports = _table("port", "mac", "fixed IPs", "device", "plug", "last answered")
    for port in answer["ports"]:
        ports.add_row(
            Text(port["name"]), port["mac"], ", ".join(port["fixed_ips"]), port["device"], port["plug"],
            _since(port["last_answered"], " ago"),
        )  # fmt: skip
    console.print(ports)
    dynamic = [lease for lease in answer["leases"] if lease["port"] is None]
    if dynamic:
        leases = _table("address", "mac", "state", "ends in")
        for lease in dynamic:
            ends = lease["expires"] - time.time() if lease["expires"] else 0
            leases.add_row(lease["address"], lease["mac"], lease["state"], _span(ends) if ends > 0 else "")
        console.print(leases)
    _show_reasons(console, answer["reasons"])


def _table(*columns: str) -> Table:
    """An empty table; where it is too narrow, a cell is continued below, and never cut."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _show_reasons(console: Console, reasons: list[dict[str, Any]]) -> None:
    for reason in reasons:
        where = f"{reason['name']} ({reason['network']})" if reason["name"] else reason["network"]
        where += f" port {reason['port']}" if reason["port"] else ""
        console.print(
            Text(
                f"{where}: {reason['reason']} (for {_span(reason['for_seconds'])}, tried {reason['failures']}x, "
                f"next in {reason['next_try_in']:.1f} s)",
                style="yellow",
            )
        )


def _state(state: str) -> Text:
    return Text(state, style="green" if state == "served" else "yellow" if state.startswith("served") else "red")


def _since(moment: float | None, suffix: str = "") -> str:
    return "" if moment is None else _span(time.time() - moment) + suffix


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
