"""systemd: ``MountFlags=``, ``PrivateMounts=``, ``BindPaths=`` and what else gives a service mounts of its own.

Source: systemd.exec(5) and src/core/namespace.c (setup_namespace): the new namespace is first made a slave of the
host's, then mounts are added, and last it gets the propagation of MountFlags=, shared where nothing is said.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netmend.propagation.flags import MountFlag, Propagation
from netmend.propagation.options.calls import MountCall
from netmend.propagation.options.request import MountRequest, OptionError

_TRUE = frozenset({"1", "yes", "y", "true", "t", "on"})
_FALSE = frozenset({"0", "no", "n", "false", "f", "off"})
_MODES = ("shared", "slave", "private")
#: Settings that bring a mount namespace with them, whatever PrivateMounts= says (systemd.exec(5)).
IMPLIES_NAMESPACE = (
    "BindPaths",
    "BindReadOnlyPaths",
    "ExtensionDirectories",
    "InaccessiblePaths",
    "MountAPIVFS",
    "MountImages",
    "NoExecPaths",
    "PrivateDevices",
    "PrivateIPC",
    "PrivateTmp",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "TemporaryFileSystem",
)


@dataclass(frozen=True, slots=True)
class ServiceMounts:
    """What a service's mount namespace is like."""

    own_namespace: bool
    because: tuple[str, ...]  # the settings that made it so
    propagation: str  # of the namespace's mounts towards namespaces made from it: `shared`, `slave` or `private`
    binds: tuple[MountRequest, ...]

    @property
    def sends_to_host(self) -> bool:
        """Whether what the service mounts appears on the host: only where it has no namespace of its own."""
        return not self.own_namespace


def parse_service(settings: Mapping[str, str | Iterable[str]]) -> ServiceMounts:
    """``[Service]`` settings by name; a setting given several times has a list. Raises OptionError."""
    because: list[str] = []
    flags = _last(settings.get("MountFlags"))
    if flags and flags not in _MODES:
        raise OptionError(f"MountFlags={flags}", f"Failed to parse mount flag {flags}, ignoring.")
    if flags in ("slave", "private"):
        because.append(f"MountFlags={flags}")
    private_mounts = _last(settings.get("PrivateMounts"))
    if private_mounts and _boolean("PrivateMounts", private_mounts):
        because.append("PrivateMounts=yes")
    binds: list[MountRequest] = []
    for name in ("BindPaths", "BindReadOnlyPaths"):
        for value in _all(settings.get(name)):
            binds += parse_bind_paths(value, read_only=name == "BindReadOnlyPaths")
    for name in IMPLIES_NAMESPACE:
        value = _last(settings.get(name))
        if value and value.lower() not in _FALSE:
            because.append(f"{name}={value}")
    return ServiceMounts(bool(because), tuple(because), flags or "shared", tuple(binds))


def parse_bind_paths(value: str, *, read_only: bool = False) -> list[MountRequest]:
    """``BindPaths=``: ``SRC[:DST[:rbind|norbind]]``, several with blanks between. Raises OptionError."""
    requests = []
    try:
        entries = shlex.split(value)
    except ValueError:
        raise OptionError(value, f"Failed to parse BindPaths=: unbalanced quoting in {value!r}") from None
    for entry in entries:
        parts = entry.removeprefix("-").split(":")
        source, target, option = (*parts, "", "")[:3]
        if len(parts) > 3 or option not in ("", "rbind", "norbind"):
            raise OptionError(entry, f"Invalid option string, ignoring setting: {':'.join(parts[2:])}")
        for path in (source, target or source):
            if not path.startswith("/"):
                raise OptionError(entry, f"BindPaths= path is not absolute, ignoring: {path}")
        requests.append(
            MountRequest(
                source,
                target or source,
                "",
                asked=False,
                read_only=read_only,
                recursive=option != "norbind",
            )
        )
    return requests


def calls(service: ServiceMounts) -> list[MountCall]:
    """The mount(2) calls of systemd for that service, in its new namespace; none where it has the host's."""
    if not service.own_namespace:
        return []
    made = [
        MountCall(
            None,
            "/",
            MountFlag.MS_SLAVE | MountFlag.MS_REC,
            "the service's mounts do not reach the host; the host's reach the service",
        )
    ]
    for bind in service.binds:
        flags = MountFlag.MS_BIND | (MountFlag.MS_REC if bind.recursive else MountFlag(0))
        made.append(MountCall(bind.source, bind.target, flags, "BindPaths="))
    last = Propagation[service.propagation.upper()]
    made.append(MountCall(None, "/", last.value | MountFlag.MS_REC, "MountFlags=, for namespaces made from this one"))
    return made


def _all(value: str | Iterable[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _last(value: str | Iterable[str] | None) -> str:
    return (_all(value) or [""])[-1].strip()


def _boolean(name: str, value: str) -> bool:
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise OptionError(f"{name}={value}", f"Failed to parse boolean value, ignoring: {name}={value}")
