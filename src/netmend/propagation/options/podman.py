"""Podman: ``-v``, ``--mount`` and Quadlet's ``Volume=`` and ``Mount=``; what it refuses, and in which words.

Rules and words: podman, pkg/specgen/volumes.go, pkg/specgenutil/volumes.go and pkg/util/mount_opts.go. Podman does not
look at the host's propagation: where Docker refuses to start, Podman starts, and nothing travels.
"""

from __future__ import annotations

import csv
from typing import Literal

from netmend.propagation.options.request import MountRequest, OptionError, clean

PROPAGATION = ("shared", "rshared", "private", "rprivate", "slave", "rslave", "unbindable", "runbindable")
DEFAULT = "rprivate"
_PAIRS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"rw", "ro"}), "may only specify one of 'rw' and 'ro'"),
    (frozenset({"z", "Z"}), "only one of 'z' and 'Z' can be used"),
    (frozenset({"exec", "noexec"}), "only one of 'noexec' and 'exec' can be used"),
    (frozenset({"dev", "nodev"}), "only one of 'nodev' and 'dev' can be used"),
    (frozenset({"suid", "nosuid"}), "only one of 'nosuid' and 'suid' can be used"),
    (frozenset({"bind", "rbind"}), "only one of 'rbind' and 'bind' can be used"),
)
_ALONE = frozenset(
    {"U", "O", "copy", "nocopy", "idmap", "consistent", "cached", "delegated", "notmpcopyup", "tmpcopyup"}
)


def parse_volume(spec: str) -> MountRequest:
    """``-v [SRC|NAME:]DST[:OPTIONS]``. Raises OptionError as podman does."""
    parts = spec.split(":")
    if len(parts) > 3:
        raise OptionError(spec, f"incorrect volume format, should be [host-dir:]ctr-dir[:option]: {spec}")
    source = parts[0] if len(parts) > 1 else ""
    target = parts[1] if len(parts) > 1 else parts[0]
    if len(parts) > 1 and not source:
        raise OptionError(spec, "host directory cannot be empty")
    words = parts[2].split(",") if len(parts) == 3 else []
    _check_words(spec, words)
    _check_target(spec, target)
    kind: Literal["bind", "volume"] = "bind" if source.startswith(("/", ".")) else "volume"
    return _request(kind, source, target, words)


def parse_mount(spec: str) -> MountRequest:
    """``--mount type=bind,src=SRC,dst=DST,bind-propagation=WORD``. Raises OptionError as podman does."""
    kind, source, target = "volume", "", ""
    words: list[str] = []
    for item in next(csv.reader([spec]), []):
        key, equals, value = item.partition("=")
        match key:
            case "type":
                kind = value
            case "source" | "src":
                source = value
            case "target" | "dst" | "destination" | "dest":
                target = value
            case "bind-propagation":
                words.append(value)
            case "ro" | "readonly" if not equals or value == "true":
                words.append("ro")
            case "ro" | "readonly" | "rw":
                words.append("rw" if key == "rw" or value == "false" else "ro")
            case "bind-nonrecursive":
                words.append("bind")
            case "relabel":
                words.append({"shared": "z", "private": "Z"}.get(value, value))
            case "U" | "chown" | "idmap" | "consistency":
                continue
            case _ if not equals and _is_word(key):
                words.append(key)
            case _:
                raise OptionError(spec, f"{key}: invalid mount option")
    if kind not in ("bind", "volume", "tmpfs", "image", "glob", "devpts", "ramfs", "artifact"):
        raise OptionError(spec, f'invalid filesystem type "{kind}"')
    if not target:
        raise OptionError(spec, "must set volume destination")
    if kind == "bind" and not source:
        raise OptionError(spec, "must set source directory for bind mount")
    _check_words(spec, words)
    _check_target(spec, target)
    if kind not in ("bind", "volume"):
        return MountRequest(source, clean(target), "", asked=False, kind="tmpfs" if kind == "tmpfs" else "other")
    return _request("bind" if kind == "bind" else "volume", source, target, words)


def parse_quadlet(key: str, value: str) -> MountRequest:
    """A line ``Volume=`` or ``Mount=`` of a ``.container`` file (podman-systemd.unit(5)). Raises OptionError.

    A source that ends in ``.volume`` is another unit's volume; systemd's ``%`` specifiers are left as they are.
    """
    if key == "Volume":
        return parse_volume(value)
    if key == "Mount":
        return parse_mount(value)
    raise OptionError(f"{key}={value}", f"{key}= does not mount anything")


def _is_word(word: str) -> bool:
    return (
        word in PROPAGATION or word in _ALONE or any(word in pair for pair, _ in _PAIRS) or word.startswith("upperdir=")
    )


def _check_words(spec: str, words: list[str]) -> None:
    seen: set[str] = set()
    propagation = 0
    for word in words:
        if word in PROPAGATION:
            propagation += 1
            if propagation > 1:
                raise OptionError(spec, f"invalid option {word!r}: only one propagation mode can be used")
            continue
        if not _is_word(word) and not word.startswith(("idmap=", "upperdir=", "workdir=", "size=", "mode=")):
            raise OptionError(spec, f'invalid option "{word}": invalid mount option')
        for pair, words_of_refusal in _PAIRS:
            if word in pair and seen & pair:
                raise OptionError(spec, f'invalid option "{word}": {words_of_refusal}')
        seen.add(word)


def _check_target(spec: str, target: str) -> None:
    if not target:
        raise OptionError(spec, "container directory cannot be empty")
    if not target.startswith("/"):
        raise OptionError(spec, f'invalid container path "{target}", must be an absolute path')


def _request(kind: Literal["bind", "volume"], source: str, target: str, words: list[str]) -> MountRequest:
    asked = next((word for word in words if word in PROPAGATION), None)
    return MountRequest(
        source=clean(source) if source.startswith("/") else source,
        target=clean(target),
        propagation=asked or DEFAULT,
        asked=asked is not None,
        kind=kind,
        read_only="ro" in words,
        recursive="bind" not in words,
        further=tuple(word for word in words if word not in PROPAGATION and word not in ("ro", "rw", "bind", "rbind")),
    )
