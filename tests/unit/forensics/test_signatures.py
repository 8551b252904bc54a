# ruff: noqa: E501 - log lines are kept whole
"""Each signature against logs of its own failure, near misses of it, and healthy logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.forensics.logs import Night, logfmt, oslo, plug_trace, some_id, tap, trace, vlog

from netmend.forensics.matching import Verdict
from netmend.forensics.report import read

EINVAL = "OSError: [Errno 22] failed to open netns"


def verdicts(night: Night, directory: Path) -> dict[str, Verdict]:
    return {v.signature: v for v in read(night.write(directory)).verdicts}


def leaking_agent(night: Night, service: str = "dhcp-agent", rounds: int = 12, start: float = 1800) -> None:
    """The loop of the incident, as Neutron 29 logs it."""
    network = some_id(7)
    for i in range(rounds):
        now = start + i * 30.0
        night.record(
            now,
            service,
            "DEBUG",
            f"DHCP port dhcp{some_id(1)}-{network} on network {network} does not yet exist. Creating new one.",
        )
        night.add(
            "ovs-vswitchd", vlog(now + 1, i, "bridge", "INFO", f"bridge br-int: added interface {tap(i)} on port {i}")
        )
        night.record(
            now + 1.5,
            service,
            "WARNING",
            f"Failed to plug interface {tap(i)} into bridge br-int, cleaning up: {EINVAL}",
        )
        night.record(now + 2, service, "ERROR", f"Unable to enable dhcp for {network}.: {EINVAL}")
        night.add(service, plug_trace(now + 2, service, EINVAL))


def netlink_refuses(night: Night) -> None:
    """The same by an older agent: netlink says EINVAL, only the traceback says what of."""
    for i in range(8):
        now = 1800 + i * 30.0
        error = "pyroute2.netlink.exceptions.NetlinkError: (22, 'Invalid argument')"
        night.record(now, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(7)}.: {error}")
        night.add("dhcp-agent", plug_trace(now, "dhcp-agent", error))


def iproute_refuses(night: Night) -> None:
    for i in range(5):
        name = f"qdhcp-{some_id(i)}"
        night.record(
            1800 + i,
            "metadata-agent",
            "ERROR",
            f'Exit code: 255; Stderr: setting the network namespace "{name}" failed: Invalid argument',
        )


def command_refuses(night: Night) -> None:
    for i in range(5):
        command = f"['ip', 'link', 'set', '{tap(i)}', 'netns', 'qdhcp-{some_id(i)}']"
        night.record(
            1800 + i,
            "dhcp-agent",
            "ERROR",
            f"Exit code: 2; Cmd: {command}; Stdin: ; Stdout: ; Stderr: RTNETLINK answers: Invalid argument",
        )


def unknown_magic(night: Night) -> None:
    for i in range(5):
        text = f'failed to open netns "/var/run/netns/cni-{some_id(i)}": unknown FS magic on "/var/run/netns/cni-{some_id(i)}": 1021994'
        night.add("containerd", logfmt(1800 + i, "error", "StopPodSandbox failed", error=f'"{text}"'.replace('"', "")))
        night.add("containerd", logfmt(1800 + i, "error", f"RunPodSandbox: {text}"))


def busy(night: Night) -> None:
    for i in range(6):
        now, name = 1800 + i * 20.0, f"qdhcp-{some_id(i)}"
        night.record(
            now,
            "dhcp-agent",
            "WARNING",
            f"Failed trying to delete namespace: {name}: OSError: [Errno 16] Device or resource busy: '/run/netns/{name}'",
        )


def busy_by_iproute(night: Night) -> None:
    for i in range(6):
        night.add(
            "l3-agent",
            oslo(
                1800 + i * 9.0,
                "l3-agent",
                "ERROR",
                f'Cannot remove namespace file "/run/netns/qrouter-{some_id(i)}": Device or resource busy',
            ),
        )


def switch_overloaded(night: Night) -> None:
    for i in range(6):
        now = 1800 + i * 15.0
        error = (
            f"ovsdbapp.exceptions.TimeoutException: Commands [AddPortCommand(bridge=br-int, port={tap(i)}, may_exist=True)] "
            "exceeded timeout 10 seconds, cause: Result queue is empty"
        )
        night.record(now, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(i)}.: {error}")
        night.add("dhcp-agent", trace(now, "dhcp-agent", "Traceback (most recent call last):", error))
        night.add(
            "ovs-vswitchd",
            vlog(now, i, "timeval", "WARN", "Unreasonably long 7364ms poll interval (6100ms user, 901ms system)"),
        )
        night.add(
            "ovs-vswitchd",
            vlog(now, i, "bridge", "INFO", f"bridge br-int: added interface {tap(i)} on port {10200 + i}"),
        )


def slow_start(night: Night) -> None:
    night.start(1800, "ovs-agent")
    night.record(1835, "ovs-agent", "INFO", "Agent initialized successfully, now running... ")
    night.record(1835, "ovs-agent", "INFO", "Agent rpc_loop - iteration:0 started")
    night.record(
        2028,
        "ovs-agent",
        "INFO",
        "process_network_ports - iteration:0 - treat_devices_added_or_updated completed. Skipped 10000 and no activated "
        "binding devices 0 of 10006 devices currently available. Time elapsed: 191.201",
    )
    stats = "{'regular': {'added': 10006, 'updated': 0, 'removed': 0}}"
    night.record(
        2030,
        "ovs-agent",
        "INFO",
        f"Agent rpc_loop - iteration:0 completed. Processed ports statistics: {stats}. Elapsed:193.402",
    )


def bridge_full(night: Night) -> None:
    for i in range(3):
        text = (
            f"failed to create endpoint gateway_{i} on network docker_gwbridge: adding interface veth{some_id(i)[:7]} to bridge "
            "docker_gwbridge failed: exchange full"
        )
        night.add(
            "dockerd",
            logfmt(1800 + i * 60, "error", f"Handler for POST /v1.43/containers/{i}/start returned error: {text}"),
        )


def broker_gone(night: Night) -> None:
    for i in range(12):
        text = f"[{some_id(5)}] AMQP server on 10.0.0.11:5672 is unreachable: [Errno 111] ECONNREFUSED. Trying again in {i + 1} seconds."
        night.add(
            "dhcp-agent", oslo(1800 + i * 10, "dhcp-agent", "ERROR", text, logger="oslo.messaging._drivers.impl_rabbit")
        )
    error = f"oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID {some_id(9)}"
    night.record(1900, "dhcp-agent", "ERROR", f"Failed reporting state!: {error}")


def mac_refused(night: Night) -> None:
    for port in range(2):
        mac = "Failed to set mac address to: fa:16:3e:0c:11:0d; Current mac: 7a:c1:4e:10:00:01"
        for i in range(9):
            night.record(1800 + port * 60 + i, "dhcp-agent", "WARNING", f"Got error trying to set mac, retrying: {mac}")
        night.record(
            1810 + port * 60,
            "dhcp-agent",
            "WARNING",
            f"Failed to set mac for interface {tap(port)}: RuntimeError: {mac}",
        )
        night.record(
            1811 + port * 60, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(7)}.: RuntimeError: {mac}"
        )


OWN: list[tuple[str, Callable[[Night], None]]] = [
    ("stale-namespace-name", leaking_agent),
    ("stale-namespace-name", netlink_refuses),
    ("stale-namespace-name", iproute_refuses),
    ("stale-namespace-name", command_refuses),
    ("stale-namespace-name", unknown_magic),
    ("busy-namespace-leftover", busy),
    ("busy-namespace-leftover", busy_by_iproute),
    ("ovsdb-overload", switch_overloaded),
    ("slow-start-scan", slow_start),
    ("bridge-full", bridge_full),
    ("broker-away", broker_gone),
    ("mac-not-set", mac_refused),
]


@pytest.mark.parametrize(("signature", "happen"), OWN, ids=lambda x: getattr(x, "__name__", x))
def test_a_failure_among_healthy_logs_is_named_alone(
    signature: str, happen: Callable[[Night], None], tmp_path: Path
) -> None:
    night = Night().healthy()
    happen(night)
    found = verdicts(night, tmp_path)
    assert set(found) == {signature}
    assert found[signature].confidence >= 0.7
    assert found[signature].because
    assert found[signature].do


def one_moment_of_a_new_namespace(night: Night) -> None:
    """Between making the name's file and mounting on it; the next try works."""
    night.record(900, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(7)}.: {EINVAL}")
    night.add("dhcp-agent", plug_trace(900, "dhcp-agent", EINVAL))


