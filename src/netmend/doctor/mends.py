"""Commands that mend, to be typed on the host as root as they are printed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from shlex import quote
from typing import Final

from netmend.doctor.blame import Stand, Standing, bind_of, option
from netmend.doctor.observation import HOST, Bind, Container, MountNamespace
from netmend.doctor.places import ENGINE_INTERNAL, Place
from netmend.propagation.mountinfo import Mount

_PLAIN: Final = re.compile(r"[A-Za-z0-9._:@%+=-]+")


def reconnect(stands: Sequence[Stand]) -> list[str]:
    """Make every one of these exchange mounts with the host, for good: the host first, then who must be restarted."""
    lines: list[str] = []
    if any(one.standing is Standing.REFERENCE_PRIVATE for one in stands):
        lines += share_host(stands[0].reference.mount)
    done: set[str] = set()
    for word, unknown in _by_flag(stands).items():
        lines += _start_again(word, unknown)
        done.update(one.place.label for one in unknown)
    apart = [one for one in stands if one.standing is Standing.ENGINE_APART]
    if apart:
        engine = apart[0].engine
        again = [one.place.label for one in apart if one.place.namespace is not engine]
        lines += rejoin_engine(engine, list(dict.fromkeys(again)))
        done.update(one.place.label for one in apart)
    for one in stands:
        if one.place.label in done or one.standing is Standing.REFERENCE:
            continue
        done.add(one.place.label)
        lines += reshare(one)
    return lines


def _by_flag(stands: Sequence[Stand]) -> dict[tuple[str, str], list[Stand]]:
    """Those of which only the mounts are known, by what each is to be started with: where it mounts what, and how."""
    found: dict[tuple[str, str], list[Stand]] = {}
    for one in stands:
        namespace = one.place.namespace
        if namespace.container is None and namespace.pid is None and one.place.label != HOST:
            found.setdefault((f"{one.place.path}:{word_for(one)}", one.reference.path), []).append(one)
    return found


def _start_again(flag: tuple[str, str], stands: Sequence[Stand]) -> list[str]:
    where, source = flag
    labels = list(dict.fromkeys(one.place.label for one in stands))
    lines = [
        "# if they are containers of Docker: docker inspect -f '{{.Name}} {{json .HostConfig.Binds}}' "
        + " ".join(map(quote, labels))
    ]
    if stands[0].reference.label != HOST:
        device, inner = stands[0].place.directory
        return [
            *lines,
            f"# start each again with the directory that all should see (here: {inner} of device {device}) mounted "
            "shared; send the host's mountinfo too, and its path there can be told",
        ]
    mode = "HostToContainer" if where.endswith("rslave") else "Bidirectional"
    return [
        *lines,
        f"# start again: {', '.join(labels)} with -v {source}:{where} (Kubernetes: mountPropagation: {mode})",
    ]


def word_for(one: Stand) -> str:
    """`shared` for who may make namespaces where all look for them; `rslave` for who only uses them."""
    place = one.place
    if place.canonical and one.reference.path not in ENGINE_INTERNAL:
        return "shared"
    made_there = place.usable.keys() - one.reference.usable.keys()
    return "shared" if made_there and one.reference.path not in ENGINE_INTERNAL else "rslave"


def rejoin_engine(engine: MountNamespace | None, containers: Sequence[str]) -> list[str]:
    """Let dockerd have the host's mounts, then its containers get theirs from there."""
    again = [f"docker restart {' '.join(map(quote, dict.fromkeys(containers)))}"] if containers else []
    unit = None if engine is None else engine.unit or (engine.label if engine.label.endswith(".service") else None)
    if unit is not None and unit.startswith("snap."):
        return [
            f"# {unit} is a snap, which always runs in mounts of its own (snap-confine), and no setting changes that:",
            "# install Docker from a package (docker.io, docker-ce), and remove the snap",
        ]
    if unit is None:
        if engine is None or engine.pid is None:
            return [
                "# start dockerd again in the host's own mount namespace: no MountFlags=, PrivateMounts= or unshare"
            ]
        return [
            f"# start process {engine.pid} ({engine.program or 'dockerd'}) again in the host's own mount namespace; a "
            "snap of Docker cannot be: install a package of Docker (docker.io, docker-ce) instead",
            *again,
        ]
    drop_in = f"/etc/systemd/system/{unit}.d"
    return [
        f"systemctl show -p MountFlags -p PrivateMounts -p PrivateTmp {quote(unit)}  # shows its flags",
        f"mkdir -p {quote(drop_in)}",
        f"printf '[Service]\\nMountFlags=\\nPrivateMounts=no\\nPrivateTmp=no\\n' >{quote(f'{drop_in}/mounts.conf')}",
        f"systemctl daemon-reload && systemctl restart {quote(unit)}",
        *again,
    ]


def share_host(mount: Mount, namespace: MountNamespace | None = None) -> list[str]:
    """Let a mount of the host, or of an engine with mounts of its own, exchange mounts with others."""
    inside = "" if namespace is None else enter(namespace)
    return [
        f"{inside}mount --make-rshared {quote(mount.mount_point)}",
        "# and at each boot before the engine starts: systemd makes all mounts shared; without it, put that line in",
        "# the init script that starts the engine",
    ]


