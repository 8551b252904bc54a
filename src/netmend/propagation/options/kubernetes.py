"""Kubernetes: ``volumeMounts[].mountPropagation``.

Source: the API reference (VolumeMount), pkg/apis/core/validation, and the runtimes' translation (containerd and CRI-O:
HostToContainer becomes rslave, Bidirectional rshared, None nothing, which leaves the runtime's rprivate).
"""

from __future__ import annotations

from collections.abc import Mapping

from netmend.propagation.options.request import MountRequest, OptionError

MODES = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}
#: The same in the words of the CRI (cri-api, MountPropagation).
CRI_MODES = {
    "PROPAGATION_PRIVATE": "None",
    "PROPAGATION_HOST_TO_CONTAINER": "HostToContainer",
    "PROPAGATION_BIDIRECTIONAL": "Bidirectional",
}


def parse_volume_mount(mount: Mapping[str, object], host_path: str, *, privileged: bool) -> MountRequest:
    """An entry of a container's ``volumeMounts`` whose volume is ``hostPath: host_path``. Raises OptionError.

    ``privileged``: the container's ``securityContext.privileged``, without which Bidirectional is not admitted.
    """
    shown = f"volumeMount {mount.get('name', '')}"
    target = mount.get("mountPath")
    if not isinstance(target, str) or not target:
        raise OptionError(shown, "mountPath: Required value")
    mode = mount.get("mountPropagation")
    if mode is not None and (not isinstance(mode, str) or mode not in MODES):
        supported = ", ".join(f'"{word}"' for word in sorted(MODES))
        raise OptionError(shown, f'mountPropagation: Unsupported value: "{mode}": supported values: {supported}')
    if mode == "Bidirectional" and not privileged:
        raise OptionError(
            shown,
            "mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
        )
    sub_path = str(mount.get("subPath") or "").strip("/")
    return MountRequest(
        source=f"{host_path.rstrip('/')}/{sub_path}" if sub_path else host_path,
        target=target,
        propagation=MODES[str(mode)] if mode is not None else "rprivate",
        asked=mode is not None,
        read_only=mount.get("readOnly") in (True, "true", "yes", "on"),
    )
