"""`netmend lint`: mistakes in the files that containers are started from."""

from __future__ import annotations

from typing import Annotated

import click

from netmend.cli.command import Argument
from netmend.cli.messages import complain, say, say_json
from netmend.cli.options import Json
from netmend.ground.finding import Severity
from netmend.ground.printable import printable_line
from netmend.lint.files import Report, lint_all


def lint(
    files: Annotated[
        list[str],
        Argument(
            metavar="FILE...",
            help="Files, directories of them, or - for standard input: compose, Quadlet, Kubernetes, docker, podman "
            "and crictl inspect, Ansible, Kolla-Ansible, Nomad, LXC, Incus, OCI, MachineConfig, scripts and units with "
            "docker run. Helm charts are to be rendered first: helm template CHART | netmend lint -",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Find wrong mount options in container files, before they run.

    It finds mistakes in how containers mount directories of namespaces.

    Exit codes: 0 there are no findings but notes, 1 there are some, 2 a file that is named cannot be read or is of no
    known kind.
    """
    report = lint_all(files)
    for problem in report.problems:
        where = f"{problem['file']}:{problem['line']}" if problem["line"] else problem["file"]
        complain(printable_line(f"{where}: {problem['why']}"))
    findings = report.findings
    if as_json:
        document = {
            "findings": [finding.as_json() for finding in findings],
            "problems": report.problems,
            "looked_at": report.looked_at(),
        }
        say_json(document, indent=2)
    else:
        for finding in findings:
            where = f"{finding.file}:{finding.line}: {finding.severity.word}: {finding.container}"
            say(printable_line(f"{where}: {finding.summary}"))
            say(f"  {finding.cause}\n  {finding.mend}  [{finding.check}]")
        for unknown in report.unevaluated:
            say(printable_line(f"{unknown}: not evaluated: its value is not in the file"))
        if report.files or not report.problems:
            say(printable_line(_summary(report)))
    mistaken = any(finding.severity > Severity.NOTE for finding in findings)
    raise click.exceptions.Exit(2 if report.problems else 1 if mistaken else 0)


def _summary(report: Report) -> str:
    """One line: how much was looked at, and what was not."""
    passed: list[str] = []
    if report.templates:
        shown = ", ".join(report.templates[:3]) + (" ..." if len(report.templates) > 3 else "")
        passed.append(
            f"{_count(len(report.templates), 'template')} not read ({shown}): render first, "
            "helm template CHART | netmend lint -"
        )
    if report.broken:
        shown = ", ".join(report.broken[:3]) + (" ..." if len(report.broken) > 3 else "")
        passed.append(f"{_count(len(report.broken), 'file')} not of YAML or JSON ({shown})")
    if report.others:
        passed.append(f"{_count(report.others, 'file')} of other kinds")
    looked = f"{_count(report.containers, 'container')} looked at in {_count(report.files, 'file')}"
    return "; ".join([looked, *passed])


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
