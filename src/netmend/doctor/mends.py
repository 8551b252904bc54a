"""Commands that mend, to be typed on the host as root as they are printed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from shlex import quote

from netmend.doctor.blame import Stand, Standing, bind_of, option
from netmend.doctor.observation import HOST, Bind, Container, MountNamespace
from netmend.doctor.places import Place
from netmend.propagation.mountinfo import Mount


def reconnect(stands: Sequence[Stand]) -> list[str]:
    """Make every one of these exchange mounts with the host, for good: the host first, then who must be restarted."""
    lines: list[str] = []
    if any(one.standing is Standing.REFERENCE_PRIVATE for one in stands):
        lines += share_host(stands[0].reference)
    done: set[str] = set()
    unknown = [one.place for one in stands if one.place.namespace.container is None and one.place.namespace.pid is None]
    unknown = [place for place in unknown if place.label != HOST]
    if unknown:
        path = unknown[0].path
        named = " ".join(quote(place.label) for place in unknown)
        lines += [
            f"# if they are containers of Docker: docker inspect -f '{{{{.Name}}}} {{{{json .HostConfig.Binds}}}}' "
            f"{named}",
            f"# start each again with -v {path}:{path}:shared (Kubernetes: mountPropagation: Bidirectional)",
        ]
        done.update(place.label for place in unknown)
    apart = list(dict.fromkeys(one.place.label for one in stands if one.standing is Standing.ENGINE_APART))
    if apart:
        lines += rejoin_engine(apart)
        done.update(apart)
    for one in stands:
        if one.place.label in done or one.standing is Standing.REFERENCE:
            continue
        done.add(one.place.label)
        lines += reshare(one)
    return lines


def rejoin_engine(containers: Sequence[str]) -> list[str]:
    """Let dockerd have the host's mounts, then its containers get theirs from there."""
    return [
        "systemctl show -p MountFlags -p PrivateMounts -p PrivateTmp docker.service  # shows its flags",
        "mkdir -p /etc/systemd/system/docker.service.d",
        "printf '[Service]\\nMountFlags=\\nPrivateMounts=no\\nPrivateTmp=no\\n' "
        ">/etc/systemd/system/docker.service.d/mounts.conf",
        "systemctl daemon-reload && systemctl restart docker.service",
        *([f"docker restart {' '.join(map(quote, dict.fromkeys(containers)))}"] if containers else []),
    ]


def share_host(reference: Place) -> list[str]:
    """Let the host's mount at the directory exchange mounts with others."""
    return [
        f"mount --make-rshared {quote(reference.mount.mount_point)}",
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
    wanted = Bind(
        place.path if asked is None else asked.source, place.path if asked is None else asked.destination, "shared"
    )
    if asked is not None and asked.propagation in ("shared", "rshared"):
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
    pid = namespace.pid or "PID"
    return [
        f"# process {pid} ({namespace.program}) has mounts of its own; start it again without them, or by",
        "# `unshare --mount --propagation shared PROGRAM` (the default, private, cuts it off)",
    ]


def restart(container: Container, why: str) -> list[str]:
    name = quote(container.name)
    unit = container.managed_by.get("PODMAN_SYSTEMD_UNIT")
    if unit:
        return [f"systemctl restart {quote(unit)}  # {why}"]
    if container.engine == "kubernetes":
        return _pod(container, why)
    return [f"{_client(container)} restart {name}  # {why}"]


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


def _client(container: Container) -> str:
    return "podman" if container.engine == "podman" else "docker"


def keep(names: Sequence[str], source: Place, directory: str) -> list[str]:
    """Give names on the host back to namespaces that live in `source` only, before it is restarted.

    mount(2) lets a network namespace be bound from another mount namespace; `-c` keeps mount(8) from resolving /proc.
    """
    if source.label == HOST or source.namespace.pid is None:
        return []
    there, here = f"/proc/{source.namespace.pid}/root{source.path}", directory
    if len(names) == 1:
        name = names[0]
        return [f"mount -c --bind {quote(f'{there}/{name}')} {quote(f'{here}/{name}')}  # keeps the namespace alive"]
    every = " ".join(map(quote, names))
    return [
        f'for name in {every}; do mount -c --bind {quote(there)}/"$name" {quote(here)}/"$name"; done'
        "  # keeps the namespaces alive"
    ]


def uncover(namespace: MountNamespace, mount: Mount) -> list[str]:
    """Take the topmost mount on a path away inside a mount namespace."""
    return [f"nsenter -t {namespace.pid or 'PID'} -m -p umount -l {quote(mount.mount_point)}"]
