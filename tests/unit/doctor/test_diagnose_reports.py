"""States that public bug reports describe: one finding, the right cause, and a mend that names only what is there."""

from dataclasses import replace

import pytest

from netmend.doctor.diagnose import diagnose
from netmend.doctor.observation import Bind, Container, MountNamespace, Observation
from netmend.doctor.pasted import observe_copies
from netmend.ground.finding import Finding

ROOT = "20 1 8:1 / / rw shared:1 - ext4 /dev/vda rw\n"
RUN = ROOT + "30 20 0:59 / /run rw shared:57 - tmpfs tmpfs rw\n"


def names(number: int, parent: int = 30, group: int = 1000) -> str:
    return "".join(
        f"{group + n} {parent} 0:4 net:[{4026534000 + n}] /run/netns/cni-{n} rw shared:{group + n} - nsfs nsfs rw\n"
        for n in range(number)
    )


def seen(**copies: str) -> Observation:
    return observe_copies({label: (label, text.encode()) for label, text in copies.items()})


def known(observation: Observation, label: str, **more: object) -> Observation:
    def one(namespace: MountNamespace) -> MountNamespace:
        return replace(namespace, **more) if namespace.label == label else namespace  # type: ignore[arg-type]

    return replace(observation, namespaces=tuple(map(one, observation.namespaces)))


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, [finding.summary for finding in findings]
    return findings[0]


COVERS = {
    "a peer": "135 30 0:59 /netns /run/netns rw shared:57 - tmpfs tmpfs rw\n",
    "private": "135 30 0:59 /netns /run/netns rw - tmpfs tmpfs rw\n",
    "a group of its own": "135 30 0:59 /netns /run/netns rw shared:99 - tmpfs tmpfs rw\n",
    "twice": "135 30 0:59 /netns /run/netns rw shared:57 - tmpfs tmpfs rw\n"
    "136 135 0:59 /netns /run/netns rw shared:57 - tmpfs tmpfs rw\n",
    "above": "135 30 0:59 / /run rw shared:57 - tmpfs tmpfs rw\n",
}


@pytest.mark.parametrize("cover", COVERS)
@pytest.mark.parametrize("number", [1, 3, 150])
def test_names_that_a_bind_of_their_directory_covers(cover: str, number: int) -> None:
    found = only(diagnose(seen(host=RUN + names(number) + COVERS[cover])))
    assert found.check == "covered-names" and str(number) in found.summary
    assert "umount -l" in found.mend and "rm " not in found.mend and "end or restart" not in found.mend


def test_what_lies_on_the_cover_alone_is_not_taken_away() -> None:
    later = "2000 135 0:4 net:[4026539999] /run/netns/later rw - nsfs nsfs rw\n"
    found = only(diagnose(seen(host=RUN + names(2) + COVERS["private"] + later)))
    assert found.check == "covered-names"
    assert not found.mend.startswith("umount")  # that would cost the later one
    assert "unshare --mount --propagation private" in found.mend and "mount -c --bind" in found.mend


def test_names_covered_in_an_engines_own_namespace() -> None:
    engine = (RUN + names(2) + COVERS["a peer"]).replace("shared:", "master:")
    observation = seen(host=RUN, dockerd=engine)
    observation = known(observation, "dockerd", pid=77, program="dockerd", is_engine=True, own_pid_namespace=False)
    found = [finding for finding in diagnose(observation) if finding.check == "covered-names"]
    assert only(found).culprits == ("dockerd",) and "nsenter -t 77 -m -p umount -l /run/netns" in found[0].mend


MULTUS = (
    "18 10 0:19 / / rw master:4 - overlay overlay rw\n19 18 8:1 / /hostroot rw master:1 - ext4 /dev/vda rw\n"
    "20 19 0:59 / /hostroot/run rw master:57 - tmpfs tmpfs rw\n"
    "31 18 0:59 /netns /run/netns rw master:57 - tmpfs tmpfs rw\n"
    "42 20 0:4 net:[4026534000] /hostroot/run/netns/cni-0 rw master:1000 - nsfs nsfs rw\n"
)


def test_a_deletion_that_was_refused_because_of_another_path() -> None:
    found = only(diagnose(seen(host=RUN + names(1), multus=MULTUS)))
    assert (found.check, found.netns, found.culprits) == ("plain-file", "cni-0", ("multus",))
    assert "refused" in found.cause and "/hostroot/run/netns/cni-0" in found.cause and "covers" not in found.cause
    assert "umount" not in found.mend and "mount -c --bind /hostroot/run/netns/cni-0 /run/netns/cni-0" in found.mend


def elsewhere(path: str, flags: str = "") -> str:
    return (
        "500 1 0:33 / / rw - overlay overlay rw\n"
        + " ".join(f"501 500 0:59 /netns {path} rw {flags} - tmpfs tmpfs rw\n".split(" ")).replace("  ", " ")
        + f"502 501 0:4 net:[4026534000] {path}/cni-0 rw - nsfs nsfs rw\n"
    )


@pytest.mark.parametrize("path", ["/host/var/run/netns", "/rootfs/run/netns", "/hostroot/run/netns"])
def test_a_mend_names_the_directory_of_the_host(path: str) -> None:
    found = only(diagnose(seen(host=RUN + names(2), daemon=elsewhere(path))))
    assert f"-v /run/netns:{path}:rslave" in found.mend and f"-v {path}:" not in found.mend


def test_a_mend_names_no_directory_of_a_host_that_was_not_seen() -> None:
    a = elsewhere("/run/netns", "shared:7")
    b = elsewhere("/run/netns").replace("cni-0", "cni-1").replace("4026534000", "4026534001")
    for finding in diagnose(seen(a=a, b=b)):
        assert "-v /run/netns" not in finding.mend


