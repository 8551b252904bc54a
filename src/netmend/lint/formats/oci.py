"""The OCI runtime's `config.json` (runtime-spec, config.md): `mounts[].options`, capabilities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from netmend.ground.document import Mapping
from netmend.lint.declared import DeclaredContainer, Mounts, located, may_administer
from netmend.propagation.options.oci import parse_mount
from netmend.propagation.options.request import MountRequest


def is_config(document: Any) -> bool:
    return isinstance(document, Mapping) and "ociVersion" in document


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    process = document.get("process")
    capabilities = process.get("capabilities") if isinstance(process, Mapping) else None
    effective = capabilities.get("effective") if isinstance(capabilities, Mapping) else None
    mounts = Mounts()
    for line, mount in located(document.get("mounts")):
        if isinstance(mount, Mapping):
            options = mount.get("options")
            words = ",".join(str(word) for word in options) if isinstance(options, list) else ""
            written = f"{mount.get('source', '')}:{mount.get('destination', '')}:{words}"
            mounts.add(line, written, lambda mount=mount: _parse(mount))  # type: ignore[misc]
    annotations = document.get("annotations")
    notes = annotations if isinstance(annotations, Mapping) else {}
    name = notes.get("io.kubernetes.cri.container-name") or notes.get("nerdctl/name") or document.get("hostname")
    yield mounts.container("oci", str(name or "container"), document.line, privileged=may_administer(effective))


def _parse(mount: Mapping) -> MountRequest:
    """With no word of propagation the mount is what the runtime made of the root: a slave (runc's default)."""
    request = parse_mount(mount)
    return request if request.propagation else replace(request, propagation="rslave")
