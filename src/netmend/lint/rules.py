"""The mistakes, each a function of one declared container. Which way mounts travel, `netmend.propagation` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from netmend.ground.finding import Severity
from netmend.lint.declared import DeclaredContainer, DeclaredMount
from netmend.propagation.paths import is_under

_DIRECTORY: Final = "/run/netns"
_OF_ENGINES: Final = ("/run/docker/netns", "/run/snap.docker/netns")
"""Docker's own directories, where other programs open the namespaces of its containers and make none."""


class Mistake(NamedTuple):
    check: str
    severity: Severity
    line: int
    summary: str
    cause: str
    mend: str
    written: str


def source(mount: DeclaredMount) -> str:
    """The source with `/var/run`, a link to /run wherever namespaces are used, taken for what it is."""
    path = mount.request.source.rstrip("/") or "/"
    return path.replace("/var/run", "/run", 1) if is_under(path, "/var/run") else path


def _directory(mount: DeclaredMount) -> str:
    """The directory of namespaces that the mount brings by itself; empty for another mount."""
    if mount.request.kind != "bind":
        return ""
    path = source(mount)
    return path if path == _DIRECTORY or path in _OF_ENGINES else ""


def _is_directory(mount: DeclaredMount) -> bool:
    return _directory(mount) == _DIRECTORY


def _holds_directory(mount: DeclaredMount) -> bool:
    """Something above it, which brings it along."""
    return mount.request.kind == "bind" and source(mount) != _DIRECTORY and is_under(_DIRECTORY, source(mount))


def _inner(mount: DeclaredMount) -> str:
    """Where the container finds the directory by this mount."""
    target = mount.request.target.rstrip("/")
    rest = _DIRECTORY.removeprefix(source(mount).rstrip("/"))
    path = target + rest
    return path.replace("/var/run", "/run", 1) if is_under(path, "/var/run") else path


def _write(container: DeclaredContainer, mount: DeclaredMount, word: str) -> str:
    """How the file says it."""
    source_path, target = mount.request.source, mount.request.target
    if container.kind in ("kubernetes", "crictl inspect"):
        mode = "Bidirectional" if word.endswith("shared") else "HostToContainer"
        return f"mountPropagation: {mode}" + (" (and privileged: true)" if mode == "Bidirectional" else "")
    text = f"{source_path}:{target}:{word}"
    match container.kind:
        case "quadlet" if mount.form == "PodmanArgs":
            return f"PodmanArgs=-v {text}"
        case "quadlet":
            return f"Volume={text}"
        case "docker inspect" | "command line":
            return f"-v {text}"
        case "docker service":
            return f"--mount type=bind,source={source_path},target={target},bind-propagation=r{word.removeprefix('r')}"
        case "oci":
            return f'"options": ["rbind", "r{word.removeprefix("r")}"] for {target}'
        case "lxc":
            where = target.lstrip("/")
            return f"lxc.mount.entry = {source_path} {where} none rbind,r{word.removeprefix('r')},create=dir 0 0"
        case "incus":
            return f"propagation: r{word.removeprefix('r')} and recursive: true for {target}"
        case "nomad" if mount.form == "volume_mount":
            mode = "bidirectional" if word.endswith("shared") else "host-to-task"
            return f'propagation_mode = "{mode}"'
        case "nomad" if mount.form == "mount":
            return f'bind_options {{ propagation = "r{word.removeprefix("r")}" }}'
        case "nomad":
            return f'"{text}" in volumes'
    return f"- {text}"


def _word(container: DeclaredContainer, mount: DeclaredMount) -> str:
    """`shared` for who may make namespaces; `rslave` for who can only be there to use them."""
    if _directory(mount) in _OF_ENGINES or mount.request.read_only:
        return "rslave"
    return "shared" if _inner(mount) == _DIRECTORY else "rslave"


def refused(container: DeclaredContainer) -> Iterator[Mistake]:
    for one in container.refused:
        yield Mistake(
            "refused",
            Severity.ERROR,
            one.line,
            f"the engine refuses this mount: {one.words}",
            "The container will not be started.",
            "write it as the engine wants it; `netmend explain` says what each word does",
            one.written,
        )


def private(container: DeclaredContainer) -> Iterator[Mistake]:
    if container.ends_early:
        return
    for mount in container.mounts:
        directory = _directory(mount)
        if not directory or mount.request.direction != "none" or not mount.request.recursive:
            continue
        if directory in _OF_ENGINES and not container.privileged:
            continue  # it cannot enter them
        said = f"{mount.request.propagation} is asked for" if mount.request.asked else "no propagation is asked for"
        yield Mistake(
            "netns-private",
            Severity.ERROR,
            mount.line,
            f"{directory} is mounted and {said}: namespaces made later are plain files on the other side",
            "A private mount neither sends nor receives. The names in the directory are seen by all, the namespaces "
            "behind them by those only that had them when they started; using another gives `Invalid argument`.",
            f"write: {_write(container, mount, _word(container, mount))}",
            mount.written,
        )


