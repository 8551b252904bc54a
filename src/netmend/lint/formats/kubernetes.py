"""Kubernetes: `hostPath` volumes and the `volumeMounts` of whatever has a pod's spec; lists of such objects too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, is_true, may_administer
from netmend.propagation.options.kubernetes import parse_volume_mount

_DEEPEST = 12
"""Levels below `spec` at which a custom resource may keep a pod's spec."""


def is_manifest(document: Any) -> bool:
    return isinstance(document, Mapping) and "apiVersion" in document and "kind" in document


def is_list(document: Any) -> bool:
    """A `List`, `PodList` and so on; its items need not say of which kind they are."""
    return (
        is_manifest(document) and str(document["kind"]).endswith("List") and isinstance(document.get("items"), Sequence)
    )


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    if is_list(document):
        for item in _items(document["items"]):
            yield from read(item)
        return
    metadata = document.get("metadata")
    owner = str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""
    for spec in _pod_specs(document, 0):
        paths = {
            str(volume.get("name")): str(volume["hostPath"].get("path", ""))
            for volume in _items(spec.get("volumes"))
            if isinstance(volume.get("hostPath"), Mapping)
        }
        for key in ("initContainers", "containers"):
            for container in _items(spec.get(key)):
                # an init container with `restartPolicy: Always` is a sidecar, and stays
                early = key == "initContainers" and container.get("restartPolicy") != "Always"
                yield _container(container, owner, paths, ends_early=early)


def _pod_specs(value: Any, depth: int) -> Iterator[Mapping]:
    """Every pod's spec in a document: what has `containers`, wherever a workload keeps it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Sequence):
        for item in value:
            yield from _pod_specs(item, depth + 1)
    elif isinstance(value, Mapping):
        if any("name" in one for one in _items(value.get("containers"))):
            yield value
            return
        for below in value.values():
            yield from _pod_specs(below, depth + 1)


def _items(value: Any) -> list[Mapping]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def _container(container: Mapping, owner: str, paths: dict[str, str], *, ends_early: bool) -> DeclaredContainer:
    context = container.get("securityContext")
    context = context if isinstance(context, Mapping) else {}
    privileged = is_true(context.get("privileged"))
    added = context.get("capabilities")
    powers = may_administer(added.get("add")) if isinstance(added, Mapping) else False
    mounts = Mounts()
    for mount in _items(container.get("volumeMounts")):
        path = paths.get(str(mount.get("name")))
        mode = mount.get("mountPropagation")
        if path is None or isinstance(mode, Mapping):
            continue  # no directory of the host, or a template that happens to be YAML
        line = mount.line_of("mountPropagation")
        written = f"{path}:{mount.get('mountPath', '')} mountPropagation: {mode or 'None'}"
        mounts.add(line, written, lambda m=mount, p=path: parse_volume_mount(m, p, privileged=privileged))  # type: ignore[misc]
    name = str(container.get("name", ""))
    return mounts.container(
        "kubernetes",
        f"{owner}/{name}" if owner else name,
        container.line,
        privileged=privileged or powers,
        ends_early=ends_early,
    )
