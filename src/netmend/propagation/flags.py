"""Propagation types and the flags of mount(2) that set them (linux/mount.h, mount(2), mount_namespaces(7))."""

from __future__ import annotations

from enum import Enum, IntFlag


class MountFlag(IntFlag):
    """MS_* of mount(2), under the kernel's names, as far as mounting into containers uses them."""

    MS_RDONLY = 1
    MS_NOSUID = 2
    MS_NODEV = 4
    MS_NOEXEC = 8
    MS_REMOUNT = 32
    MS_NOSYMFOLLOW = 256
    MS_NOATIME = 1024
    MS_NODIRATIME = 2048
    MS_BIND = 4096
    MS_MOVE = 8192
    MS_REC = 16384
    MS_UNBINDABLE = 1 << 17
    MS_PRIVATE = 1 << 18
    MS_SLAVE = 1 << 19
    MS_SHARED = 1 << 20
    MS_RELATIME = 1 << 21
    MS_STRICTATIME = 1 << 24

    @property
    def spelled(self) -> str:
        """``MS_BIND|MS_REC``; ``0`` for none."""
        names = [flag.name or "" for flag in MountFlag if flag in self and flag is not MountFlag.MS_REC]
        return "|".join([*names, *(["MS_REC"] if MountFlag.MS_REC in self else [])]) or "0"


class Propagation(Enum):
    """What becomes of mounts made on a mount; the value is the flag."""

    PRIVATE = MountFlag.MS_PRIVATE
    SHARED = MountFlag.MS_SHARED
    SLAVE = MountFlag.MS_SLAVE
    UNBINDABLE = MountFlag.MS_UNBINDABLE

    @property
    def word(self) -> str:
        return self.name.lower()


#: Every word an engine may use: with a leading ``r``, mounts below are changed too.
WORDS: dict[str, tuple[Propagation, bool]] = {
    prefix + propagation.word: (propagation, bool(prefix)) for propagation in Propagation for prefix in ("", "r")
}


def flag_of(word: str) -> MountFlag:
    """``rshared`` → MS_SHARED|MS_REC. Raises KeyError for another word."""
    propagation, recursive = WORDS[word]
    return propagation.value | (MountFlag.MS_REC if recursive else MountFlag(0))
