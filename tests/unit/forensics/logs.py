"""Lines as the agents, engines, the switch and the kernel really write them, for tests to compose nights from."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 11, 23, 16, 10, tzinfo=UTC)

LOGGERS = {
    "dhcp-agent": "neutron.agent.dhcp.agent",
    "l3-agent": "neutron.agent.l3.agent",
    "metadata-agent": "neutron.agent.metadata.agent",
    "ovs-agent": "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent",
}
FILES = {
    "dhcp-agent": "neutron-dhcp-agent.log",
    "l3-agent": "neutron-l3-agent.log",
    "metadata-agent": "neutron-metadata-agent.log",
    "ovs-agent": "neutron-openvswitch-agent.log",
    "ovs-vswitchd": "ovs-vswitchd.log",
}


def at(seconds: float) -> datetime:
    """So long after START."""
    return START + timedelta(seconds=seconds)


def some_id(number: int) -> str:
    """A uuid that is a function of a number."""
    return str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128), version=4))


def tap(number: int) -> str:
    """The tap name of port `some_id(number)`."""
    return f"tap{some_id(number)[:11]}"


def oslo(seconds: float, service: str, level: str, message: str, request: str = "-", *, logger: str = "") -> str:
    """A record by `logging_default_format_string` or `logging_context_format_string`."""
    stamp = at(seconds).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"{stamp} 7 {level} {logger or LOGGERS[service]} [{request}] {message}"


def trace(seconds: float, service: str, *lines: str) -> str:
    """The lines of a traceback, each prefixed by `logging_exception_prefix`."""
    stamp = at(seconds).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return "\n".join(f"{stamp} 7 ERROR {LOGGERS[service]} {line}" for line in (*lines, ""))


def plug_trace(seconds: float, service: str, error: str) -> str:
    """The traceback of a device that could not be moved into its namespace."""
    site = "/usr/lib/python3.11/site-packages/neutron/agent"
    return trace(
        seconds,
        service,
        "Traceback (most recent call last):",
        f'  File "{site}/dhcp/agent.py", line 290, in _call_driver',
        "    rv = getattr(driver, action)(**action_kwargs)",
        "         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
        f'  File "{site}/linux/interface.py", line 430, in plug_new',
        "    self._add_device_to_namespace(ip, ns_dev, namespace)",
        f'  File "{site}/linux/ip_lib.py", line 280, in add_device_to_namespace',
        "    device.link.set_netns(self.namespace)",
        error,
    )


def vlog(seconds: float, number: int, module: str, level: str, message: str) -> str:
    """A line of Open vSwitch's log."""
    return f"{at(seconds).strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z|{number:05d}|{module}|{level}|{message}"


def logfmt(seconds: float, level: str, message: str, **fields: str) -> str:
    """A line of dockerd or containerd."""
    stamp = at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
    text = message.replace("\\", "\\\\").replace('"', '\\"')
    return f'time="{stamp}" level={level} msg="{text}"' + "".join(f" {k}={v}" for k, v in fields.items())


def short(seconds: float, who: str, message: str, zone_hours: int = 0) -> str:
    """A line of `journalctl -o short`, in the local time of a zone."""
    return f"{(at(seconds) + timedelta(hours=zone_hours)).strftime('%b %d %H:%M:%S')} node1 {who}: {message}"


def docker_json(seconds: float, line: str, stream: str = "stderr") -> str:
    """A line of Docker's json-file driver."""
    stamp = at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f") + "789Z"
    return json.dumps({"log": line + "\n", "stream": stream, "time": stamp}, separators=(",", ":"))


