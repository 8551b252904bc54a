"""``mount --make-WORD DIRECTORY`` and ``mount --bind``, ``--rbind``, ``--move`` (mount(8))."""

from __future__ import annotations

import shlex

from netmend.propagation.flags import WORDS, MountFlag, flag_of
from netmend.propagation.options.calls import MountCall
from netmend.propagation.options.request import OptionError

_OPERATIONS = {
    "--bind": MountFlag.MS_BIND,
    "-B": MountFlag.MS_BIND,
    "--rbind": MountFlag.MS_BIND | MountFlag.MS_REC,
    "-R": MountFlag.MS_BIND | MountFlag.MS_REC,
    "--move": MountFlag.MS_MOVE,
    "-M": MountFlag.MS_MOVE,
}


def parse(command: str) -> list[MountCall]:
    """The calls that a command line of mount(8) makes, as far as it is about propagation. Raises OptionError.

    ``mount --bind A B --make-shared`` makes two calls, since mount(2) takes no propagation flag with another.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        raise OptionError(command, "unbalanced quoting") from None
    if words and words[0] == "mount":
        words = words[1:]
    operation: MountFlag | None = None
    made: list[str] = []
    paths: list[str] = []
    for word in words:
        if word in _OPERATIONS:
            operation = _OPERATIONS[word]
        elif word.startswith("--make-"):
            if word.removeprefix("--make-") not in WORDS:
                raise OptionError(command, f"mount: unrecognized option '{word}'")
            made.append(word.removeprefix("--make-"))
        elif word.startswith("-"):
            raise OptionError(command, f"{word} has no part in propagation; --make-*, --bind, --rbind, --move do")
        else:
            paths.append(word)
    if operation is None and not made:
        raise OptionError(command, "no --make-*, --bind, --rbind or --move: nothing about propagation")
    if len(paths) != (1 if operation is None else 2):
        raise OptionError(command, "mount: bad usage")
    calls = []
    if operation is not None:
        calls.append(MountCall(paths[0], paths[1], operation, "the mount"))
    calls += [MountCall(None, paths[-1], flag_of(word), f"make it {word}") for word in made]
    return calls
