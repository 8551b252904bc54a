"""Docker: ``-v``, ``--mount`` and compose's volumes; what the daemon refuses, and in which words.

Rules and words: moby, volume/mounts/linux_parser.go and daemon/oci_linux.go; docker/cli, opts/mount.go; the compose
specification for its long form. ``[r]unbindable`` is a word of neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from netmend.propagation.mountinfo import Mount
from netmend.propagation.options.request import MountRequest, OptionError, comma_separated
from netmend.propagation.paths import clean, is_under

PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
DEFAULT = "rprivate"
_MODE_KINDS: tuple[frozenset[str], ...] = (
    frozenset(PROPAGATION),
    frozenset({"rw", "ro"}),
    frozenset({"z", "Z"}),
    frozenset({"nocopy"}),
    frozenset({"consistent", "cached", "delegated", "default"}),
)


def parse_volume(spec: str) -> MountRequest:
    """``-v SRC:DST[:MODE]`` or ``NAME:DST[:MODE]`` or ``DST``. Raises OptionError as the daemon refuses."""
    parts = spec.split(":", 3)
    invalid = f"invalid volume specification: '{spec}'"
    if not parts[0] or len(parts) > 3 or (len(parts) == 2 and _is_mode(parts[1])):
        raise OptionError(spec, invalid)
    source, target, mode = {1: ("", parts[0], ""), 2: (*parts, ""), 3: tuple(parts)}[len(parts)]
    if not _is_mode(mode):
        raise OptionError(spec, f"invalid mode: {mode}")
    words = mode.split(",") if mode else []
    _check_target(
        target, spec, f'{invalid}: invalid mount config for type "{"bind" if source[:1] == "/" else "volume"}"'
    )
    return _request("bind" if source.startswith("/") else "volume", source, target, words, create_source=True)


def _is_mode(mode: str) -> bool:
    if not mode:
        return True
    seen: set[frozenset[str]] = set()
    for word in mode.split(","):
        kind = next((kind for kind in _MODE_KINDS if word in kind), None)
        if kind is None or kind in seen:
            return False
        seen.add(kind)
    return True


def _check_target(target: str, option: str, prefix: str) -> None:
    if not target:
        raise OptionError(option, f"{prefix}: field Target must not be empty")
    if clean(target) == "/" and target.startswith("/"):
        raise OptionError(option, f"{prefix}: invalid specification: destination can't be '/'")
    if not target.startswith("/"):
        raise OptionError(option, f"{prefix}: invalid mount path: '{target}' mount path must be absolute")


def _request(
    kind: Literal["bind", "volume"], source: str, target: str, words: list[str], *, create_source: bool
) -> MountRequest:
    asked = next((word for word in words if word in PROPAGATION), None)
    return MountRequest(
        source=clean(source) if kind == "bind" else source,
        target=clean(target),
        # The local driver's volumes get no propagation flag unless one is named; nor do they lie below a namespace.
        propagation=asked or (DEFAULT if kind == "bind" else ""),
        asked=asked is not None,
        kind=kind,
        read_only="ro" in words,
        create_source=create_source,
        further=tuple(word for word in words if word not in PROPAGATION and word not in ("ro", "rw")),
    )


def parse_mount(spec: str) -> MountRequest:
    """``--mount type=bind,source=SRC,target=DST,bind-propagation=WORD``. Raises OptionError.

    Wrong keys are refused by the client, wrong values by client or daemon; the words are theirs.
    """
    return _parse_fields(spec, comma_separated(spec))


def _parse_fields(spec: str, fields: Iterable[str]) -> MountRequest:
    kind, source, target = "volume", "", ""
    propagation: str | None = None
    read_only = False
    recursive = True
    further: list[str] = []
    for item in fields:
        key, equals, value = item.partition("=")
        key = key.lower()
        if not equals:
            if key in ("readonly", "ro"):
                read_only = True
                continue
            if key in ("volume-nocopy", "bind-nonrecursive"):
                recursive = recursive and key != "bind-nonrecursive"
                continue
            raise OptionError(spec, f"invalid field '{item}' must be a key=value pair")
        match key:
            case "type":
                kind = value.lower()
            case "source" | "src":
                source = value
            case "target" | "dst" | "destination":
                target = value
            case "readonly" | "ro":
                read_only = _boolean(spec, key, value)
            case "bind-nonrecursive":
                recursive = not _boolean(spec, key, value)
            case "bind-recursive":
                if value not in ("enabled", "disabled", "writable", "readonly"):
                    raise OptionError(
                        spec,
                        f'invalid value for {key}: {value} (must be "enabled", "disabled", "writable", or "readonly")',
                    )
                recursive = value != "disabled"
            case "bind-propagation":
                propagation = value.lower()
            case "consistency":
                further.append(item)
            case _ if key.startswith(("volume-", "tmpfs-", "image-")):
                further.append(item)
            case _:
                raise OptionError(spec, f"unknown option '{key}' in '{item}'")
    if kind not in ("bind", "volume", "tmpfs", "npipe", "cluster", "image"):
        raise OptionError(spec, f'invalid mount config for type "{kind}": mount type unknown')
    if propagation is not None and kind != "bind":
        raise OptionError(spec, f"cannot mix 'bind-*' options with mount type '{kind}'")
    prefix = f'invalid mount config for type "{kind}"'
    _check_target(target, spec, prefix)
    if kind == "bind":
        if not source:
            raise OptionError(spec, f"{prefix}: field Source must not be empty")
        if propagation and propagation not in PROPAGATION:
            raise OptionError(spec, f"{prefix}: invalid propagation mode: {propagation}")
        if not source.startswith("/"):
            raise OptionError(spec, f"{prefix}: invalid mount path: '{source}' mount path must be absolute")
    return MountRequest(
        source=clean(source) if kind == "bind" else source,
        target=clean(target),
        propagation=propagation or (DEFAULT if kind == "bind" else ""),
        asked=bool(propagation),
        kind="bind" if kind == "bind" else "volume" if kind == "volume" else "tmpfs" if kind == "tmpfs" else "other",
        read_only=read_only,
        recursive=recursive,
        further=tuple(further),
    )


def _boolean(option: str, key: str, value: str) -> bool:
    if value.lower() in ("1", "t", "true"):
        return True
    if value.lower() in ("0", "f", "false"):
        return False
    raise OptionError(option, f"invalid value for {key}: {value}")


def parse_compose(volume: str | Mapping[str, object]) -> MountRequest:
    """An entry of a service's ``volumes``: the short string, or the long mapping. Raises OptionError.

    A relative source of the short form is one below the compose file's directory, and is left as it is.
    """
    if isinstance(volume, str):
        source = volume.split(":", 1)[0]
        if ":" in volume and source.startswith((".", "~")):
            request = parse_volume("/" + volume)
            return MountRequest(
                source=source,
                target=request.target,
                propagation=request.propagation,
                asked=request.asked,
                read_only=request.read_only,
                create_source=True,
                further=request.further,
            )
        return parse_volume(volume)
    known = {"type", "source", "target", "read_only", "bind", "volume", "tmpfs", "consistency", "image"}
    shown = f"volume {dict(volume)!r}"
    for key in volume:
        if key not in known and not str(key).startswith("x-"):
            raise OptionError(shown, f"Additional property {key} is not allowed")
    kind = str(volume.get("type", ""))
    if not kind:
        raise OptionError(shown, "type is required")
    bind = volume.get("bind") or {}
    if not isinstance(bind, Mapping):
        raise OptionError(shown, "bind must be a mapping")
    options = [f"type={kind}", f"target={volume.get('target', '')}"]
    if volume.get("source"):
        options.append(f"source={volume['source']}")
    if volume.get("read_only"):
        options.append("readonly")
    if bind.get("propagation"):
        options.append(f"bind-propagation={bind['propagation']}")
    if bind.get("recursive"):
        options.append(f"bind-recursive={bind['recursive']}")
    return _parse_fields(shown, options)


def refusal(mounts: Iterable[Mount], source: str, propagation: str, resolved: str | None = None) -> str | None:
    """The daemon's words where it will not start a container with this option, or None.

    ``mounts``: the mountinfo of dockerd itself, in file order. ``resolved``: the source with symbolic links resolved.
    dockerd 20.10 to 28 looks for the longest mount point above the source and takes the *first* line of that one, not
    the topmost: where mounts are stacked its answer can be about a mount that nobody sees.
    """
    word = propagation.removeprefix("r")
    if word not in ("shared", "slave"):
        return None
    path = resolved or source
    best: Mount | None = None
    for mount in mounts:
        if is_under(path, mount.mount_point) and (best is None or len(mount.mount_point) > len(best.mount_point)):
            best = mount
    if best is None:
        return f"Can't find mount point of {source}"
    where = f"path {source} is mounted on {best.mount_point} but it is not a shared"
    if word == "shared":
        return None if best.shared is not None else f"{where} mount"
    return None if best.shared is not None or best.master is not None else f"{where} or slave mount"


def root_propagation(requests: Iterable[MountRequest]) -> str:
    """``linux.rootfsPropagation`` of the configuration that the daemon gives the runtime; empty for none."""
    words = [request.propagation.removeprefix("r") for request in requests if request.kind == "bind"]
    if "shared" in words:
        return "shared"
    return "rslave" if "slave" in words else ""