def reshare(one: Stand) -> list[str]:
    """Have a container, or whatever lives there, mount the directory shared."""
    place = one.place
    container = place.namespace.container
    if container is None:
        return _reshare_process(one)
    asked = bind_of(place)
    word = word_for(one)
    if asked is None:
        source = one.reference.path if one.reference.label == HOST else place.path
        wanted = Bind(source, place.path, word)
    else:
        wanted = Bind(asked.source, asked.destination, word, asked.read_only and word != "shared")
    if asked is not None and asked.propagation.removeprefix("r") in ("shared", word.removeprefix("r")):
        return restart(container, "its flag is right; a restart takes the host's present mount")
    return recreate(container, {wanted.destination: wanted})


def _reshare_process(one: Stand) -> list[str]:
    namespace = one.place.namespace
    service = namespace.label if namespace.label.endswith(".service") else None
    if service is not None:
        unit = quote(service)
        return [
            f"systemctl show -p MountFlags -p PrivateMounts -p BindPaths {unit}  # shows its flags",
            f"systemctl edit {unit}  # [Service] PrivateMounts=no, and no MountFlags=",
            f"systemctl restart {unit}",
        ]
    return [
        f"# start process {namespace.pid} ({namespace.program}) again without mounts of its own, or by",
        "# `unshare --mount --propagation shared PROGRAM` (the default, private, cuts it off)",
    ]


def restart(container: Container, why: str) -> list[str]:
    name = quote(container.name)
    unit = container.managed_by.get("PODMAN_SYSTEMD_UNIT")
    if unit:
        return [f"systemctl restart {quote(unit)}  # {why}"]
    if container.engine == "kubernetes":
        return _pod(container, why)
    if container.engine == "oci":  # of containerd, LXC or whatever else: which client knows it, nobody said
        return [f"# start {container.name} again with what made it (nerdctl, ctr, crictl): {why}"]
    return [f"{container.engine} restart {name}  # {why}"]


def recreate(container: Container, change: dict[str, Bind], drop: Iterable[str] = ()) -> list[str]:
    """Make the container again with these binds (by destination) changed or added, and those of `drop` left out."""
    managed = container.managed_by
    written = [option(bind) for bind in change.values()]
    if container.engine == "kubernetes":
        volumes = "; ".join(f"{bind.destination}: {_kubernetes_mode(bind)}" for bind in change.values())
        return _pod(container, f"in its manifest, volumeMounts, mountPropagation: {volumes}")
    if managed.get("com.docker.compose.project.config_files"):
        return _compose(container, written, list(drop))
    if managed.get("PODMAN_SYSTEMD_UNIT"):
        unit = quote(managed["PODMAN_SYSTEMD_UNIT"])
        return [
            f"systemctl cat {unit}  # shows its Volume= or -v",
            *(f"# write there: Volume={text}" for text in written),
            f"systemctl daemon-reload && systemctl restart {unit}",
        ]
    if container.engine == "podman":
        return [
            f"podman inspect -f '{{{{json .Config.CreateCommand}}}}' {quote(container.name)}  # how it was made",
            *(f"# make it again (podman rm -f {quote(container.name)} first) with: -v {text}" for text in written),
        ]
    if container.engine != "docker":
        return [f"# start {container.name} again with: -v {text}" for text in written]
    return _docker(container, change, set(drop))


def _docker(container: Container, change: dict[str, Bind], drop: set[str]) -> list[str]:
    name, before = quote(container.name), quote(container.name + "-before")
    binds = {bind.destination: bind for bind in container.binds if bind.destination not in drop}
    binds.update(change)
    words = ["docker", "run", "-d", "--name", container.name, *container.rebuild]
    env = f"/run/{container.name}.env"
    if container.has_environment:
        words += ["--env-file", env]
    for bind in binds.values():
        words += ["-v", option(bind)]
    words += [container.image, *container.command]
    lines = [f"docker inspect -f '{{{{json .HostConfig.Binds}}}}' {name}  # shows its flags as they are"]
    if container.lost:
        lines.append(f"# not carried over below, add by hand: {', '.join(container.lost)}")
    if container.managed_by:
        lines.append("# whatever made it (its labels say) must be told the same, or it will come back as it was")
    if container.has_environment:
        lines.append(
            f"(umask 077; docker inspect -f '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {name} | "
            f"grep . >{quote(env)})"
        )
    again = " ".join(map(quote, words))
    cleared = f" && rm -f {quote(env)}" if container.has_environment else ""
    if "--rm" in container.rebuild:
        return [*lines, f"docker stop {name}", again + cleared]
    lines += [f"docker stop {name}", f"docker rename {name} {before}"]
    if container.lost:
        return [*lines, again + cleared, f"# when it is as it was: docker rm {before}"]
    return [*lines, f"{again} && docker rm {before}{cleared}"]