KEY = "/run/docker/netns/2d4fa51cd092"


@pytest.mark.parametrize(("read_only", "checks"), [(False, ["plain-file"]), (True, [])])
def test_an_engines_own_directory_cut_off(read_only: bool, checks: list[str]) -> None:
    host = RUN + f"40 30 0:4 net:[4026534000] {KEY} rw shared:60 - nsfs nsfs rw\n"
    probe = "500 1 0:33 / / rw - overlay overlay rw\n501 500 0:59 / /run rw - tmpfs tmpfs rw\n"
    container = Container("docker", "a" * 64, "probe", "image", (Bind("/var/run", "/var/run", "", read_only),))
    observation = known(
        seen(host=host, probe=probe), "probe", pid=9, container=container, may_use_namespaces=True, program="sleep"
    )
    found = diagnose(observation)
    assert [finding.check for finding in found] == checks
    if found:
        assert "-v /var/run:/var/run:rslave" in found[0].mend and found[0].safe == ()


def test_what_docker_leaves_for_everybody_is_none() -> None:
    host = RUN + f"40 30 0:4 net:[4026534000] {KEY} rw shared:60 - nsfs nsfs rw\n"
    assert diagnose(seen(host=host)) == []


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("path /run/netns is mounted on /run but it is not a shared mount", "/run"),
        ("path / is mounted on / but it is not a shared or slave mount", "/"),
        ("path /run is mounted on /run but it is not a shared or slave mount", "/run"),
    ],
)
def test_a_container_that_was_refused_is_told_of_alone(said: str, path: str) -> None:
    private = RUN.replace("shared:57 ", "").replace("shared:1 ", "")
    refused = Container("docker", "b" * 64, "agent", running=False, last_error=said)
    found = only(diagnose(replace(seen(host=private), stopped=(refused,))))
    assert (found.check, found.suffers, found.severity.word) == ("private-run", ("agent",), "error")
    assert f"mount --make-rshared {path}\n" in found.mend and "docker start agent" in found.mend
    assert diagnose(replace(seen(host=RUN), stopped=(refused,))) == []  # it is shared by now


@pytest.mark.parametrize(
    ("unit", "named", "not_named"),
    [
        ("docker.service", "systemctl restart docker.service", "snap"),
        ("snap.docker.dockerd.service", "install Docker from a package", "systemctl restart"),
        (None, "start process 77 (dockerd) again", "docker.service"),
    ],
)
def test_only_a_unit_that_is_there_is_named(unit: str | None, named: str, not_named: str) -> None:
    engine = RUN.replace("shared:", "master:") + f"40 30 0:4 net:[4026534000] {KEY} rw - nsfs nsfs rw\n"
    observation = known(
        seen(host=RUN, dockerd=engine),
        "dockerd",
        pid=77,
        program="dockerd",
        is_engine=True,
        own_pid_namespace=False,
        unit=unit,
        may_use_namespaces=True,
    )
    found = {finding.check: finding for finding in diagnose(observation)}
    assert named in found["engine-mount-namespace"].mend and not_named not in found["engine-mount-namespace"].mend
    assert found["plain-file"].broken_in == ("host",)


def test_a_kernel_that_refuses_deletions() -> None:
    copies = RUN + names(1)
    observation = replace(seen(host=copies, b=copies), settings={"fs.may_detach_mounts": "0"})
    assert [finding.check for finding in diagnose(observation)] == ["busy-deletions"]
    assert diagnose(replace(observation, settings={"fs.may_detach_mounts": "1"})) == []


@pytest.mark.parametrize(
    ("engine", "managed", "named"),
    [
        ("docker", {}, "docker stop agent"),
        ("podman", {}, "podman inspect"),
        ("podman", {"PODMAN_SYSTEMD_UNIT": "agent.service"}, "systemctl restart agent.service"),
        ("kubernetes", {"io.kubernetes.pod.name": "agent", "io.kubernetes.pod.namespace": "net"}, "kubectl -n net"),
        ("oci", {}, "# start agent again with: -v"),
    ],
)
def test_only_a_client_that_knows_the_container_is_named(engine: str, managed: dict[str, str], named: str) -> None:
    private = elsewhere("/run/netns")
    bind = Bind("/run/netns", "/run/netns", "")
    container = Container(engine, "c" * 64, "agent", "image", (bind,), managed_by=managed)  # type: ignore[arg-type]
    observation = known(
        seen(host=RUN + names(2), agent=private), "agent", pid=9, container=container, may_use_namespaces=True
    )
    found = only(diagnose(observation))
    assert named in found.mend
    others = {"docker ", "podman ", "kubectl "} - {f"{engine} ", "kubectl " if engine == "kubernetes" else ""}
    assert not any(f"\n{other}" in f"\n{found.mend}" for other in others)


def test_the_engine_itself_is_not_restarted_as_a_container() -> None:
    engine = RUN.replace("shared:", "master:") + "40 30 0:4 net:[4026534000] /run/netns/x rw - nsfs nsfs rw\n"
    observation = known(
        seen(host=RUN, dockerd=engine),
        "dockerd",
        pid=77,
        program="dockerd",
        is_engine=True,
        own_pid_namespace=False,
        unit="docker.service",
        may_use_namespaces=True,
    )
    for finding in diagnose(observation):
        assert "docker restart dockerd" not in finding.mend
        assert "mount -c --bind /proc/77/root/run/netns/x /run/netns/x" in finding.mend
