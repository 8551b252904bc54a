"""One world twice: the same operations on the real kernel and in the model, compared after each.

Namespaces are kept by descriptor, and one process enters them in turn: that makes a step cost microseconds. Everything
happens below WORLD, on a tmpfs of this world's own.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from netmend.kernel import syscalls
from netmend.kernel.errors import KernelError
from netmend.propagation.flags import Propagation
from netmend.propagation.model import kernel as model
from netmend.propagation.model import lookup
from netmend.propagation.model.render import mountinfo as rendered
from netmend.propagation.model.structures import Dentry, FileSystem, KernelRefusal, UserNamespace
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import Mount, parse

WORLD = "/run/w"
DIRECTORIES = ("a", "b", "a/a", "a/b", "b/a")
FILES = ("f", "a/f", "b/f")
DIRECTORY_PATHS = (WORLD, *(f"{WORLD}/{name}" for name in (*DIRECTORIES, "a/a/b", "a/b/a")))
FILE_PATHS = tuple(f"{WORLD}/{name}" for name in FILES)
PATHS = DIRECTORY_PATHS + FILE_PATHS


class Disagreement(AssertionError):
    """The model and the kernel differ."""


class Both:
    """The kernel's namespaces and the model's, by the same index; use as a context manager."""

    def __init__(self) -> None:
        self.home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self.real: list[int] = []
        self.modelled: list[lookup.Task] = []
        self.held: list[tuple[int, lookup.Place]] = []
        self.nsfs = FileSystem("nsfs", "nsfs", directory=False, root_name="uts:[0]")
        self.history: list[str] = []

    def __enter__(self) -> Both:
        root = FileSystem("tmpfs")
        root.make("/run")
        task = model.boot(root)
        run = FileSystem("tmpfs")
        run.make("/w")
        model.mount_new(task, run, "/run")
        self.modelled.append(task)
        self.user = task.namespace.user
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount("t", "/run", "tmpfs", 0)
        Path(WORLD).mkdir()
        self.real.append(os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC))
        try:
            self.mount_new(0, WORLD)
        except Disagreement:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor, _place in self.held:
            os.close(descriptor)
        _enter(self.home)
        for descriptor in (*self.real, self.home):
            os.close(descriptor)

    def _try(self, what: str, number: int, real: Callable[[], Any], modelled: Callable[[], Any]) -> None:
        """Do one operation on both sides in namespace ``number`` and compare the outcome, then the whole world."""
        self.history.append(f"{number}: {what}")
        _enter(self.real[number])
        said = predicted = 0
        why = ""
        try:
            real()
        except OSError as error:
            said = error.errno or 0
        try:
            modelled()
        except KernelRefusal as error:
            predicted, why = error.code, error.why
        if said != predicted:
            names = [errno.errorcode.get(code, "ok") for code in (said, predicted)]
            raise Disagreement(self._story(f"kernel: {names[0]}, model: {names[1]} {why}"))
        self.compare()

    def _story(self, problem: str) -> str:
        return "\n".join([*self.history, problem])

    # the operations

    def mount_new(self, number: int, path: str) -> None:
        filesystem = FileSystem("tmpfs")
        for name in DIRECTORIES:
            filesystem.make(name)
        for name in FILES:
            filesystem.make(name, directory=False)

        def real() -> None:
            mount = _detached_tmpfs()
            try:
                for name in DIRECTORIES:
                    os.mkdir(name, dir_fd=mount)
                for name in FILES:
                    os.close(os.open(name, os.O_CREAT | os.O_RDONLY, dir_fd=mount))
                _call(_MOVE_MOUNT, mount, b"", _AT_FDCWD, path.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
            finally:
                os.close(mount)

        self._try(
            f"tmpfs {path}",
            number,
            real,
            lambda: model.mount_new(self.modelled[number], filesystem, path),
        )

    def bind(self, number: int, source: str, path: str, recursive: bool) -> None:
        flags = syscalls.MS_BIND | (syscalls.MS_REC if recursive else 0)
        self._try(
            f"{'rbind' if recursive else 'bind'} {source} {path}",
            number,
            lambda: syscalls.mount(source, path, None, flags),
            lambda: model.bind(self.modelled[number], source, path, recursive=recursive),
        )

    def bind_nsfs(self, number: int, path: str) -> None:
        self._try(
            f"bind nsfs {path}",
            number,
            lambda: syscalls.mount("/proc/self/ns/uts", path, None, syscalls.MS_BIND),
            lambda: model.bind(self.modelled[number], self.nsfs.root, path),
        )

    def move(self, number: int, source: str, path: str) -> None:
        self._try(
            f"move {source} {path}",
            number,
            lambda: syscalls.mount(source, path, None, syscalls.MS_MOVE),
            lambda: model.move(self.modelled[number], source, path),
        )

    def change(self, number: int, path: str, propagation: Propagation, recursive: bool) -> None:
        flags = propagation.value | (syscalls.MS_REC if recursive else 0)
        self._try(
            f"make-{'r' if recursive else ''}{propagation.word} {path}",
            number,
            lambda: syscalls.mount(None, path, None, flags),
            lambda: model.change(self.modelled[number], path, propagation, recursive=recursive),
        )

    def read_only(self, number: int, path: str) -> None:
        flags = syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY
        self._try(
            f"remount,bind,ro {path}",
            number,
            lambda: syscalls.mount(None, path, None, flags),
            lambda: model.set_read_only(self.modelled[number], path),
        )

    def umount(self, number: int, path: str, lazy: bool) -> None:
        self._try(
            f"umount {'-l ' if lazy else ''}{path}",
            number,
            lambda: syscalls.umount(path, syscalls.MNT_DETACH if lazy else 0),
            lambda: model.unmount(self.modelled[number], path, lazy=lazy),
        )

    def remove(self, number: int, path: str) -> None:
        directory = path in DIRECTORY_PATHS
        self._try(
            f"{'rmdir' if directory else 'unlink'} {path}",
            number,
            Path(path).rmdir if directory else Path(path).unlink,
            lambda: (model.remove_directory if directory else model.unlink)(self.modelled[number], path),
        )

    def make(self, number: int, path: str) -> None:
        directory = path in DIRECTORY_PATHS

        def real() -> None:
            if directory:
                Path(path).mkdir()
            else:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY))

        self._try(
            f"{'mkdir' if directory else 'touch'} {path}",
            number,
            real,
            lambda: (model.make_directory if directory else model.make_file)(self.modelled[number], path),
        )

    def hold(self, number: int, path: str) -> None:
        """Keep a file open: umount(2) is then busy."""

        def real() -> None:
            self.held.append((os.open(path, os.O_RDONLY | os.O_CLOEXEC), lookup.Place(*place)))

        place: list[Any] = []

        def modelled() -> None:
            found = lookup.lookup(self.modelled[number], path)
            found.mount.users += 1

        with suppress(KernelRefusal):
            place += lookup.lookup(self.modelled[number], path)
        self._try(f"hold {path}", number, real, modelled)

    def release(self) -> None:
        if self.held:
            descriptor, place = self.held.pop(0)
            self.history.append("release")
            os.close(descriptor)
            place.mount.users -= 1

    def unshare(self, number: int, new_user: bool) -> None:
        def real() -> None:
            if new_user:
                self.real.append(_namespace_of_a_new_user())
            else:
                syscalls.unshare(syscalls.CLONE_NEWNS)
                self.real.append(os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC))

        def modelled() -> None:
            made = model.unshare(self.modelled[number], UserNamespace() if new_user else self.user)
            self.modelled.append(model.at_root(made.namespace))

        self._try(f"unshare{' --user' if new_user else ''}", number, real, modelled)

    def end(self, number: int) -> None:
        """Let a namespace go; the last is kept."""
        if len(self.real) < 2:
            return

        def real() -> None:
            _enter(self.home)
            os.close(self.real.pop(number))

        self._try("end", number, real, lambda: model.end_namespace(self.modelled.pop(number).namespace))

    # the comparison

    def compare(self) -> None:
        """Every namespace's mountinfo, up to ids, and every lookup; of the parser's tree, one lookup a step.

        Raises Disagreement.
        """
        files: dict[tuple[int, int], Dentry] = {}
        dentries: dict[Dentry, tuple[int, int]] = {}
        numbers: list[dict[int, int]] = [{}, {}]
        for number, (descriptor, task) in enumerate(zip(self.real, self.modelled, strict=True)):
            _enter(descriptor)
            text = Path("/proc/thread-self/mountinfo").read_bytes()
            tree = MountTree(parse(text))
            shapes = [shape(tree, numbers[0]), shape(MountTree(parse(rendered(task))), numbers[1])]
            if shapes[0] != shapes[1]:
                difference = "\n".join(
                    f"{side}: {line}"
                    for side, lines in (
                        ("kernel", set(shapes[0]) - set(shapes[1])),
                        ("model ", set(shapes[1]) - set(shapes[0])),
                    )
                    for line in sorted(map(str, lines))
                )
                raise Disagreement(self._story(f"namespace {number}:\n{difference}"))
            path = PATHS[len(self.history) % len(PATHS)]
            real, parsed = _mount_id(path), tree.topmost(path)
            if real is not None and (parsed is None or parsed.id != real):
                raise Disagreement(self._story(f"namespace {number}: {path} is on mount {real}, parsed: {parsed}"))
            for path in PATHS:
                seen = _stat(path)
                try:
                    predicted: Dentry | int = lookup.lookup(task, path).dentry
                except KernelRefusal as error:
                    predicted = error.code
                if isinstance(seen, int) or isinstance(predicted, int):
                    agree = seen == predicted
                else:
                    agree = (
                        files.setdefault(seen, predicted) is predicted and dentries.setdefault(predicted, seen) == seen
                    )
                if not agree:
                    raise Disagreement(self._story(f"namespace {number}: {path} leads elsewhere: {seen}, {predicted}"))


_MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 429, 430, 431, 432  # the same on every architecture since Linux 5.2
_FSCONFIG_CMD_CREATE = 6
_MOVE_MOUNT_F_EMPTY_PATH = 4
_AT_FDCWD = -100
_libc = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: int | bytes | None) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _detached_tmpfs() -> int:
    """A new tmpfs that can be filled before it is attached: once it is, its path may lead into a copy of it."""
    context = _call(_FSOPEN, b"tmpfs", 1)
    try:
        _call(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _call(_FSMOUNT, context, 1, 0)
    finally:
        os.close(context)


def _enter(descriptor: int) -> None:
    syscalls.setns(descriptor, syscalls.CLONE_NEWNS, "a mount namespace")


def _stat(path: str) -> tuple[int, int] | int:
    try:
        found = Path(path).stat()
    except OSError as error:
        return error.errno or 0
    return found.st_dev, found.st_ino


def _mount_id(path: str) -> int | None:
    """The id of the mount that a lookup ends on; None where there is nothing."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        information = Path(f"/proc/thread-self/fdinfo/{descriptor}").read_text()
    finally:
        os.close(descriptor)
    return next(int(line.split()[1]) for line in information.splitlines() if line.startswith("mnt_id:"))


