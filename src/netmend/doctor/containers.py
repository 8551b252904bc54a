"""Containers from what their engines say: one shape for all, with environments left out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from netmend.doctor.observation import Bind, Container

_ID: Final = re.compile(r"[0-9a-f]{64}")
_KEPT_LABELS: Final = (
    "com.docker.compose.project",
    "com.docker.compose.project.config_files",
    "com.docker.compose.service",
    "PODMAN_SYSTEMD_UNIT",
    "io.kubernetes.pod.name",
    "io.kubernetes.pod.namespace",
    "kolla_version",
)
_MODES: Final = re.compile(r"r?(private|shared|slave|unbindable)\Z")

# HostConfig settings that `rebuild` carries, or that say nothing when they are at their default.
_DEFAULTS: Final[dict[str, tuple[Any, ...]]] = {
    "AutoRemove": (False, True),
    "Binds": (),
    "Cgroup": ("",),
    "CgroupParent": ("",),
    "CgroupnsMode": (),
    "ConsoleSize": (),
    "ContainerIDFile": ("",),
    "Devices": (),
    "IpcMode": (),
    "Isolation": ("", "default"),
    "LogConfig": (),
    "MaskedPaths": (),
    "MemorySwappiness": (-1, None),
    "Mounts": (),
    "OomKillDisable": (False, None),
    "PidsLimit": (0, -1, None),
    "ReadonlyPaths": (),
    "RestartPolicy": (),
    "Runtime": (),
    "ShmSize": (67108864,),
    "VolumeDriver": ("",),
}
_CARRIED: Final = frozenset(
    {
        "CapAdd", "CapDrop", "Devices", "Dns", "ExtraHosts", "GroupAdd", "Init", "NetworkMode", "PidMode",
        "PortBindings", "Privileged", "ReadonlyRootfs", "SecurityOpt", "Sysctls", "Tmpfs", "Ulimits", "UTSMode",
        "UsernsMode", "Memory",
    }
)  # fmt: skip


def container_id(cgroups: Iterable[str]) -> str | None:
    """The id in a process's cgroup paths, as Docker, Podman, containerd and CRI-O write it; the innermost."""
    for path in cgroups:
        found = _ID.findall(path)
        if found:
            return str(found[-1])
    return None


def id_in_mounts(roots: Iterable[str]) -> str | None:
    """The id in the source of /etc/hostname and its like, which Docker binds from `containers/ID/`."""
    for root in roots:
        if "/containers/" in root:
            found = _ID.findall(root)
            if found:
                return str(found[-1])
    return None


def from_docker(config: Mapping[str, Any], host: Mapping[str, Any]) -> Container:
    """From `config.v2.json` and `hostconfig.json`, or from `docker inspect` (whose HostConfig is `host`)."""
    settings = _mapping(config.get("Config"))
    state = _mapping(config.get("State"))
    name = str(config.get("Name") or "").removeprefix("/")
    identifier = str(config.get("ID") or config.get("Id") or "")
    labels = _mapping(settings.get("Labels"))
    entrypoint = [str(word) for word in settings.get("Entrypoint") or ()]
    command = [str(word) for word in settings.get("Cmd") or ()]
    rebuild, lost = _rebuild(identifier, settings, host, entrypoint)
    return Container(
        engine="docker",
        id=identifier,
        name=name or identifier[:12],
        image=str(settings.get("Image") or ""),
        binds=tuple(_docker_binds(config, host)),
        running=bool(state.get("Running")),
        last_error=str(state.get("Error") or ""),
        rebuild=tuple(rebuild),
        command=(*entrypoint[1:], *command),
        has_environment=any(not str(word).startswith("PATH=") for word in settings.get("Env") or ()),
        lost=tuple(lost),
        managed_by={key: str(labels[key]) for key in _KEPT_LABELS if key in labels},
    )


def _docker_binds(config: Mapping[str, Any], host: Mapping[str, Any]) -> Iterable[Bind]:
    points = config.get("MountPoints")
    found = list(points.values()) if isinstance(points, dict) else list(config.get("Mounts") or ())
    said = {destination: mode for _, destination, mode in map(_split_bind, host.get("Binds") or ())}
    for point in found:
        if point.get("Type") not in (None, "", "bind", "volume"):
            continue
        destination = str(point.get("Destination") or "")
        source = str(point.get("Source") or "")
        if point.get("Type") == "volume":
            source = str(point.get("Name") or source)
        # MountPoints say rprivate where nothing was said; what the operator wrote is what the evidence must show
        propagation = said.get(destination, "") if destination in said else str(point.get("Propagation") or "")
        yield Bind(source, destination, propagation, not point.get("RW", True))


def _split_bind(text: str) -> tuple[str, str, str]:
    parts = str(text).split(":")
    modes = parts[2].split(",") if len(parts) > 2 else []
    return parts[0], parts[1] if len(parts) > 1 else parts[0], next((m for m in modes if _MODES.match(m)), "")


