"""The commands of a mend, performed on the copy of a host. Pure.

What only reads does nothing. A command that is not known raises NotUnderstood: nobody can say what it would do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from netmend.doctor.observation import HOST
from netmend.doctor.rehearsal import restarts
from netmend.doctor.rehearsal.replica import Performance, Replica, end, exists
from netmend.doctor.rehearsal.shell import Command, Loop, NotUnderstood, Sequence, Simple, expand, parse
from netmend.propagation.flags import WORDS
from netmend.propagation.model import iproute, kernel, lookup
from netmend.propagation.model.lookup import Task
from netmend.propagation.model.structures import Dentry
from netmend.propagation.model.system import ModelSystem
from netmend.propagation.options.docker import parse_volume
from netmend.propagation.options.request import OptionError

_MOST_ROUNDS = 10_000
_ONLY_READ = frozenset(
    {
        ":", "[", "awk", "cat", "curl", "echo", "findmnt", "grep", "ls", "netmend", "printf", "sleep", "sysctl", "test",
        "true", "umask", "crictl", "mkdir",
    }
)  # fmt: skip
_READING_VERBS = {
    "systemctl": {"show", "cat", "edit", "daemon-reload", "status"},
    "docker": {"inspect", "ps", "info", "logs"},
    "podman": {"inspect", "ps", "info", "logs"},
    "kubectl": {"get", "describe"},
}
_PID = "PID"
"""Stands for the number of a process where the look does not know it; the remark says whose."""
_WHOSE = re.compile(r"PID: a process of (.+?)(?:;|\Z)")
_PROC = re.compile(r"/proc/([0-9]+|PID|shell[0-9]+)/(root|ns/net|fd/([0-9]+))(/.*)?\Z")


@dataclass(frozen=True, slots=True)
class _Session:
    """Where a command is performed."""

    task: Task | None
    label: str
    variables: dict[str, str]


def perform(replica: Replica, script: str) -> Performance:
    """Play the script as root on the host. Raises NotUnderstood."""
    performance = Performance(replica)
    _run(performance, parse(script), _Session(replica.host, HOST, {}))
    return performance


def _run(performance: Performance, command: Command, session: _Session) -> bool:
    """Whether it succeeded."""
    if not isinstance(command, Sequence) and (told := _WHOSE.search(command.remark)):
        session = replace(session, variables={**session.variables, _PID: told[1]})
    if isinstance(command, Simple):
        return _simple(performance, command, session)
    if isinstance(command, Sequence):
        done = True
        for joint, part in command.parts:
            if (joint == "&&" and not done) or (joint == "||" and done):
                continue
            done = _run(performance, part, session)
        return done
    return _loop(performance, command, session)


def _loop(performance: Performance, loop: Loop, session: _Session) -> bool:
    if loop.condition is not None:
        refused = list(performance.refused)
        for _ in range(_MOST_ROUNDS):
            if not _run(performance, loop.condition, session):
                performance.refused[:] = refused  # that is how such a loop ends
                return True
            _run(performance, loop.body, session)
        return True
    words = [word for given in loop.words for word in expand(given, session.variables).split()]
    for word in words:
        inner = replace(session, variables={**session.variables, loop.variable: word})
        _run(performance, loop.body, inner)
    return True


def _simple(performance: Performance, command: Simple, session: _Session) -> bool:
    if not command.words:
        _remark(performance, command.remark)
        return True
    variables = {**session.variables, "!": performance.background}
    words = [expand(word, variables) for word in command.words]
    if words[0] in ("sudo", "exec", "command"):
        words = words[1:]
    if (assigned := re.fullmatch(r"([a-z]+)=(\S*)", words[0])) and len(words) == 1:
        session.variables[assigned[1]] = assigned[2]
        return True
    if words[:2] == ["read", "-r"]:  # the process that nsenter started, from the children of what runs behind
        session.variables[words[2]] = performance.background
        return True
    if words[0] == "kill" and len(words) == 2 and words[1] in performance.shells:
        kernel.end_namespace(performance.shells.pop(words[1]).namespace)
        return True
    if words[0] == "kill" and performance.replica.are_helpers(words[1:]):
        return True  # it keeps no mount that others have
    try:
        return _known(performance, words, command, session)
    except OSError as error:
        performance.refused.append(f"{' '.join(words)}: {error}")
        return False


def _known(performance: Performance, words: list[str], command: Simple, session: _Session) -> bool:
    name = words[0]
    if name in _ONLY_READ or (len(words) > 1 and words[1] in _READING_VERBS.get(name, ())):
        if name == "mkdir" and session.task is not None:
            for path in words[1:]:
                if path.startswith("/"):
                    kernel.make_directories(session.task, path)
        return True
    match name:
        case "umount" | "mount" | "touch" | "rm":
            if session.task is None:
                raise NotUnderstood(f"{' '.join(words)}: {session.label} was not looked at")
            _file_command(performance, words, session)
        case "nsenter":
            return _nsenter(performance, words, command, session)
        case "unshare":
            return _unshare(performance, words, command, session)
        case "sh":
            return _run(performance, parse(words[words.index("-c") + 1]), session)
        case "ip":
            _ip(performance, words, command, session)
        case "docker" | "podman":
            restarts.engine(performance, words, command.remark)
        case "systemctl":
            restarts.systemctl(performance, words)
        case "kubectl":
            restarts.kubectl(performance, words)
        case _:
            raise NotUnderstood(f"{name}: not a command that can be played")
    return True


def _file_command(performance: Performance, words: list[str], session: _Session) -> None:
    task = session.task
    assert task is not None
    paths = [word for word in words[1:] if not word.startswith("-")]
    options = [word for word in words[1:] if word.startswith("-")]
    match words[0]:
        case "umount":
            lazy = any(option in ("--lazy",) or re.match(r"-[a-z]*l", option) for option in options)
            for path in paths:
                kernel.unmount(task, path, lazy=lazy)
        case "touch":
            for path in paths:
                if not exists(task, path):
                    kernel.make_file(task, path)
        case "rm":
            for path in paths:
                kernel.unlink(task, path)
        case _:
            _mount(performance, options, paths, session)


def _mount(performance: Performance, options: list[str], paths: list[str], session: _Session) -> None:
    task = session.task
    assert task is not None
    recursive = "--rbind" in options or "-R" in options
    target = paths[-1]
    if recursive or "--bind" in options or "-B" in options:
        source = _source(performance, paths[0], session)
        kernel.bind(task, paths[0] if source is None else source, target, recursive=recursive)
    for option in options:
        if option.startswith("--make-"):
            propagation, deep = WORDS[option.removeprefix("--make-")]
            kernel.change(task, target, propagation, recursive=deep)


def _source(performance: Performance, path: str, session: _Session) -> Dentry | None:
    """The namespace that a path below /proc leads to; None for a path of the task's own."""
    found = _PROC.match(path)
    if found is None:
        return None
    process, kind, descriptor, rest = found.groups()
    replica = performance.replica
    if kind != "root":
        number = None if descriptor is None else int(descriptor)
        dentry = replica.network_of(int(process), number) if process.isdigit() else None
    else:
        task = performance.shells.get(process)
        if task is None:
            label = session.variables.get(_PID) if process == _PID else replica.label_of_pid(int(process))
            task = replica.task_of(label) if label is not None and label not in replica.ended else None
        dentry = lookup.lookup(task, rest or "/").dentry if task is not None else None
    if dentry is None or dentry.filesystem.kind != "nsfs":
        raise NotUnderstood(f"{path}: not known to be a namespace")
    return dentry


