"""`netmend lint`: mistakes in the files that containers are started from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from netmend.cli.messages import complain
from netmend.cli.options import Json
from netmend.lint.declared import LintFinding, Unreadable
from netmend.lint.lint_file import lint as lint_text


def lint(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Compose files, Quadlets, Kubernetes manifests, docker inspect output, Kolla-Ansible's definitions; "
            "- for standard input.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Find wrong mount options in container files, before they run.

    It finds mistakes in how containers mount directories of namespaces.

    Exit codes: 0 there are no findings, 1 there are some, 2 a file cannot be read or is of no known kind.
    """
    findings: list[LintFinding] = []
    problems: list[dict[str, object]] = []
    for file in files:
        try:
            findings += lint_text(file, _read(file))
        except Unreadable as error:
            problems.append({"file": file, "line": error.line, "why": error.why})
    for problem in problems:
        where = f"{problem['file']}:{problem['line']}" if problem["line"] else problem["file"]
        complain(f"{where}: {problem['why']}")
    if as_json:
        json.dump({"findings": [finding.as_json() for finding in findings], "problems": problems}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        for finding in findings:
            typer.echo(
                f"{finding.file}:{finding.line}: {finding.severity.word}: {finding.container}: {finding.summary}"
            )
            typer.echo(f"  {finding.cause}\n  {finding.mend}  [{finding.check}]")
    raise typer.Exit(2 if problems else 1 if findings else 0)


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except OSError as error:
        raise Unreadable(0, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise Unreadable(0, f"not text: {error.reason} at byte {error.start}") from error
