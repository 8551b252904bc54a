"""A file's text to its findings: which kind it is, what it declares, which mistakes are in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import DocumentError
from netmend.ground.located_yaml import parse_foreign
from netmend.lint import compose, docker_inspect, kolla, kubernetes, quadlet
from netmend.lint.declared import DeclaredContainer, LintFinding, Unreadable
from netmend.lint.rules import RULES


def lint(file: str, text: str) -> list[LintFinding]:
    """The mistakes in one file, in the order of its lines. Raises Unreadable where it is of no known kind."""
    found = []
    for container in declared(file, text):
        for rule in RULES:
            for mistake in rule(container):
                found.append(
                    LintFinding(
                        check=mistake.check,
                        severity=mistake.severity,
                        file=file,
                        line=mistake.line,
                        container=container.name,
                        summary=mistake.summary,
                        cause=mistake.cause,
                        mend=mistake.mend,
                        evidence=(f"{file}:{mistake.line}: {mistake.written}",),
                    )
                )
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.line, finding.check))


def declared(file: str, text: str) -> list[DeclaredContainer]:
    """What the file declares, whatever kind of file it is. Raises Unreadable."""
    if quadlet.is_quadlet(file, text):
        return [quadlet.read(file, text)]
    found: list[DeclaredContainer] = []
    known = False
    try:
        documents = parse_foreign(text)
    except DocumentError as error:
        raise Unreadable(error.faults[0].line, error.faults[0].why) from error
    for document in documents:
        containers = _of_document(document.root)
        if containers is not None:
            known = True
            found += containers
    if not known:
        raise Unreadable(
            0,
            "not a compose file, Quadlet, Kubernetes manifest, output of docker inspect, or container definition of "
            "Kolla-Ansible",
        )
    return found


def _of_document(document: Any) -> Iterator[DeclaredContainer] | None:
    if docker_inspect.is_inspect(document):
        return docker_inspect.read(document)
    if kubernetes.is_manifest(document):
        return kubernetes.read(document)
    if compose.is_compose(document):
        return compose.read(document)
    if kolla.is_definition(document):
        return kolla.read(document)
    return None
