"""unshare(1): `--mount` and `--propagation`, whose default makes every mount of the new namespace private."""

from __future__ import annotations

import shlex

from netmend.propagation.flags import MountFlag, Propagation
from netmend.propagation.options.calls import MountCall
from netmend.propagation.options.request import OptionError

WORDS = ("private", "shared", "slave", "unchanged")


def parse(command: str) -> tuple[str, list[MountCall]]:
    """The propagation that the command asks for, and its call. Raises OptionError."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise OptionError(command, "unbalanced quoting") from None
    word = "private"
    for number, given in enumerate(words):
        flag, equals, value = given.partition("=")
        if flag == "--propagation":
            word = value if equals else words[number + 1] if number + 1 < len(words) else ""
    if word not in WORDS:
        raise OptionError(command, f"unshare: unsupported propagation mode: {word}")
    if word == "unchanged":
        return word, []
    flags = Propagation[word.upper()].value | MountFlag.MS_REC
    return word, [MountCall(None, "/", flags, "every mount of the new namespace, after unshare(CLONE_NEWNS)")]
