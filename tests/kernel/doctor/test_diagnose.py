"""Faults made for real, and a host in order that changes all the while."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.kernel.doctor.hosts import checks, container, diagnosed, in_mounts_of, ip, mounted, plain, share_run
from tests.waiting import wait_for

from netmend.doctor import snapshot
from netmend.doctor.diagnose import diagnose, diagnose_steadily
from netmend.doctor.fix import fix
from netmend.doctor.look import look
from netmend.doctor.preflight import diagnose_directory
from netmend.ground.finding import Finding, PinName, RemoveName
from netmend.kernel import mounts, syscalls
from netmend.kernel.netns import Netns
from netmend.kernel.procfs import namespace_inode, program

LOOKS = 1_000


def type_mend(finding: Finding) -> None:
    """Type the mend as it stands, but for `netmend` itself."""
    subprocess.run(["sh", "-ec", "netmend() { :; }\n" + finding.mend], check=True, capture_output=True)


def test_nothing_is_wrong_with_a_host_in_order() -> None:
    share_run()
    ip("netns", "add", "t1")
    container(mounted(syscalls.MS_SLAVE))
    container(mounted(syscalls.MS_SHARED))
    ip("netns", "add", "t2")
    ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", "t1")
    ip("-n", "t1", "link", "set", "v1", "up")
    observation, findings = diagnosed()
    assert findings == []
    assert len(observation.namespaces) == 3 and observation.complete
    named = {network.inode: network for network in observation.networks}
    with Netns.open("/run/netns/t1") as t1:
        assert {link.name for link in named[t1.inode].links or ()} == {"lo", "v1"}


def test_no_finding_in_a_thousand_looks_under_constant_change() -> None:
    share_run()
    ip("netns", "add", "steady")
    container(mounted(syscalls.MS_SHARED))
    container(mounted(syscalls.MS_SLAVE))
    script = "while true; do ip netns add x; ip netns add y; ip netns delete x; ip netns delete y; done"
    churn = subprocess.Popen(["sh", "-c", script])
    try:
        for _ in range(LOOKS):
            _, findings = diagnosed()
            assert findings == []
    finally:
        churn.kill()
        churn.wait()


def test_a_half_made_name_is_seen_and_not_reported() -> None:
    share_run()
    ip("netns", "add", "t1")
    Path("/run/netns/half").touch(mode=0)
    assert checks(diagnose(look())) == ["dead-name"]
    waited: list[float] = []

    def finish(seconds: float) -> None:
        waited.append(seconds)
        Path("/run/netns/half").unlink()

    assert diagnose_steadily(look, finish)[1] == []
    assert len(waited) == 1


def test_private_mounts_are_named_both_ways() -> None:
    share_run()
    ip("netns", "add", "t0")
    pid = container(mounted(syscalls.MS_PRIVATE))
    ip("netns", "add", "on-host")
    in_mounts_of(pid, "ip", "netns", "add", "inside")
    _, findings = diagnosed()
    found = {finding.netns: finding for finding in findings}
    assert set(found) == {"on-host", "inside"}
    label = f"(pid {pid})"
    assert found["on-host"].usable_in == ("host",) and label in found["on-host"].broken_in[0]
    assert found["inside"].broken_in == ("host",) and label in found["inside"].usable_in[0]
    assert plain("/run/netns/inside")


def test_fix_pins_what_lives_and_removes_what_is_dead() -> None:
    share_run()
    ip("netns", "add", "t0")
    pid = container(mounted(syscalls.MS_PRIVATE))
    in_mounts_of(pid, "ip", "netns", "add", "inside")
    Path("/run/netns/dead").touch(mode=0)
    _, findings = diagnosed()
    kinds = {type(action) for finding in findings for action in finding.safe}
    assert kinds == {RemoveName, PinName}
    said: list[str] = []
    assert not fix(findings, lambda _: False, said.append)
    assert diagnosed()[1] == findings and plain("/run/netns/dead") and plain("/run/netns/inside")
    assert fix(findings, lambda _: True, said.append)
    assert diagnosed()[1] == [] and not Path("/run/netns/dead").exists() and not plain("/run/netns/inside")
    with Netns.open(f"/proc/{pid}/root/run/netns/inside") as inside, Netns.open("/run/netns/inside") as again:
        assert inside.inode == again.inode


def test_fix_leaves_a_name_alone_that_somebody_has() -> None:
    """Unlinking a file takes the mounts on it away in every mount namespace."""
    share_run()
    ip("netns", "add", "t0")
    pid = container(mounted(syscalls.MS_PRIVATE))
    in_mounts_of(pid, "ip", "netns", "add", "inside")
    _, findings = diagnosed()
    assert not any(isinstance(action, RemoveName) for finding in findings for action in finding.safe)


def test_a_second_copy_on_the_host_is_found_before_and_after_the_deletion() -> None:
    share_run()
    ip("netns", "add", "t1")
    syscalls.mount("tmpfs", "/mnt", "tmpfs", 0)
    Path("/mnt/copy").mkdir()
    mounts.bind("/run", "/mnt/copy", recursive=True)
    assert diagnosed()[1] == []  # a peer: what is unmounted here is unmounted there
    mounts.make("/mnt/copy", syscalls.MS_PRIVATE, recursive=True)
    _, findings = diagnosed()
    assert checks(findings) == ["hidden-copy"] and "/mnt/copy/netns" in findings[0].summary
    refused = subprocess.run(["ip", "netns", "delete", "t1"], check=False, capture_output=True, text=True)
    assert "Device or resource busy" in refused.stderr
    _, findings = diagnosed()
    assert [(finding.check, finding.netns) for finding in findings] == [("dead-name", "t1")]
    assert fix(findings, lambda _: True, lambda _: None) and not plain("/run/netns/t1")
    assert subprocess.run(["ip", "netns", "delete", "t1"], check=False, capture_output=True).returncode != 0
    _, findings = diagnosed()
    type_mend(findings[0])
    assert not plain("/run/netns/t1")  # it has its name again: whether it is wanted is not for netmend to say
    _, findings = diagnosed()
    assert checks(findings) == ["hidden-copy"]
    type_mend(findings[0])
    ip("netns", "delete", "t1")
    assert diagnosed()[1] == [] and not Path("/run/netns/t1").exists()


def pin(path: str) -> None:
    """A namespace on a file, as container engines make it: without mounting the directory on itself first."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()
    subprocess.run(["unshare", "-n", "mount", "-c", "--bind", "/proc/self/ns/net", path], check=True)


