"""The checks, one file each: functions from what was seen to findings. A check reads nothing of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from netmend.doctor.checks import (
    bridge_ports,
    busy_deletions,
    covered_names,
    dead_name,
    deleted_root,
    doubling_mounts,
    engine_namespace,
    hidden_copy,
    idle_namespaces,
    links_down,
    nameless,
    not_shared,
    orphan_devices,
    plain_file,
    private_run,
    shadowed_directory,
    split_name,
    stale_netnsid,
    stray_processes,
)
from netmend.doctor.places import HostView
from netmend.ground.finding import Finding

Check = Callable[[HostView], Iterator[Finding]]

CHECKS: Final[dict[str, Check]] = {
    plain_file.CHECK: plain_file.check,
    covered_names.CHECK: covered_names.check,
    dead_name.CHECK: dead_name.check,
    split_name.CHECK: split_name.check,
    shadowed_directory.CHECK: shadowed_directory.check,
    deleted_root.CHECK: deleted_root.check,
    hidden_copy.CHECK: hidden_copy.check,
    doubling_mounts.CHECK: doubling_mounts.check,
    engine_namespace.CHECK: engine_namespace.check,
    private_run.CHECK: private_run.check,
    busy_deletions.CHECK: busy_deletions.check,
    not_shared.CHECK: not_shared.check,
    nameless.CHECK: nameless.check,
    stray_processes.CHECK: stray_processes.check,
    orphan_devices.CHECK: orphan_devices.check,
    bridge_ports.CHECK: bridge_ports.check,
    stale_netnsid.CHECK: stale_netnsid.check,
    links_down.CHECK: links_down.check,
    idle_namespaces.CHECK: idle_namespaces.check,
}
"""By name, in the order in which findings of equal severity are told."""