def not_permitted_in_namespace(night: Night) -> None:
    for i in range(20):
        night.record(900 + i, "dhcp-agent", "ERROR", "PermissionError: [Errno 1] failed to open netns")
        night.record(
            900 + i,
            "dhcp-agent",
            "ERROR",
            f'setting the network namespace "qdhcp-{some_id(i)}" failed: Operation not permitted',
        )


def bad_address(night: Night) -> None:
    """EINVAL of a command that names no namespace."""
    for i in range(20):
        command = f"['ip', 'addr', 'add', '10.0.0.{i}/33', 'dev', '{tap(i)}']"
        night.record(900 + i, "l3-agent", "ERROR", f"Cmd: {command}; Stderr: RTNETLINK answers: Invalid argument")


def bad_mtu(night: Night) -> None:
    """EINVAL for something else."""
    for i in range(20):
        error = "pyroute2.netlink.exceptions.NetlinkError: (22, 'Invalid argument')"
        night.record(900 + i, "dhcp-agent", "ERROR", f"Unable to enable dhcp for {some_id(7)}.: {error}")
        night.add(
            "dhcp-agent",
            trace(
                900 + i,
                "dhcp-agent",
                "Traceback (most recent call last):",
                '  File "/usr/lib/python3.11/site-packages/neutron/agent/linux/interface.py", line 490, in set_mtu',
                error,
            ),
        )


