#!/opt/netmend/bin/python -I
"""Kolla's contract with its images: what `config.json` names is put in its place, before the service starts.

It reads /var/lib/kolla/config_files/config.yaml, or config.json there, makes the `directories` and `files` that it
names, copies its `config_files`, sets its `permissions`, and writes its `command` to /run_command, which kolla_start
executes. $KOLLA_CONFIG_STRATEGY is COPY_ALWAYS, or COPY_ONCE: then a container that is configured stays as it is. With
`--check`, which kolla-ansible runs in a container that works, nothing is changed.

What it put in its place, and config.json does not name any more, goes at the next start; what the image had there
comes back. Exit codes: 0 well; 1 what is missing or differs is on standard error; 2 the system refused it.
"""

import glob
import grp
import json
import os
import pwd
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

CONFIG = Path("/var/lib/kolla/config_files")
COMMAND = Path("/run_command")
CONFIGURED = Path("/configured")
DEFAULTS = Path("/etc/kolla/defaults")  # what the image had where a file was copied to, and `state`
PERMISSION = re.compile(r"(0o)?[0-7]{3,4}")
Entry = Mapping[str, Any]


class Refused(Exception):
    """Something is wrong with the configuration, or differs from it; the text says what. Exit code 1."""


def load() -> Entry:
    """The document. Raises Refused."""
    path = next((path for name in ("config.yaml", "config.json") if (path := CONFIG / name).exists()), None)
    if path is None:
        raise Refused(f"{CONFIG}: there is neither a config.yaml nor a config.json")
    try:
        if path.suffix == ".yaml":
            import yaml  # slow to load, and rarely needed

            found = yaml.safe_load(path.read_text())
        else:
            found = json.loads(path.read_text())
    except Exception as error:  # of YAML, of JSON, of the encoding
        raise Refused(f"{path}: cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise Refused(f"{path}: is no object")
    check(path, found)
    return found


def check(path: Path, config: Entry) -> None:
    """Raises Refused where a field is missing."""
    if not isinstance(config.get("command"), str):
        raise Refused(f"{path}: command: is missing")
    wanted: dict[str, tuple[str, ...]] = {"config_files": ("source", "dest"), "permissions": ("path", "owner")}
    wanted |= dict.fromkeys(("directories", "files"), ("path", "owner", "perm"))
    for section, fields in wanted.items():
        for number, entry in enumerate(config.get(section) or ()):
            if missing := [field for field in fields if entry.get(field) is None]:
                raise Refused(f"{path}: {section}[{number}]: {', '.join(missing)}: is missing")
            permission = entry.get("perm")
            if permission is not None and not PERMISSION.fullmatch(str(permission)):
                raise Refused(f"{path}: {section}[{number}]: perm: {permission!r} is no mode in octal digits")
            if section in {"directories", "files"} and glob.has_magic(entry["path"]):
                raise Refused(f"{path}: {section}[{number}]: path: {entry['path']}: names one path, without * and ?")
    for number, entry in enumerate(config.get("config_files") or ()):
        if not entry.get("preserve_properties") and (entry.get("owner") is None or entry.get("perm") is None):
            raise Refused(
                f"{path}: config_files[{number}]: owner, perm: are missing, and there is no preserve_properties"
            )


def copies(config: Entry) -> Iterator[tuple[Path, Path, Entry]]:
    """Source, destination and entry of each file or directory to copy. Raises Refused where a source is missing."""
    for entry in config.get("config_files") or ():
        sources = sorted(glob.glob(entry["source"]))
        if not sources and not entry.get("optional"):
            raise Refused(f"{entry['source']}: there is no such file to copy to {entry['dest']}")
        for source in map(Path, sources):
            into = entry["dest"].endswith("/")
            yield source, Path(entry["dest"]) / source.name if into else Path(entry["dest"]), entry


def owner_ids(owner: str) -> tuple[int, int]:
    """The uid and gid of USER or USER:GROUP. Raises Refused."""
    user, _, group = owner.partition(":")
    try:
        return pwd.getpwnam(user).pw_uid, grp.getgrnam(group or user).gr_gid
    except KeyError as error:
        raise Refused(f"owner {owner}: {error.args[0]}") from None


def mode_of(permission: object, *, directory: bool) -> int:
    """The mode; whoever may read a directory may search it."""
    mode = int(str(permission).removeprefix("0o"), 8)
    return mode | (mode & 0o444) >> 2 if directory else mode


def own(path: Path, entry: Entry) -> None:
    """Give the path its owner and its mode. What the file system refuses is a warning: it may be a read-only mount."""
    try:
        os.chown(path, *owner_ids(str(entry["owner"])))
        if entry.get("perm"):
            path.chmod(mode_of(entry["perm"], directory=path.is_dir()))
    except OSError as error:
        say(f"{path}: owner and mode cannot be changed: {error.strerror}")


def copy(source: Path, target: Path, entry: Entry) -> None:
    """Put a file, or a directory with all in it, at `target`; with `merge`, what else a directory there has stays."""
    if not entry.get("merge") or (target.exists() and source.is_dir() != target.is_dir()):
        remove(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    preserve = entry.get("preserve_properties")
    if source.is_dir():
        target.mkdir(exist_ok=True)
        for inner in sorted(source.iterdir()):
            copy(inner, target / inner.name, entry)
    else:
        remove(target)
        if preserve and source.is_symlink():
            target.symlink_to(source.readlink())
            return
        shutil.copyfile(source, target)
    if preserve:
        shutil.copystat(source, target)
        os.chown(target, source.stat().st_uid, source.stat().st_gid)
    else:
        own(target, entry)


def remove(path: Path) -> None:
    """Remove a file or a directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def make(config: Entry) -> None:
    """Make the directories and files that are named."""
    for entry in config.get("directories") or ():
        Path(entry["path"]).mkdir(parents=True, exist_ok=True)
        own(Path(entry["path"]), entry)
    for entry in config.get("files") or ():
        path = Path(entry["path"])
        if path.is_symlink() or path.is_dir():
            raise Refused(f"{path}: is no regular file")
        if not path.parent.is_dir():
            raise Refused(f"{path}: there is no directory for it")
        path.touch()
        own(path, entry)


def put_back() -> None:
    """Undo what an earlier start copied."""
    for target, kept in state().items():
        remove(Path(target))
        if kept is not None:
            copy(Path(kept), Path(target), {"preserve_properties": True})


def state() -> dict[str, str | None]:
    """What was copied, and where that is which the image had there."""
    try:
        return dict(json.loads((DEFAULTS / "state").read_text()))
    except FileNotFoundError:
        return {}


def put(config: Entry) -> None:
    """Copy everything, and keep what the image has where it goes."""
    kept: dict[str, str | None] = {}
    before = state()
    chosen = list(copies(config))
    for _, target, _ in chosen:
        backup = DEFAULTS / target.relative_to("/")
        kept[str(target)] = before.get(str(target))
        if str(target) not in before and os.path.lexists(target):
            copy(target, backup, {"preserve_properties": True})
            kept[str(target)] = str(backup)
    DEFAULTS.mkdir(parents=True, exist_ok=True)
    (DEFAULTS / "state").write_text(json.dumps(kept, indent=1))
    for source, target, entry in chosen:
        copy(source, target, entry)
    COMMAND.write_text(config["command"])
    COMMAND.chmod(0o644)


def permit(config: Entry) -> None:
    """Set the permissions that are named, of everything below a path where they are `recurse`."""
    for entry in config.get("permissions") or ():
        excluded = [re.compile(pattern) for pattern in entry.get("exclude") or ()]
        for path in map(Path, glob.glob(entry["path"])):
            own(path, entry)
            for inner in sorted(path.rglob("*")) if entry.get("recurse") and path.is_dir() else ():
                if not inner.is_symlink() and not any(pattern.search(str(inner)) for pattern in excluded):
                    own(inner, entry)


def compare(config: Entry) -> None:
    """Raises Refused where the container is not as the configuration says."""
    if not COMMAND.exists() or COMMAND.read_text() != config["command"]:
        raise Refused("the command that runs is another one than config.json has")
    chosen = list(copies(config))
    if gone := sorted(state().keys() - {str(target) for _, target, _ in chosen}):
        raise Refused(f"config.json does not name them any more: {', '.join(gone)}")
    for source, target, entry in chosen:
        compare_one(source, target, entry)


def compare_one(source: Path, target: Path, entry: Entry) -> None:
    if source.is_dir():
        for inner in source.iterdir():
            compare_one(inner, target / inner.name, entry)
        return
    if not target.is_file() or source.read_bytes() != target.read_bytes():
        raise Refused(f"{target}: differs from {source}")
    if entry.get("preserve_properties"):
        return
    found = target.stat()
    if stat.S_IMODE(found.st_mode) != mode_of(entry["perm"], directory=False):
        raise Refused(f"{target}: has mode {stat.S_IMODE(found.st_mode):04o}, and config.json says {entry['perm']}")
    if (found.st_uid, found.st_gid) != owner_ids(entry["owner"]):
        raise Refused(f"{target}: does not belong to {entry['owner']}")


def configure(config: Entry) -> None:
    """What happens before each start. Raises Refused."""
    strategy = os.environ.get("KOLLA_CONFIG_STRATEGY")
    if strategy not in {"COPY_ALWAYS", "COPY_ONCE"}:
        raise Refused(f"KOLLA_CONFIG_STRATEGY is {strategy!r}; it may be COPY_ALWAYS or COPY_ONCE")
    if strategy == "COPY_ONCE" and CONFIGURED.exists():
        say("KOLLA_CONFIG_STRATEGY is COPY_ONCE, and this container is configured: it stays as it is")
        return
    make(config)
    put_back()
    put(config)
    permit(config)
    if strategy == "COPY_ONCE":
        CONFIGURED.touch()


def say(text: str) -> None:
    """A line on standard error."""
    print(f"kolla_set_configs: {text}", file=sys.stderr)


def main(do: Callable[[Entry], None]) -> int:
    """Do it, and return the exit code."""
    try:
        do(load())
    except Refused as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(compare if sys.argv[1:] == ["--check"] else configure))
