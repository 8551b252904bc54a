"""A file's text to its findings: which format it is, what it declares, which mistakes are in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Final

from netmend.ground.document import DocumentError
from netmend.ground.located_yaml import parse_foreign
from netmend.lint.declared import DeclaredContainer, LintFinding, Unevaluated, Unreadable
from netmend.lint.formats import (
    ansible,
    command_line,
    compose,
    crictl_inspect,
    docker_inspect,
    docker_service,
    edpm,
    ignition,
    incus,
    kolla,
    kubernetes,
    lxc,
    nomad,
    oci,
    quadlet,
)
from netmend.lint.rules import RULES

FORMATS: Final = (
    "a compose file, Quadlet, Kubernetes manifest, tasks of Ansible, definitions of Kolla-Ansible, EDPM or TripleO, "
    "Nomad job, configuration of LXC, Incus or an OCI runtime, MachineConfig or Ignition, script or unit with docker "
    "run or podman run, or output of docker, podman or crictl inspect"
)
_TEMPLATE: Final = re.compile(
    r"\{\{-|-\}\}|\{\{\s*(?:\.|\$|include|template|tuple|toYaml|range|if|end|with)|\{%|<%[-=#]?\s"
)
_HOW_TO_RENDER: Final = (
    "a Helm (or Jinja, or ERB) template: render it first: helm template CHART | netmend lint -  (of a release: "
    "helm get manifest RELEASE; of an overlay: kustomize build DIR)"
)
_ENGINE_FILE: Final = re.compile(r"\.(?:container|pod|kube|service|sh)\Z")
_DEEPEST_MERGE: Final = 4
_JSON_LINE: Final = re.compile(r"\A\s*\{.*\}\s*\Z")

_Reader = Callable[[Any], Iterator[DeclaredContainer]]
_DOCUMENTS: Final[tuple[tuple[Callable[[Any], bool], _Reader], ...]] = (
    (docker_service.is_service, docker_service.read),
    (docker_inspect.is_inspect, docker_inspect.read),
    (docker_inspect.is_part, docker_inspect.read_part),
    (crictl_inspect.is_crictl, crictl_inspect.read),
    (oci.is_config, oci.read),
    (kubernetes.is_manifest, kubernetes.read),
    (compose.is_compose, compose.read),
    (nomad.is_job_document, nomad.read_document),
    (incus.is_instance, incus.read),
    (ansible.is_tasks, ansible.read),
    (kolla.is_definition, kolla.read),
    (edpm.is_definition, edpm.read),
)
"""What recognises a document, and what reads it; the first that does is taken."""


def lint(file: str, text: str) -> list[LintFinding]:
    """The mistakes in one file, in the order of its lines. Raises Unreadable where it is of no known kind."""
    return mistakes(file, declared(file, text))


def mistakes(file: str, containers: Iterable[DeclaredContainer]) -> list[LintFinding]:
    """The mistakes in these containers of a file, in the order of its lines."""
    found = [
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
        for container in containers
        for rule in RULES
        for mistake in rule(container)
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.line, finding.check))


def declared(file: str, text: str) -> list[DeclaredContainer]:
    """What the file declares, whatever format it has. Raises Unreadable."""
    if quadlet.is_quadlet(file, text):
        return list(quadlet.read(file, text))
    if nomad.is_job(text):
        return list(nomad.read(text))
    if lxc.is_configuration(text):
        return list(lxc.read(file, text))
    if file.endswith((".service", ".sh")) or text.startswith("#!") or text.lstrip().startswith("[Unit]"):
        return list(command_line.read(text))
    found: list[DeclaredContainer] = []
    known = False
    for document in _documents(text):
        containers = _of_document(document, text)
        if containers is not None:
            known = True
            found += (
                replace(one, name=PurePath(file).name.partition(".")[0]) if one.kind == "edpm" and not one.name else one
                for one in containers
            )
    if not known:
        if command_line.is_script(text):
            return list(command_line.read(text))
        raise Unreadable(0, f"not {FORMATS}", kind="unknown")
    return found


def _documents(text: str) -> list[Any]:
    """The documents of a text of YAML or JSON, or of objects of JSON, one a line. Raises Unreadable."""
    try:
        return [document.root for document in parse_foreign(text)]
    except DocumentError as error:
        lines = text.split("\n")
        objects = [(number, line) for number, line in enumerate(lines) if line.strip()]
        if len(objects) > 1 and all(_JSON_LINE.match(line) for _, line in objects):
            return [found for number, line in objects for found in _documents("\n" * number + line)]
        if command_line.is_script(text) and not _TEMPLATE.search(text):
            return []
        if _TEMPLATE.search(text):
            raise Unreadable(error.faults[0].line, _HOW_TO_RENDER, kind="template") from error
        raise Unreadable(error.faults[0].line, error.faults[0].why) from error


def _of_document(document: Any, text: str) -> list[DeclaredContainer] | None:
    if ignition.is_ignition(document):
        return _of_embedded(document, text.split("\n"))
    if kubernetes.is_list(document) and any(map(ignition.is_ignition, document["items"])):
        return [found for item in document["items"] for found in _of_document(item, text) or ()]
    for recognises, read in _DOCUMENTS:
        if recognises(document):
            return list(read(document))
    return None


def _of_embedded(document: Any, lines: list[str], depth: int = 0) -> list[DeclaredContainer]:
    """What the units and files declare that a machine's configuration writes."""
    found: list[DeclaredContainer] = []
    for inner in ignition.embedded(document):
        if inner.text is None:
            if not inner.name or _ENGINE_FILE.search(inner.name):
                unknown = Unevaluated(inner.line, f"{inner.name or 'a configuration'} {inner.why}")
                found.append(DeclaredContainer("unread", inner.name, inner.line, unevaluated=(unknown,)))
            continue
        begins = _block_begins(lines, inner)
        if not inner.name:
            containers = _of_configurations(inner.text, depth)
        elif quadlet.is_quadlet(inner.name, inner.text):
            containers = list(quadlet.read(inner.name, "\n" * ((begins or 1) - 1) + inner.text))
        else:
            containers = list(command_line.read(inner.text, begins or 1))
        found += containers if begins else [container.at(inner.line) for container in containers]
    return found


def _of_configurations(text: str, depth: int) -> list[DeclaredContainer]:
    """What a configuration declares that another one merges."""
    if depth >= _DEEPEST_MERGE:
        return []
    try:
        documents = _documents(text)
    except Unreadable:
        return []
    known = [one for one in documents if ignition.is_ignition(one)]
    return [found for one in known for found in _of_embedded(one, [], depth + 1)]


def _block_begins(lines: list[str], inner: ignition.Embedded) -> int:
    """The line of the first line of a text that stands as it is below its key (a block scalar); 0 for another."""
    first = (inner.text or "").partition("\n")[0].strip()
    below = lines[inner.line].strip() if inner.line < len(lines) else ""
    return inner.line + 1 if first and first == below else 0