def busy_file_system(night: Night) -> None:
    for i in range(20):
        night.add(
            "dockerd",
            logfmt(
                900 + i,
                "error",
                f"unable to remove filesystem: unlinkat /var/lib/docker/overlay2/{i}/merged: device or resource busy",
            ),
        )


def busy_for_a_moment(night: Night) -> None:
    for i in range(2):
        night.add(
            "podman",
            logfmt(
                900 + i, "error", f"failed to remove ns path /run/netns/netns-{some_id(i)}: device or resource busy"
            ),
        )


def one_slow_transaction(night: Night) -> None:
    night.record(
        900,
        "dhcp-agent",
        "ERROR",
        "ovsdbapp.exceptions.TimeoutException: Commands [X()] exceeded timeout 10 seconds, cause: Result queue is empty",
    )
    night.add(
        "ovs-vswitchd",
        vlog(900, 1, "timeval", "WARN", "Unreasonably long 1415ms poll interval (647ms user, 749ms system)"),
    )


def switch_database_stopped(night: Night) -> None:
    for i in range(20):
        night.add(
            "ovs-vswitchd",
            vlog(
                900 + i,
                i,
                "reconnect",
                "WARN",
                "unix:/run/openvswitch/db.sock: connection attempt failed (Connection refused)",
            ),
        )
        night.record(
            900 + i,
            "ovs-agent",
            "ERROR",
            "ovsdbapp.exceptions.TimeoutException: Commands [X()] exceeded timeout 10 seconds, cause: Result queue is empty",
        )


def slow_loop_long_after_start(night: Night) -> None:
    night.record(
        1500,
        "ovs-agent",
        "INFO",
        "Agent rpc_loop - iteration:4711 completed. Processed ports statistics: {'regular': {'added': 3000}}. Elapsed:75.402",
    )


def other_kernel_limits(night: Night) -> None:
    for i in range(20):
        night.record(900 + i, "dhcp-agent", "ERROR", "RTNETLINK answers: No buffer space available")
        night.record(900 + i, "l3-agent", "ERROR", "RTNETLINK answers: File exists")
        night.record(900 + i, "l3-agent", "ERROR", "ConnectionResetError: [Errno 54] Connection reset by peer")


def broker_blip(night: Night) -> None:
    night.record(
        900,
        "dhcp-agent",
        "ERROR",
        "AMQP server on 10.0.0.11:5672 is unreachable: [Errno 104] Connection reset by peer. Trying again in 1 seconds.",
    )
    night.record(
        901, "dhcp-agent", "INFO", "Reconnected to AMQP server on 10.0.0.11:5672 via [amqp] client with port 51234."
    )


def wrong_login(night: Night) -> None:
    for i in range(20):
        night.record(
            900 + i * 9,
            "dhcp-agent",
            "ERROR",
            "AMQP server 10.0.0.11:5672 closed the connection. Check login credentials: Socket closed",
        )


def shy_ports(night: Night) -> None:
    """A few tries each, then it works."""
    for i in range(12):
        night.record(
            900 + i * 70,
            "dhcp-agent",
            "WARNING",
            "Got error trying to set mac, retrying: Failed to set mac address to: fa:16:3e:0c:11:0d; Current mac: 7a:c1:4e:10:00:01",
        )


NEAR: list[Callable[[Night], None]] = [
    lambda night: None,
    one_moment_of_a_new_namespace,
    not_permitted_in_namespace,
    bad_address,
    bad_mtu,
    busy_file_system,
    busy_for_a_moment,
    one_slow_transaction,
    switch_database_stopped,
    slow_loop_long_after_start,
    other_kernel_limits,
    broker_blip,
    wrong_login,
    shy_ports,
]


@pytest.mark.parametrize("happen", NEAR, ids=lambda f: f.__name__)
def test_near_misses_and_healthy_logs_give_no_verdict(happen: Callable[[Night], None], tmp_path: Path) -> None:
    night = Night().healthy()
    happen(night)
    assert verdicts(night, tmp_path) == {}
