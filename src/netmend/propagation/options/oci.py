"""OCI runtime configuration: ``mounts[].options`` and ``linux.rootfsPropagation``.

Source: runtime-spec, config.md and config-linux.md; runc, libcontainer/specconv/spec_linux.go. A word that the runtime
does not know is handed to the file system as data, and a bind mount ignores it: a typing error goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netmend.propagation.flags import WORDS
from netmend.propagation.options.request import MountRequest, OptionError

_ROOT_WORDS = frozenset(WORDS)
_READ = frozenset({"ro", "rro"})


def parse_mount(mount: Mapping[str, object]) -> MountRequest:
    """An entry of ``mounts``. Raises OptionError.

    Of several propagation words runc performs each in turn, so that the last decides; that one is reported.
    """
    shown = f"mount {dict(mount)!r}"
    target = mount.get("destination")
    if not isinstance(target, str) or not target:
        raise OptionError(shown, "mount destination not specified")
    if not target.startswith("/"):
        raise OptionError(shown, f"mount destination {target} is not absolute")
    options = mount.get("options") or []
    if not isinstance(options, Sequence) or isinstance(options, str) or not all(isinstance(o, str) for o in options):
        raise OptionError(shown, "options must be a list of strings")
    words = [str(option) for option in options]
    kind = str(mount.get("type") or "")
    bind = kind == "bind" or "bind" in words or "rbind" in words
    propagation = [word for word in words if word in WORDS]
    return MountRequest(
        source=str(mount.get("source") or ""),
        target=target,
        propagation=propagation[-1] if propagation else "",
        asked=bool(propagation),
        kind="bind" if bind else "tmpfs" if kind == "tmpfs" else "other",
        read_only=not _READ.isdisjoint(words),
        recursive="rbind" in words,
        further=tuple(word for word in words if word not in WORDS and word not in ("bind", "rbind", "ro", "rw")),
    )


def parse_root_propagation(config: Mapping[str, object]) -> str:
    """``linux.rootfsPropagation`` of a configuration; empty where it is not set. Raises OptionError in runc's words."""
    linux = config.get("linux") or {}
    word = linux.get("rootfsPropagation") if isinstance(linux, Mapping) else None
    if not word:
        return ""
    if not isinstance(word, str) or word not in _ROOT_WORDS:
        raise OptionError(f"rootfsPropagation: {word}", f"rootfsPropagation={word} is not supported")
    return word


def parse_config(config: Mapping[str, object]) -> tuple[list[MountRequest], str]:
    """The mounts of a ``config.json`` in order, and its rootfsPropagation. Raises OptionError."""
    mounts = config.get("mounts") or []
    if not isinstance(mounts, Sequence) or isinstance(mounts, str):
        raise OptionError("mounts", "mounts must be a list")
    requests = []
    for mount in mounts:
        if not isinstance(mount, Mapping):
            raise OptionError("mounts", f"{mount!r} is not a mapping")
        requests.append(parse_mount(mount))
    return requests, parse_root_propagation(config)