def _namespace_of_a_new_user() -> int:
    """A descriptor of a mount namespace made by a child in a user namespace of its own."""
    read, write = os.pipe()
    done_read, done_write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
            os.write(write, b"x")
            os.close(done_write)
            os.read(done_read, 1)
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    os.close(done_read)
    try:
        if os.read(read, 1) != b"x":
            raise KernelError("create", "a user namespace", errno.EPERM)
        return os.open(f"/proc/{child}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(read)
        os.close(done_write)
        os.waitpid(child, 0)


def shape(tree: MountTree, numbers: dict[int, int]) -> list[tuple[Any, ...]]:
    """A tree with ids left out and peer groups numbered in the order they are met (``numbers``: for all namespaces)."""
    lines: list[tuple[Any, ...]] = []

    def name(group: int | None) -> int | None:
        return None if group is None else numbers.setdefault(group, len(numbers))

    def visit(mount: Mount, depth: int) -> None:
        lines.append(
            (
                depth,
                mount.mount_point,
                mount.fs_type if mount.fs_type == "nsfs" else mount.root,
                mount.deleted,
                name(mount.shared),
                name(mount.master),
                name(mount.propagate_from),
                mount.unbindable,
                mount.options.split(",")[0],
            )
        )
        for child in sorted(tree.children(mount), key=lambda m: (m.mount_point, m.root)):
            visit(child, depth + 1)

    world = tree.topmost("/run")
    assert world is not None
    visit(world, 0)
    return lines
