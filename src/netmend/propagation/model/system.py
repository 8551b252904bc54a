"""What programs of a host ask of a kernel, so that one description of a program runs on the model and on the real one.

Errors are OSError with the kernel's errno on both.
"""

from __future__ import annotations

from typing import Protocol

from netmend.propagation.flags import Propagation
from netmend.propagation.model import kernel, lookup
from netmend.propagation.model.structures import FileSystem
from netmend.propagation.mountinfo import Mount, parse


class System(Protocol):
    """One mount namespace of a host, and the calls a process in it can make. Paths are absolute."""

    def make_directories(self, path: str) -> None: ...
    def symlink(self, target: str, path: str) -> None: ...
    def remove_directory(self, path: str) -> None: ...
    def create(self, path: str) -> None:
        """open(2) with O_CREAT and O_EXCL."""

    def unlink(self, path: str) -> None: ...
    def exists(self, path: str) -> bool: ...
    def is_directory(self, path: str) -> bool: ...
    def resolve(self, path: str, *, within: str = "/") -> str:
        """The path without symbolic links, absolute ones taken to start at ``within``; what is missing stays."""

    def mount_new(self, path: str) -> None:
        """An empty file system of its own."""

    def bind(self, source: str, path: str, *, recursive: bool) -> None: ...
    def bind_new_netns(self, path: str) -> None:
        """Make a network namespace and bind it on a file."""

    def change(self, path: str, propagation: Propagation, *, recursive: bool) -> None: ...
    def set_read_only(self, path: str) -> None: ...
    def umount(self, path: str, *, lazy: bool) -> None: ...
    def mounts(self) -> list[Mount]:
        """This namespace's mountinfo."""

    def probe(self, path: str) -> str:
        """``ok`` for a usable network namespace, ``einval`` for a file that is none, ``absent``."""

    def copy(self) -> System:
        """A process in a copy of this mount namespace."""

    def pivot_and_detach(self, new_root: str) -> None: ...
    def end(self) -> None:
        """The last process of the namespace is gone."""


class ModelSystem:
    """A namespace of the modelled kernel."""

    def __init__(self, task: lookup.Task) -> None:
        self.task = task

    @classmethod
    def boot(cls) -> ModelSystem:
        """A host with an empty root."""
        return cls(kernel.boot(FileSystem("tmpfs", "tmpfs")))

    def make_directories(self, path: str) -> None:
        kernel.make_directories(self.task, path)

    def symlink(self, target: str, path: str) -> None:
        kernel.make_symlink(self.task, target, path)

    def remove_directory(self, path: str) -> None:
        kernel.remove_directory(self.task, path)

    def create(self, path: str) -> None:
        kernel.make_file(self.task, path)

    def unlink(self, path: str) -> None:
        kernel.unlink(self.task, path)

    def exists(self, path: str) -> bool:
        return lookup.exists(self.task, path)

    def is_directory(self, path: str) -> bool:
        return self.exists(path) and lookup.lookup(self.task, path).dentry.directory

    def resolve(self, path: str, *, within: str = "/") -> str:
        return lookup.resolve(self.task, path, within=within)

    def mount_new(self, path: str) -> None:
        kernel.mount_new(self.task, FileSystem("tmpfs", "tmpfs"), path)

    def bind(self, source: str, path: str, *, recursive: bool) -> None:
        kernel.bind(self.task, source, path, recursive=recursive)

    def bind_new_netns(self, path: str) -> None:
        netns = FileSystem("nsfs", "nsfs", directory=False, root_name="net:[0]")
        netns.root.name = f"net:[{4026531840 + netns.number}]"
        kernel.bind(self.task, netns.root, path)

    def change(self, path: str, propagation: Propagation, *, recursive: bool) -> None:
        kernel.change(self.task, path, propagation, recursive=recursive)

    def set_read_only(self, path: str) -> None:
        kernel.set_read_only(self.task, path)

    def umount(self, path: str, *, lazy: bool) -> None:
        kernel.unmount(self.task, path, lazy=lazy)

    def mountinfo(self) -> str:
        from netmend.propagation.model.render import mountinfo

        return mountinfo(self.task)

    def mounts(self) -> list[Mount]:
        return parse(self.mountinfo())

    def probe(self, path: str) -> str:
        if not self.exists(path):
            return "absent"
        return "ok" if lookup.lookup(self.task, path).dentry.filesystem.kind == "nsfs" else "einval"

    def copy(self) -> ModelSystem:
        return ModelSystem(kernel.unshare(self.task))

    def pivot_and_detach(self, new_root: str) -> None:
        kernel.pivot_and_detach(self.task, new_root)

    def end(self) -> None:
        kernel.end_namespace(self.task.namespace)