@pytest.mark.parametrize("shared", [True, False])
def test_names_of_an_engine_that_a_bind_of_the_directory_covers(shared: bool) -> None:
    share_run()
    for name in ("cni-1", "cni-2"):
        pin(f"/run/netns/{name}")
    with Netns.open("/run/netns/cni-1") as namespace:
        inode = namespace.inode
    if not shared:
        mounts.make("/run", syscalls.MS_PRIVATE)
    mounts.bind("/run/netns", "/run/netns", recursive=False)
    if not shared:  # what is made now lies on the cover alone, and would go with it
        pin("/run/netns/later")
    assert plain("/run/netns/cni-1")
    _, findings = diagnosed()
    covered = [finding for finding in findings if finding.check == "covered-names"]
    assert len(covered) == 1 and "2 names in /run/netns" in covered[0].summary
    assert [finding for finding in findings if finding.check in ("dead-name", "nameless-namespace")] == []
    assert not any(finding.safe for finding in findings)
    type_mend(covered[0])
    with Netns.open("/run/netns/cni-1") as namespace:
        assert namespace.inode == inode
    assert not plain("/run/netns/cni-2") and (shared or not plain("/run/netns/later"))
    assert "covered-names" not in checks(diagnosed()[1])


def test_an_engine_in_mounts_of_its_own_pins_what_the_host_sees_as_plain_files(tmp_path: Path) -> None:
    share_run()
    Path("/run/snap.docker/netns").mkdir(parents=True)
    engine = tmp_path / "dockerd"
    engine.write_bytes(Path("/bin/sleep").read_bytes())
    engine.chmod(0o755)
    name = "/run/snap.docker/netns/db65a7df22ec"
    script = (
        f"touch {name}; unshare -n mount -c --bind /proc/self/ns/net {name}; touch {tmp_path}/up; exec {engine} 600"
    )
    daemon = subprocess.Popen(["unshare", "--mount", "--propagation", "slave", "sh", "-c", script])
    wait_for(lambda: (tmp_path / "up").exists() and program(daemon.pid) == "dockerd", "dockerd is up")
    _, findings = diagnosed()
    found = {finding.check: finding for finding in findings}
    assert found["plain-file"].broken_in == ("host",) and found["plain-file"].directory == "/run/snap.docker/netns"
    assert found["engine-mount-namespace"].directory == "/run/snap.docker/netns"
    assert "docker.service" not in found["engine-mount-namespace"].mend + found["plain-file"].mend
    daemon.kill()
    daemon.wait()