def export(seconds: float, who: str, message: str, priority: int = 6) -> bytes:
    """An entry of the Journal Export Format; a message with newlines is a binary field."""
    text = message.encode()
    head = (
        f"__CURSOR=s=0639{who};i=4f\n__REALTIME_TIMESTAMP={int(at(seconds).timestamp() * 1e6)}\n"
        f"__MONOTONIC_TIMESTAMP=7\n_BOOT_ID=88a8d5c7115598aeaa31fcd1cee8c084\nPRIORITY={priority}\n_HOSTNAME=node1\nSYSLOG_IDENTIFIER={who}\n"
        f"_PID=812\n"
    ).encode()
    if b"\n" in text:
        return head + b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n\n"
    return head + b"MESSAGE=" + text + b"\n\n"


def journal_json(seconds: float, who: str, message: str, priority: int = 6) -> str:
    """A line of `journalctl -o json`."""
    return json.dumps(
        {
            "__CURSOR": f"s=0639{who};i=4f",
            "__REALTIME_TIMESTAMP": str(int(at(seconds).timestamp() * 1e6)),
            "PRIORITY": str(priority),
            "_HOSTNAME": "node1",
            "SYSLOG_IDENTIFIER": who,
            "_PID": "812",
            "MESSAGE": message,
        }
    )


@dataclass
class Night:
    """Lines by service, written to a directory as that service's file."""

    lines: dict[str, list[str]] = field(default_factory=dict)

    def add(self, service: str, *lines: str) -> None:
        self.lines.setdefault(service, []).extend(lines)

    def record(self, seconds: float, service: str, level: str, message: str) -> None:
        """An oslo.log record."""
        self.add(
            service, oslo(seconds, service, level, message, f"None req-{some_id(int(seconds * 7) + 1)} - - - - - -")
        )

    def start(self, seconds: float, service: str) -> None:
        """An agent starts."""
        self.add(service, oslo(seconds, service, "INFO", "Logging enabled!", logger="neutron.common.config"))

    def write(self, directory: Path) -> list[str]:
        """Write the files; their paths."""
        paths = []
        for service, lines in self.lines.items():
            path = directory / FILES.get(service, f"{service}.log")
            path.write_text("\n".join(lines) + "\n")
            paths.append(str(path))
        return paths

    def healthy(self, until: int = 1800) -> Night:
        """All agents do their work; a few everyday errors among it."""
        for service in ("dhcp-agent", "ovs-agent", "l3-agent", "metadata-agent"):
            self.start(0, service)
        self.record(1, "dhcp-agent", "INFO", "Synchronizing state")
        self.record(2, "dhcp-agent", "INFO", "All active networks have been fetched through RPC.")
        for i in range(until // 30):
            now, network = 3.0 + i * 30, some_id(i % 7 + 100)
            self.record(now, "dhcp-agent", "INFO", f"Starting network {network} dhcp configuration")
            self.record(now + 1, "dhcp-agent", "INFO", f"Finished network {network} dhcp configuration")
            self.record(now, "ovs-agent", "INFO", f"Agent rpc_loop - iteration:{i} started")
            stats = "{'regular': {'added': 1, 'updated': 0, 'removed': 0}}"
            self.record(
                now + 0.4,
                "ovs-agent",
                "INFO",
                f"Agent rpc_loop - iteration:{i} completed. Processed ports statistics: {stats}. Elapsed:0.{i % 9}31",
            )
            self.add(
                "ovs-vswitchd", vlog(now, i, "connmgr", "INFO", f"br-int<->unix#{i}: 12 flow_mods in the last 0 s")
            )
            if i % 10 == 0:
                self.add(
                    "ovs-vswitchd",
                    vlog(now, i, "bridge", "INFO", f"bridge br-int: added interface {tap(i)} on port {i}"),
                )
        self.record(5, "dhcp-agent", "INFO", "Synchronizing state complete")
        self.record(700, "dhcp-agent", "ERROR", "Failed reporting state!: oslo_messaging.exceptions.MessagingTimeout")
        self.record(730, "dhcp-agent", "INFO", "Successfully reported state after a previous failure.")
        self.add(
            "dockerd",
            logfmt(1, "info", "Docker daemon", version="24.0.7"),
            logfmt(2, "info", "API listen on /run/docker.sock"),
        )
        return self