def one_way(container: DeclaredContainer) -> Iterator[Mistake]:
    for mount in container.mounts:
        if (
            _is_directory(mount)
            and mount.request.direction == "in"
            and container.privileged
            and _makes(container, mount)
        ):
            if container.kind in ("kubernetes", "crictl inspect", "oci", "lxc") or mount.request.read_only:
                continue  # HostToContainer is what plugins that only use namespaces are told to write
            yield Mistake(
                "netns-one-way",
                Severity.WARNING,
                mount.line,
                f"{_DIRECTORY} is mounted {mount.request.propagation}: namespaces that this container makes are plain "
                "files for the host and all others",
                "A slave receives and does not send, and what it made is covered when the host's first `ip netns add` "
                "mounts the directory on itself. That is right only for a container that makes no namespaces.",
                f"write: {_write(container, mount, 'shared')}",
                mount.written,
            )


def _makes(container: DeclaredContainer, mount: DeclaredMount) -> bool:
    """Whether the container may be one that makes namespaces: it has the directory where programs look for it."""
    return not container.ends_early and _inner(mount) == _DIRECTORY


def not_recursive(container: DeclaredContainer) -> Iterator[Mistake]:
    for mount in container.mounts:
        if _directory(mount) and not mount.request.recursive and not container.ends_early:
            yield Mistake(
                "netns-not-recursive",
                Severity.ERROR,
                mount.line,
                f"{_directory(mount)} is bound without the mounts in it: names that exist at the start are plain files",
                "A bind that is not recursive leaves out the mounts below, which the namespaces are.",
                _recursively(container, mount),
                mount.written,
            )


def _recursively(container: DeclaredContainer, mount: DeclaredMount) -> str:
    if container.kind in ("lxc", "incus", "oci"):
        return f"write: {_write(container, mount, 'rslave')}"
    return "leave out the option that makes the bind non-recursive"


def read_only(container: DeclaredContainer) -> Iterator[Mistake]:
    for mount in container.mounts:
        if _is_directory(mount) and mount.request.read_only and mount.request.direction == "both":
            yield Mistake(
                "netns-read-only",
                Severity.WARNING,
                mount.line,
                f"{_DIRECTORY} is mounted shared and read-only: the container cannot make or delete a name",
                "`ip netns add` makes a file first, and gets `Read-only file system`.",
                f"write: {_write(container, mount, 'shared')}, or slave if it makes no namespaces",
                mount.written,
            )


def doubling(container: DeclaredContainer) -> Iterator[Mistake]:
    for above in container.mounts:
        for mount in container.mounts:
            if not (_holds_directory(above) and _is_directory(mount) and above.request.direction == "both"):
                continue
            if _inner(above) != _inner(mount):
                continue
            yield Mistake(
                "doubling-mounts",
                Severity.ERROR,
                above.line,
                f"{above.request.source} is mounted shared and {mount.request.source} on top of it: each start "
                f"doubles the "
                "number of mounts, on the host too",
                "The second mount is made on the first, whose peer group is the host's, so it appears on the host; "
                "the next "
                "start copies both (12 mounts became 1,536 in 7 restarts).",
                f"write: {_write(container, above, 'rslave')}",
                above.written,
            )


def hidden_copy(container: DeclaredContainer) -> Iterator[Mistake]:
    if container.ends_early:
        return
    for above in container.mounts:
        for mount in container.mounts:
            if not (_holds_directory(above) and _is_directory(mount)):
                continue
            if mount.request.direction != "both" or mount.request.read_only:
                continue  # who only receives uses what others make, and deletes nothing; privates are told as such
            if above.request.direction == "in":
                continue  # what is unmounted by the name travels to the slave
            if above.request.direction == "both":
                continue  # peers of one group, or told as doubling
            yield Mistake(
                "hidden-copy",
                Severity.ERROR,
                above.line,
                f"{above.request.source} brings a second copy of {_DIRECTORY}: deleting a namespace in this container "
                "fails with `Device or resource busy`",
                "The deletion unmounts the copy that is seen and is refused because of the other; the name is a "
                "plain file "
                "for everybody then, and the namespace lives on without a name.",
                f"write: {_write(container, above, 'rslave')}, and {_write(container, mount, 'shared')}",
                above.written,
            )


def private_parent(container: DeclaredContainer) -> Iterator[Mistake]:
    """A note: many containers have `/run` for a socket, and only who knows them can say whether they use namespaces."""
    if any(_is_directory(mount) for mount in container.mounts) or not container.privileged or container.ends_early:
        return
    for mount in container.mounts:
        if _holds_directory(mount) and _inner(mount) == _DIRECTORY and mount.request.direction == "none":
            if mount.request.read_only or not mount.request.recursive:
                continue
            yield Mistake(
                "netns-private",
                Severity.NOTE,
                mount.line,
                f"{mount.request.source} is mounted private, and {_DIRECTORY} with it: namespaces made later are plain "
                "files in this container",
                "It may enter namespaces, and finds the directory where programs look for it. Right as it is for a "
                "container that has the directory for a socket and uses no namespace.",
                f"if it uses namespaces, write: {_write(container, mount, 'rslave')}",
                mount.written,
            )


RULES: Final[tuple[Callable[[DeclaredContainer], Iterator[Mistake]], ...]] = (
    refused,
    private,
    one_way,
    not_recursive,
    read_only,
    doubling,
    hidden_copy,
    private_parent,
)