def test_idle_namespaces_by_the_dozen_and_leaks_by_the_names_of_other_runtimes() -> None:
    share_run()
    for number in range(25):
        ip("netns", "add", f"cni-{number}")
    ip("link", "add", "eni12ab34567", "type", "veth", "peer", "name", "enipeer")
    if taps := os.access("/dev/net/tun", os.R_OK | os.W_OK):  # some machines keep it from ordinary users
        ip("tuntap", "add", "tap0_urunc", "mode", "tap")
    _, findings = diagnosed()
    assert sorted(checks(findings)) == ["idle-namespaces", *(1 + taps) * ["orphan-devices"]]
    assert {finding.severity.word for finding in findings if finding.check == "orphan-devices"} == {"note"}
    for finding in findings:
        type_mend(finding)
    assert checks(diagnosed()[1]) == ["idle-namespaces"]  # a mend deletes no name that can be used


def test_a_namespace_kept_by_a_process_and_by_a_descriptor() -> None:
    share_run()
    ip("netns", "add", "lost")
    ip("-n", "lost", "link", "add", "tap01234567-89", "type", "bridge")
    process = subprocess.Popen(["ip", "netns", "exec", "lost", "sleep", "60"])
    ours = namespace_inode(os.getpid(), "net")
    wait_for(lambda: namespace_inode(process.pid, "net") != ours, "the process is in its namespace")
    ip("netns", "delete", "lost")
    _, findings = diagnosed()
    assert checks(findings) == ["nameless-namespace"] and findings[0].netns == "lost"
    assert f"process {process.pid}" in " ".join(findings[0].evidence) and "tap01234567-89" in " ".join(
        findings[0].evidence
    )
    assert fix(findings, lambda _: True, lambda _: None)
    assert Netns.open("/run/netns/lost").inode == namespace_inode(process.pid, "net")
    process.kill()
    process.wait()


def test_orphans_of_a_loop_and_a_bridge_nearly_full() -> None:
    for number in range(3):
        ip("link", "add", f"tap0000000{number}-aa", "type", "veth", "peer", "name", f"ns-0000000{number}-aa")
    ip("link", "add", "br0", "type", "bridge")
    lines = [f"link add d{number} master br0 type veth peer name e{number}" for number in range(465)]
    lines += [f"link set e{number} master br0" for number in range(465)]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    _, findings = diagnosed()
    assert sorted(checks(findings)) == ["bridge-ports", "orphan-devices"]
    found = {finding.check: finding for finding in findings}
    assert "6 orphan devices in the manner of Neutron" in found["orphan-devices"].summary
    type_mend(found["orphan-devices"])
    _, findings = diagnosed()
    assert checks(findings) == ["bridge-ports"]


def test_a_namespace_whose_links_are_all_down() -> None:
    share_run()
    ip("netns", "add", "t1")
    ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", "t1")
    _, findings = diagnosed()
    assert [(finding.check, finding.netns) for finding in findings] == [("links-down", "t1")]


def test_a_snapshot_says_what_the_host_says_and_holds_no_secret() -> None:
    share_run()
    ip("netns", "add", "t0")
    pid = container(mounted(syscalls.MS_PRIVATE))
    in_mounts_of(pid, "ip", "netns", "add", "inside")
    secret = subprocess.Popen(["sh", "-c", "sleep 60; true hunter2"], env={**os.environ, "PASSWORD": "hunter2"})
    observation = look()
    text = snapshot.write(observation)
    assert "hunter2" not in text
    again = snapshot.read(text)
    assert diagnose(again) == diagnose(observation) != []
    secret.kill()
    secret.wait()


def test_preflight_looks_from_where_it_stands() -> None:
    share_run()
    ip("netns", "add", "t1")
    assert diagnose_directory("/run/netns", ["t1", "t2"]) == []
    Path("/run/netns/t2").touch(mode=0)
    assert [finding.netns for finding in diagnose_directory("/run/netns", ["t1", "t2"])] == ["t2"]
    mounts.make("/", syscalls.MS_PRIVATE, recursive=True)
    assert "directory-private" in checks(diagnose_directory("/run/netns", []))