def _compose(container: Container, written: list[str], drop: list[str]) -> list[str]:
    managed = container.managed_by
    files = managed["com.docker.compose.project.config_files"].split(",")
    service = managed.get("com.docker.compose.service", container.name)
    project = managed.get("com.docker.compose.project", "")
    named = " ".join(f"-f {quote(file)}" for file in files)
    return [
        *(f"# in {files[-1]}, service {service}, volumes: take out the one on {path}" for path in drop),
        *(f"# in {files[-1]}, service {service}, write the volume as: {text}" for text in written),
        f"docker compose -p {quote(project)} {named} up -d {quote(service)}",
    ]


def _pod(container: Container, what: str) -> list[str]:
    pod = container.managed_by.get("io.kubernetes.pod.name", container.name)
    space = container.managed_by.get("io.kubernetes.pod.namespace", "default")
    return [
        f"kubectl -n {quote(space)} get pod {quote(pod)} -o jsonpath='{{.metadata.ownerReferences}}'  # who makes it",
        f"# {what}",
        f"kubectl -n {quote(space)} delete pod {quote(pod)}",
    ]


def _kubernetes_mode(bind: Bind) -> str:
    return "Bidirectional" if bind.propagation in ("shared", "rshared") else "HostToContainer"


def keep(names: Sequence[str], source: Place, directory: str, *, absent: bool = False) -> list[str]:
    """Give names on the host back to namespaces that live in `source` only, before it is restarted.

    mount(2) lets a network namespace be bound from another mount namespace; `-c` keeps mount(8) from resolving /proc.
    `absent`: the names are not in the host's directory yet.
    """
    if source.label == HOST or not names:
        return []
    there = f"/proc/{source.namespace.pid or 'PID'}/root{source.path}"
    return bind_names(names, there, directory, whose(source.namespace), absent=absent)


def bind_names(names: Sequence[str], there: str, here: str, remark: str, *, absent: bool = False) -> list[str]:
    """Bind the namespaces of one directory on names of another."""
    remark = "  # " + "; ".join(part for part in (remark, "keeps what lives") if part)
    if len(names) == 1:
        name = names[0]
        touch = f"touch {quote(f'{here}/{name}')} && " if absent else ""
        return [f"{touch}mount -c --bind {_there(there, name)} {quote(f'{here}/{name}')}{remark}"]
    touch = f'touch {quote(here)}/"$name" && ' if absent else ""
    lines = []
    for first in range(0, len(names), 500):  # a line that a shell and a terminal can take
        every = " ".join(map(quote, names[first : first + 500]))
        lines.append(
            f"for name in {every}; do {touch}mount -c --bind {_there(there, '$name')} "
            f'{quote(here)}/"$name"; done{remark}'
        )
    return lines


def _there(directory: str, name: str) -> str:
    if "$p" in directory or name == "$name":
        return f'"{directory}/{name}"' if name == "$name" or not _PLAIN.fullmatch(name) else f"{directory}/{name}"
    return quote(f"{directory}/{name}")


def whose(namespace: MountNamespace) -> str:
    """What a remark says where the process is not known."""
    return "" if namespace.pid is not None or namespace.label == HOST else f"PID: a process of {namespace.label}"


def enter(namespace: MountNamespace) -> str:
    """What a command begins with that is to be performed with the mounts of that namespace."""
    return "" if namespace.label == HOST else f"nsenter -t {namespace.pid or 'PID'} -m -p "


def remarked(command: str, *remarks: str) -> str:
    said = "; ".join(remark for remark in remarks if remark)
    return f"{command}  # {said}" if said else command


def uncover(namespace: MountNamespace, covers: Sequence[Mount]) -> list[str]:
    """Take mounts away inside a mount namespace, see `MountTree.covering`."""
    return [remarked(f"{enter(namespace)}umount -l {quote(cover.mount_point)}", whose(namespace)) for cover in covers]


def recover_beneath(namespace: MountNamespace, covers: Sequence[Mount], path: str, names: dict[str, str]) -> list[str]:
    """Bind what lies in `path` beneath other mounts, without taking those away. `names`: name there → path on the host.

    In a copy of the mount namespace they are taken away, and the names are bound from there while it lasts.
    """
    away = "; ".join(f"umount -l {quote(cover.mount_point)}" for cover in covers)
    directories = {target.rpartition("/")[0] for target in names.values()}
    same = len(directories) == 1 and all(target.endswith(f"/{name}") for name, target in names.items())
    bind = (
        bind_names(list(names), f"/proc/$p/root{path}", directories.pop(), "", absent=True)
        if same
        else [
            f"touch {quote(target)} && mount -c --bind {_there(f'/proc/$p/root{path}', name)} {quote(target)}"
            for name, target in names.items()
        ]
    )
    # nsenter -p forks, since a process stays in its pid namespace; without it /proc of a container would not fit
    number = "p=$!" if namespace.label == HOST else "read -r p _ </proc/$!/task/$!/children || :"
    return [
        remarked(
            f"{enter(namespace)}unshare --mount --propagation private sh -c {quote(f'{away}; exec sleep 60')} &",
            whose(namespace),
            "sees what is beneath",
        ),
        f"sleep 1; {number}",
        *bind,
        "kill $p",
    ]