def _nsenter(performance: Performance, words: list[str], command: Simple, session: _Session) -> bool:
    at = 1
    pid = ""
    while at < len(words) and words[at].startswith("-"):
        if words[at] in ("-t", "--target"):
            pid = words[at + 1]
            at += 1
        elif not re.match(r"-([mp]|-mount|-pid|-net=.*)\Z", words[at]):
            raise NotUnderstood(f"nsenter {words[at]}")
        at += 1
    replica = performance.replica
    if any(word.startswith("--net=") for word in words[:at]):
        return True  # in a network namespace only: what is typed there is about devices
    label = session.variables.get(_PID) if pid == _PID else replica.label_of_pid(int(pid)) if pid.isdigit() else None
    if pid == "1":
        label = HOST
    if label is None:
        raise NotUnderstood(f"nsenter -t {pid}: not known which process that is")
    inner = replace(session, task=replica.task_of(label), label=label)
    return _simple(performance, replace(command, words=tuple(words[at:])), inner)


def _unshare(performance: Performance, words: list[str], command: Simple, session: _Session) -> bool:
    rest = words[1:]
    propagation = "private"
    while rest and rest[0].startswith("-"):
        if rest[0] == "--propagation":
            propagation = rest[1]
            rest = rest[1:]
        elif rest[0] not in ("--mount", "-m"):
            raise NotUnderstood(f"unshare {rest[0]}")
        rest = rest[1:]
    if session.task is None:
        raise NotUnderstood("unshare: the host was not looked at")
    inside = kernel.unshare(session.task)
    if propagation != "unchanged":
        kernel.change(inside, "/", WORDS[propagation][0], recursive=True)
    shell = f"shell{len(performance.shells)}"
    performance.shells[shell] = inside
    variables = {**session.variables, "$": shell}
    inner = replace(session, task=inside, variables=variables)
    done = _simple(performance, Simple(tuple(rest), command.remark), inner)
    if command.background:
        performance.background = shell
    else:
        kernel.end_namespace(inside.namespace)
        del performance.shells[shell]
    return done


def _ip(performance: Performance, words: list[str], command: Simple, session: _Session) -> None:
    if "-batch" in words:
        for line in command.text.splitlines():
            if line.strip():
                _ip(performance, ["ip", *line.split()], command, session)
        return
    if words[1:3] in (["link", "delete"], ["link", "del"]):
        name = words[-1] if words[-2] in ("dev", "delete", "del") else words[3]
        performance.deleted.append(name)
        return
    if words[1:3] in (["netns", "add"], ["netns", "delete"]) and session.task is not None:
        do = iproute.add if words[2] == "add" else iproute.delete
        do(ModelSystem(session.task), words[3])
        return
    if words[1] in ("netns", "-br", "-d", "-s", "addr", "-n") or words[1:3] in (["link", "show"], ["link", "set"]):
        return
    raise NotUnderstood(" ".join(words))


def _remark(performance: Performance, remark: str) -> None:
    """What a remark tells a person to do by hand counts too."""
    replica = performance.replica
    ways = re.findall(r"podman rm -f (\S+?)[ )]", remark) + re.findall(r"\Astart (\S+) again with", remark)
    for name in ways:
        container = replica.containers.get(name.strip("'"))
        if container is not None:
            restarts.restart(performance, container)
    if found := re.match(r"(?:re)?start process ([0-9]+) ", remark):
        label = replica.label_of_pid(int(found[1]))
        if label is not None and label != HOST:
            end(replica, label)
    if found := re.match(r"start again: (.+?) with -v (\S+)", remark):
        for label in found[1].split(", "):
            if replica.observation.namespace(label) is not None:
                try:
                    request = parse_volume(found[2])
                except OptionError as error:  # a path with a colon in it cannot be said with -v
                    raise NotUnderstood(str(error)) from None
                end(replica, label)
                restarts.start(performance, label, [request])
