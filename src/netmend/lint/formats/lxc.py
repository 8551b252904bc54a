"""LXC's `lxc.mount.entry` (lxc.container.conf(5)): a line of fstab, mounted in a copy of the host's mounts made slave.

So a bind receives what the host mounts later, unless its options say private; what is mounted already comes along only
with rbind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from netmend.lint.declared import DeclaredContainer, Mounts
from netmend.propagation.flags import WORDS
from netmend.propagation.options.request import MountRequest, OptionError

_SETTING: Final = re.compile(
    r"(?m)^\s*lxc\.(?:mount\.entry|rootfs\.path|uts\.name|net\.[0-9]+\.type|rootfs|utsname)\s*[:=]"
)
_UNESCAPE: Final = re.compile(r"\\([0-7]{3})")


def is_configuration(text: str) -> bool:
    return _SETTING.search(text) is not None


def read(name: str, text: str) -> Iterator[DeclaredContainer]:
    mounts = Mounts()
    called, mapped = name.rpartition("/")[2].removesuffix(".conf"), False
    for number, raw in enumerate(text.split("\n"), 1):
        key, equals, value = re.sub(r"\A(\s*lxc\.[\w.]+)\s*:", r"\1=", raw).partition("=")
        if not equals or raw.lstrip().startswith("#"):
            continue
        key, value = key.strip(), value.strip()
        if key in ("lxc.uts.name", "lxc.utsname"):
            called = value
        elif key in ("lxc.idmap", "lxc.id_map"):
            mapped = True
        elif key == "lxc.mount.entry":
            mounts.add(number, value, lambda value=value: _parse(value))  # type: ignore[misc]
    yield mounts.container("lxc", called, 1, privileged=not mapped)


def _parse(entry: str) -> MountRequest:
    fields = [_UNESCAPE.sub(lambda found: chr(int(found[1], 8)), field) for field in entry.split()]
    if len(fields) < 4:
        raise OptionError(entry, "lxc.mount.entry has fewer than four fields (fstab(5))")
    source, target, kind, words = fields[0], fields[1], fields[2], fields[3].split(",")
    bind = "bind" in words or "rbind" in words
    asked = next((word for word in words if word in WORDS), None)
    return MountRequest(
        source,
        "/" + target.lstrip("/"),
        asked or "rslave",
        asked=asked is not None,
        kind="bind" if bind and kind in ("none", "bind") else "other",
        read_only="ro" in words,
        recursive="rbind" in words,
    )
