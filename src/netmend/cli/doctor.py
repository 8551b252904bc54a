"""`netmend doctor`: what is wrong with this host's namespaces and mounts, why, and what mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import click

from netmend.cli.command import Option
from netmend.cli.messages import refuse, say, say_json, shown
from netmend.cli.options import Json
from netmend.doctor import report, snapshot
from netmend.doctor.diagnose import diagnose, diagnose_steadily
from netmend.doctor.fix import fix as make_safe_mends
from netmend.doctor.look import CannotLook, look
from netmend.doctor.observation import Observation
from netmend.doctor.page import page
from netmend.doctor.pasted import BadCopy, observe_copies
from netmend.ground.finding import Finding, Severity


def doctor(
    *,
    as_json: Json = False,
    record: Annotated[
        Path | None, Option("--snapshot", metavar="FILE", help="Record all that was looked at in one file.")
    ] = None,
    recorded: Annotated[
        Path | None, Option("--from", metavar="FILE", help="Diagnose a snapshot instead of this host.")
    ] = None,
    mountinfo: Annotated[
        list[str] | None,
        Option("--mountinfo", metavar="LABEL=FILE", help="Diagnose copies of /proc/PID/mountinfo; repeat it."),
    ] = None,
    fix: Annotated[bool, Option("--fix", help="Make the mends that cannot destroy anything in use.")] = False,
    yes: Annotated[bool, Option("--yes", help="With --fix: do not ask.")] = False,
    html: Annotated[Path | None, Option("--html", metavar="FILE", help="Write the drawing, as one page.")] = None,
) -> None:
    """Name the mount flag that is wrong on this host, and its container.

    It looks at every mount namespace, every namespace directory, every network namespace and all links.

    Exit codes: 0 nothing is wrong, 1 there are findings, 2 nothing could be looked at, or bad input.
    """
    if fix and (recorded or mountinfo):
        refuse("--fix mends this host; it does not go with --from or --mountinfo")
    if recorded and mountinfo:
        refuse("give either --from or --mountinfo")
    observation, findings = _observe(recorded, mountinfo or [])
    if fix and make_safe_mends(findings, lambda text: yes or click.confirm(shown(text), err=True), _say(as_json)):
        observation, findings = _observe(None, [])
    if record is not None:
        _write(record, snapshot.write(observation))
    if html is not None:
        _write(html, page(observation, findings))
    if as_json:
        say_json(report.to_json(observation, findings), indent=2)
    else:
        for text in report.to_text(observation, findings):
            say(text)
    if observation.parts and not findings:
        raise click.exceptions.Exit(2)
    raise click.exceptions.Exit(1 if any(finding.severity > Severity.NOTE for finding in findings) else 0)


def _observe(recorded: Path | None, mountinfo: list[str]) -> tuple[Observation, list[Finding]]:
    if recorded is not None:
        try:
            observation = snapshot.read(_read(recorded))
        except snapshot.BadSnapshot as error:
            refuse(f"{recorded}: {error}")
        return observation, diagnose(observation)
    if mountinfo:
        copies: dict[str, tuple[str, bytes]] = {}
        for given in mountinfo:
            label, _, file = given.partition("=")
            if not label or not file:
                refuse(f"--mountinfo {given}: expected LABEL=FILE, such as host=mountinfo.txt")
            if label in copies:
                refuse(f"--mountinfo {given}: the label {label} was given before")
            copies[label] = (file, _read(Path(file)))
        try:
            observation = observe_copies(copies)
        except BadCopy as error:
            refuse(str(error))
        return observation, diagnose(observation)
    try:
        return diagnose_steadily(look)
    except CannotLook as error:
        refuse(str(error))


def _say(quiet: bool) -> Callable[[str], None]:
    return lambda text: say(text, err=quiet)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        refuse(f"{path}: {error.strerror}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        refuse(f"{path}: {error.strerror}")