def _rebuild(
    identifier: str, settings: Mapping[str, Any], host: Mapping[str, Any], entrypoint: list[str]
) -> tuple[list[str], list[str]]:
    """Arguments of `docker run`, and the names of settings they leave out."""
    words: list[str] = []
    network = str(host.get("NetworkMode") or "default")
    if host.get("AutoRemove"):
        words.append("--rm")
    if host.get("Privileged"):
        words.append("--privileged")
    if network not in ("default", "bridge"):
        words += ["--network", network]
    for key, flag in (("PidMode", "--pid"), ("UTSMode", "--uts"), ("UsernsMode", "--userns")):
        if host.get(key):
            words += [flag, str(host[key])]
    if str(host.get("IpcMode") or "private") not in ("private", "shareable"):
        words += ["--ipc", str(host["IpcMode"])]
    if host.get("CgroupnsMode"):
        words += ["--cgroupns", str(host["CgroupnsMode"])]
    restart = _mapping(host.get("RestartPolicy"))
    if restart.get("Name") not in (None, "", "no"):
        retries = restart.get("MaximumRetryCount")
        words += ["--restart", f"{restart['Name']}:{retries}" if retries else str(restart["Name"])]
    for key, flag in (("CapAdd", "--cap-add"), ("CapDrop", "--cap-drop"), ("GroupAdd", "--group-add")):
        words += _each(flag, host.get(key))
    words += _each("--dns", host.get("Dns")) + _each("--add-host", host.get("ExtraHosts"))
    security = [
        text for text in host.get("SecurityOpt") or () if not (host.get("Privileged") and text == "label=disable")
    ]
    words += _each("--security-opt", security)
    for device in host.get("Devices") or ():
        words += ["--device", f"{device['PathOnHost']}:{device['PathInContainer']}:{device['CgroupPermissions']}"]
    for path, options in _mapping(host.get("Tmpfs")).items():
        words += ["--tmpfs", f"{path}:{options}" if options else str(path)]
    for key, value in _mapping(host.get("Sysctls")).items():
        words += ["--sysctl", f"{key}={value}"]
    for limit in host.get("Ulimits") or ():
        words += ["--ulimit", f"{limit['Name']}={limit['Soft']}:{limit['Hard']}"]
    for port, bindings in _mapping(host.get("PortBindings")).items():
        for binding in bindings or ():
            address = f"{binding['HostIp']}:" if binding.get("HostIp") else ""
            words += ["-p", f"{address}{binding.get('HostPort', '')}:{port}"]
    for key, flag in (("ReadonlyRootfs", "--read-only"), ("Init", "--init")):
        if host.get(key):
            words.append(flag)
    if host.get("Memory"):
        words += ["--memory", str(host["Memory"])]
    for key, flag in (("Tty", "-t"), ("OpenStdin", "-i")):
        if settings.get(key):
            words.append(flag)
    hostname = str(settings.get("Hostname") or "")
    if hostname and network != "host" and hostname != identifier[:12]:
        words += ["--hostname", hostname]
    for key, flag in (("User", "--user"), ("WorkingDir", "--workdir")):
        if settings.get(key):
            words += [flag, str(settings[key])]
    if entrypoint:
        words += ["--entrypoint", entrypoint[0]]
    for key, value in _mapping(settings.get("Labels")).items():
        words += ["--label", f"{key}={value}"]
    return words, [key for key, value in host.items() if key not in _CARRIED and _says_something(key, value)]


def _says_something(key: str, value: Any) -> bool:
    if key in _DEFAULTS:
        return bool(_DEFAULTS[key]) and value not in _DEFAULTS[key]
    return value not in (None, False, 0, "", [], {}, [0, 0])


def _each(flag: str, values: Any) -> list[str]:
    return [word for value in values or () for word in (flag, str(value))]


def from_bundle(identifier: str, spec: Mapping[str, Any], name: str | None) -> Container:
    """From the runtime-spec config of Podman, CRI-O or containerd (opencontainers/runtime-spec, config.md)."""
    notes = {str(key): str(value) for key, value in _mapping(spec.get("annotations")).items()}
    managed: dict[str, str] = {key: notes[key] for key in _KEPT_LABELS if key in notes}
    called = notes.get("io.kubernetes.cri.container-name") or notes.get("io.kubernetes.container.name")
    pod = notes.get("io.kubernetes.cri.sandbox-name") or notes.get("io.kubernetes.pod.name")
    engine = "oci"
    if pod is not None:
        engine = "kubernetes"
        managed["io.kubernetes.pod.name"] = pod
        space = notes.get("io.kubernetes.cri.sandbox-namespace") or notes.get("io.kubernetes.pod.namespace")
        managed["io.kubernetes.pod.namespace"] = space or "default"
        called = f"{pod}/{called}" if called else pod
    elif any(key.startswith("io.podman.") for key in notes) or name is not None:
        engine = "podman"
    binds = []
    for mount in spec.get("mounts") or ():
        options = [str(option) for option in mount.get("options") or ()]
        if "bind" in options or "rbind" in options:
            said = next((option for option in options if _MODES.match(option)), "")
            said = "" if said in ("private", "rprivate") else said
            binds.append(Bind(str(mount.get("source", "")), str(mount.get("destination", "")), said, "ro" in options))
    return Container(
        engine=engine,  # type: ignore[arg-type]
        id=identifier,
        name=name or called or notes.get("nerdctl/name") or identifier[:12],
        image=notes.get("io.kubernetes.cri.image-name") or notes.get("io.kubernetes.cri-o.ImageName") or "",
        binds=tuple(binds),
        managed_by=managed,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
