"""The output of `crictl inspect`: the container as its runtime has it, by the CRI's words (cri-api, runtime/v1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping
from netmend.lint.declared import DeclaredContainer, Mounts, is_true, located
from netmend.propagation.options.kubernetes import CRI_MODES, parse_volume_mount


def is_crictl(document: Any) -> bool:
    status = document.get("status") if isinstance(document, Mapping) else None
    return isinstance(status, Mapping) and "metadata" in status and "mounts" in status


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    status = document["status"]
    privileged = is_true(_below(document, "info", "privileged")) or is_true(
        _below(document, "info", "config", "linux", "security_context", "privileged")
    )
    mounts = Mounts()
    for line, mount in located(status.get("mounts")):
        if not isinstance(mount, Mapping):
            continue
        path = str(mount.get("hostPath") or mount.get("host_path") or "")
        word = str(mount.get("propagation") or "PROPAGATION_PRIVATE")
        entry = {
            "mountPath": mount.get("containerPath") or mount.get("container_path"),
            "mountPropagation": CRI_MODES.get(word, word),
            "readOnly": is_true(mount.get("readonly")),
        }
        written = f"{path}:{entry['mountPath']} {word}"
        # it runs, so the API server has let it
        mounts.add(line, written, lambda e=entry, p=path: parse_volume_mount(e, p, privileged=True))  # type: ignore[misc]
    labels = status.get("labels") if isinstance(status.get("labels"), Mapping) else {}
    pod = labels.get("io.kubernetes.pod.name", "")
    name = str(status["metadata"].get("name", "")) if isinstance(status["metadata"], Mapping) else ""
    yield mounts.container("crictl inspect", f"{pod}/{name}" if pod else name, document.line, privileged=privileged)


def _below(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
