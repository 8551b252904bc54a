"""Mends that cannot destroy anything in use: shown first, asked for, made; the caller looks again.

Two kinds: a name that is a plain file for everybody is removed, and a living namespace is given its name on the host
back. Neither touches a name that leads to a namespace anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netmend.doctor.report import describe
from netmend.ground.finding import Finding, PinName, RemoveName
from netmend.kernel import repair
from netmend.kernel.errors import KernelError


def fix(findings: Sequence[Finding], ask: Callable[[str], bool], say: Callable[[str], None]) -> bool:
    """Make the safe mends of these findings; whether anything was changed, so that the caller must look again."""
    actions = list({action.path: action for finding in findings for action in finding.safe}.values())
    if not actions:
        if findings:
            say("nothing can be mended without touching what is in use")
        return False
    for action in actions:
        say(describe(action))
    if not ask(f"make these {len(actions)} mends?" if len(actions) > 1 else "make this mend?"):
        return False
    changed = False
    for action in actions:
        try:
            _make(action)
            changed = True
            say(f"done: {describe(action)}")
        except KernelError as error:
            say(f"not done: {describe(action)}: {error}")
    return changed


def _make(action: RemoveName | PinName) -> None:
    if isinstance(action, RemoveName):
        repair.remove_plain_file(action.path, action.inode)
    else:
        repair.pin_again(action.through, action.inode, action.path)
