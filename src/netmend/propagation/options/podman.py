"""Podman: ``-v``, ``--mount`` and Quadlet's ``Volume=`` and ``Mount=``; what it refuses, and in which words.

Rules and words: podman, pkg/specgen/volumes.go, pkg/specgenutil/volumes.go, pkg/util/mount_opts.go, and
containers/common, pkg/parse/parse.go. Podman does not look at the host's propagation: where Docker refuses to start,
Podman starts, and nothing travels.
"""

from __future__ import annotations

from typing import Literal

from netmend.propagation.options.request import MountRequest, OptionError, comma_separated
from netmend.propagation.paths import clean

PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable")
_ONE_OF: tuple[tuple[tuple[str, ...], str], ...] = (
    (("noexec", "exec"), "'noexec' or 'exec'"),
    (("nodev", "dev"), "'nodev' or 'dev'"),
    (("nosuid", "suid"), "'nosuid' or 'suid'"),
    (("rw", "ro"), "'rw' or 'ro'"),
    (("z", "Z", "O"), "'z', 'Z', or 'O'"),
    (("U",), "'U'"),
    (PROPAGATION, "'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'"),
    (("bind", "rbind"), "'[r]bind'"),
    (("copy", "nocopy"), "'copy' or 'nocopy'"),
)
_FREE = ("cached", "delegated", "nocreate", "no-dereference")
_TYPES = ("bind", "volume", "tmpfs", "ramfs", "devpts", "image", "glob", "artifact")


def parse_volume(spec: str) -> MountRequest:
    """``-v [SRC|NAME:]DST[:OPTIONS]``. Raises OptionError as podman refuses."""
    parts = spec.split(":")
    if len(parts) > 3:
        raise OptionError(spec, f"{spec}: incorrect volume format, should be [host-dir:]ctr-dir[:option]")
    words = _volume_words(spec, parts[2].split(",")) if len(parts) == 3 else []
    source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
    if len(parts) > 1 and not source:
        raise OptionError(spec, "host directory cannot be empty")
    return _request("bind" if source.startswith(("/", ".")) else "volume", spec, source, target, words)


def _volume_words(spec: str, words: list[str]) -> list[str]:
    for word in words:
        if word.startswith("idmap") or "upperdir" in word or "workdir" in word or word in _FREE:
            continue
        kind = next((kind for kind in _ONE_OF if word in kind[0]), None)
        if kind is None:
            raise OptionError(spec, f'invalid option type "{word}"')
        if sum(other in kind[0] for other in words) > 1:
            raise OptionError(spec, f'invalid options "{", ".join(words)}", can only specify 1 {kind[1]} option')
    return words


def parse_mount(spec: str) -> MountRequest:
    """``--mount type=bind,src=SRC,dst=DST,bind-propagation=WORD``. Raises OptionError as podman refuses."""
    fields = [item.partition("=") for item in comma_separated(spec)]
    kind = next((value for key, _, value in fields if key == "type"), "volume")
    if kind not in _TYPES:
        raise OptionError(spec, f'invalid filesystem type "{kind}"')
    if kind not in ("bind", "volume"):
        target = next((value for key, _, value in fields if key in ("target", "dst", "dest", "destination")), "")
        return MountRequest("", clean(target), "", asked=False, kind="tmpfs" if kind == "tmpfs" else "other")
    source = target = ""
    words: list[str] = []
    for key, equals, value in fields:
        match key:
            case "type":
                continue
            case "source" | "src":
                source = _needed(spec, key, value)
            case "target" | "dst" | "dest" | "destination":
                target = _needed(spec, key, value)
            case "bind-propagation" | "bind-nonrecursive" if kind != "bind":
                raise OptionError(spec, f'"{key}" option not supported for "{kind}" mount types')
            case "bind-propagation":
                if _needed(spec, key, value) not in PROPAGATION:
                    raise OptionError(spec, f'invalid value "{value}"')
                words.append(value)
            case "bind-nonrecursive":
                words.append("bind")
            case "readonly" | "ro" | "rw":
                read_only = (key != "rw") == (not equals or value.lower() == "true")
                words.append("ro" if read_only else "rw")
            case "relabel":
                if value not in ("private", "shared"):
                    raise OptionError(spec, f"{key} mount option must be 'private' or 'shared': invalid mount option")
                words.append("Z" if value == "private" else "z")
            case "consistency" | "idmap" | "U" | "chown" | "subpath" | "volume-subpath" | "volume-opt" | "nocreate":
                continue
            case _ if key in PROPAGATION or key in ("z", "Z", "no-dereference"):
                words.append(key)
            case "nodev" | "dev" | "noexec" | "exec" | "nosuid" | "suid":
                words.append(key)
            case _:
                raise OptionError(spec, f"{key}: invalid mount option")
    if not target:
        raise OptionError(spec, "must set volume destination: must provide an argument for option")
    if sum(word in PROPAGATION for word in words) > 1:
        raise OptionError(spec, "only one root propagation mode can be used: duplicate mount option passed")
    return _request(kind, spec, source or target, target, words)  # type: ignore[arg-type]


def _needed(spec: str, key: str, value: str) -> str:
    if not value:
        raise OptionError(spec, f"{key}: must provide an argument for option")
    return value


def parse_quadlet(key: str, value: str) -> MountRequest:
    """A line ``Volume=`` or ``Mount=`` of a ``.container`` file (podman-systemd.unit(5)). Raises OptionError.

    A source that ends in ``.volume`` is another unit's volume; systemd's ``%`` specifiers are left as they are.
    """
    if key == "Volume":
        return parse_volume(value)
    if key == "Mount":
        return parse_mount(value)
    raise OptionError(f"{key}={value}", f"{key}= mounts nothing into a container; Volume= and Mount= do")


def _request(kind: Literal["bind", "volume"], spec: str, source: str, target: str, words: list[str]) -> MountRequest:
    if not target:
        raise OptionError(spec, "container directory cannot be empty")
    if not target.startswith("/"):
        raise OptionError(spec, f'invalid container path "{target}", must be an absolute path')
    recursive = "bind" not in words
    asked = next((word for word in words if word in PROPAGATION), None)
    taken = (*PROPAGATION, "ro", "rw", "bind", "rbind")
    return MountRequest(
        source=clean(source) if source.startswith("/") else source,
        target=clean(target),
        propagation=asked or ("rprivate" if recursive else "private"),
        asked=asked is not None,
        kind=kind,
        read_only="ro" in words,
        recursive=recursive,
        further=tuple(word for word in words if word not in taken),
    )
