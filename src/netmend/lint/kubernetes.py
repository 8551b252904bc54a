"""Kubernetes manifests: `hostPath` volumes and the `volumeMounts` of whatever has a pod template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping, Sequence
from netmend.lint.compose import capabilities
from netmend.lint.declared import DeclaredContainer, DeclaredMount, Refused, is_true, read_only_decided
from netmend.propagation.options.kubernetes import parse_volume_mount
from netmend.propagation.options.request import OptionError


def is_manifest(document: Any) -> bool:
    return isinstance(document, Mapping) and "apiVersion" in document and "kind" in document


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    if document.get("kind") == "List":
        for item in _items(document.get("items")):
            yield from read(item)
        return
    metadata = document.get("metadata")
    owner = str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""
    spec = _pod_spec(document)
    if spec is None:
        return
    paths = {
        str(volume.get("name")): str(volume["hostPath"].get("path", ""))
        for volume in _items(spec.get("volumes"))
        if isinstance(volume.get("hostPath"), Mapping)
    }
    for key in ("initContainers", "containers"):
        for container in _items(spec.get(key)):
            yield _container(container, owner, paths)


def _pod_spec(document: Mapping) -> Mapping | None:
    """The pod's spec, wherever a workload keeps it (`spec`, `spec.template.spec`, `spec.jobTemplate.spec. …`)."""
    spec = document.get("spec")
    while isinstance(spec, Mapping):
        if isinstance(spec.get("containers"), Sequence):
            return spec
        below = spec.get("template", spec.get("jobTemplate"))
        spec = below.get("spec") if isinstance(below, Mapping) else None
    return None


def _items(value: Any) -> list[Mapping]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def _container(container: Mapping, owner: str, paths: dict[str, str]) -> DeclaredContainer:
    context = container.get("securityContext")
    context = context if isinstance(context, Mapping) else {}
    privileged = is_true(context.get("privileged"))
    added = context.get("capabilities")
    powers = capabilities(added.get("add")) if isinstance(added, Mapping) else set()
    mounts: list[DeclaredMount] = []
    refused: list[Refused] = []
    for mount in _items(container.get("volumeMounts")):
        path = paths.get(str(mount.get("name")))
        if path is None:
            continue
        line = mount.line_of("mountPropagation")
        written = f"{path}:{mount.get('mountPath', '')} mountPropagation: {mount.get('mountPropagation') or 'None'}"
        try:
            mounts.append(
                DeclaredMount(
                    parse_volume_mount(read_only_decided(mount, "readOnly"), path, privileged=privileged), line, written
                )
            )
        except OptionError as error:
            refused.append(Refused(line, written, str(error)))
    name = str(container.get("name", ""))
    return DeclaredContainer(
        "kubernetes",
        f"{owner}/{name}" if owner else name,
        container.line,
        tuple(mounts),
        tuple(refused),
        privileged or "SYS_ADMIN" in powers,
    )
