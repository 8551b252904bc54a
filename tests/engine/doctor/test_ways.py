"""The ways in which a real engine breaks names of namespaces: each is named, with its container and flag, and mended.

What each way does to whom is in the incident's table; here it is made for real, and the mend typed as it is printed.
"""

from typing import Any

from tests.engine.conftest import Engine
from tests.sessions import agrees, commands, sessions_of

NETNS = "/run/netns:/run/netns"


def only(found: list[dict[str, Any]], check: str) -> dict[str, Any]:
    chosen = [finding for finding in found if finding["check"] == check]
    assert len(chosen) == 1, [(finding["check"], finding["summary"]) for finding in found]
    return chosen[0]


def mended(engine: Engine) -> None:
    code, report = engine.doctor()
    assert (code, report["findings"]) == (0, [])


def test_a_host_in_order_has_no_finding(engine: Engine) -> None:
    engine.host("ip", "netns", "add", "t1")
    engine.start("dr-a", NETNS + ":shared")
    engine.start("dr-b", NETNS + ":slave")
    engine.docker("run", "-d", "--network=none", "--name", "dr-c", "base", "sleep", "3600")
    engine.in_container("dr-a", "ip", "netns", "add", "t2")
    engine.host("ip", "netns", "add", "t3")
    assert all(engine.usable(where, name) for where in ("host", "dr-a", "dr-b") for name in ("t1", "t2", "t3"))
    code, report = engine.doctor()
    assert (code, report["findings"], report["unread"]) == (0, [], [])
    assert report["looked_at"]["containers"] == 3


def test_the_session_of_the_readme(engine: Engine) -> None:
    (block,) = sessions_of(__file__, "README.md")
    ((_, shown),) = commands(block)
    engine.host("ip", "netns", "add", "t0")  # the host's mount is shared from here on
    engine.start("dr-l3", NETNS + ":shared")
    engine.start("dr-dhcp", NETNS)
    engine.in_container("dr-dhcp", "ip", "netns", "add", "t1")
    printed = engine.doctor_text().replace("dr-", "").replace("base", "dhcp-agent")
    assert agrees(shown, printed, generated=True, folded=True), printed


def test_made_in_a_private_container(engine: Engine) -> None:
    engine.start("dr-a", NETNS)
    engine.start("dr-b", NETNS + ":shared")
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    code, report = engine.doctor()
    finding = only(report["findings"], "plain-file")
    assert code == 1
    assert (finding["netns"], finding["usable_in"], finding["broken_in"]) == ("t1", ["dr-a"], ["host", "dr-b"])
    assert finding["culprits"] == ["dr-a"] and "-v /run/netns:/run/netns," in finding["cause"]
    engine.type(finding["mend"])
    assert engine.usable("host", "t1") and engine.usable("dr-a", "t1") and engine.usable("dr-b", "t1")
    mended(engine)


def test_made_in_a_slave_container(engine: Engine) -> None:
    engine.host("ip", "netns", "add", "t0")
    engine.start("dr-a", NETNS + ":slave")
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    _, report = engine.doctor()
    finding = only(report["findings"], "plain-file")
    assert (finding["usable_in"], finding["broken_in"]) == (["dr-a"], ["host"])
    assert finding["culprits"] == ["dr-a"] and "slave" in finding["cause"]
    engine.type(finding["mend"])
    assert engine.usable("host", "t1") and engine.usable("dr-a", "t1")
    mended(engine)


def test_made_on_the_host_and_not_seen_in_a_private_container(engine: Engine) -> None:
    engine.start("dr-a", NETNS + ":shared")
    engine.start("dr-b", NETNS)
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    _, report = engine.doctor()
    finding = only(report["findings"], "plain-file")
    assert (finding["usable_in"], finding["broken_in"]) == (["host", "dr-a"], ["dr-b"])
    assert finding["culprits"] == ["dr-b"]
    engine.type(finding["mend"])
    assert engine.usable("dr-b", "t1")
    mended(engine)


def test_shared_on_both_sides_with_different_groups(engine: Engine) -> None:
    """iproute2 makes a private mount shared on its first `ip netns add`: `shared:` proves nothing."""
    engine.host("ip", "netns", "add", "t0")
    engine.start("dr-a", NETNS)
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    engine.host("ip", "netns", "add", "t2")
    _, report = engine.doctor()
    found = {finding.get("netns"): finding for finding in report["findings"]}
    assert found["t1"]["broken_in"] == ["host"] and found["t2"]["broken_in"] == ["dr-a"] and "t0" not in found
    assert all("peer group of its own" in finding["cause"] for finding in found.values())
    for mend in dict.fromkeys(finding["mend"] for finding in found.values()):
        engine.type(mend)
    assert all(engine.usable(where, name) for where in ("host", "dr-a") for name in ("t0", "t1", "t2"))
    mended(engine)


def test_a_private_container_restarted(engine: Engine) -> None:
    engine.start("dr-a", NETNS)
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    engine.docker("restart", "-t", "1", "dr-a")
    _, report = engine.doctor()
    finding = only(report["findings"], "dead-name")
    assert (finding["netns"], finding["usable_in"], finding["broken_in"]) == ("t1", [], ["host", "dr-a"])
    assert finding["culprits"] == ["dr-a"] and "(re)start" in finding["cause"]
    engine.type(finding["mend"])
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    assert engine.usable("host", "t1")
    mended(engine)


def test_a_private_container_not_broken_yet(engine: Engine) -> None:
    engine.host("ip", "netns", "add", "t0")
    engine.start("dr-a", NETNS)
    _, report = engine.doctor()
    finding = only(report["findings"], "not-shared")
    assert finding["culprits"] == ["dr-a"]
    engine.type(finding["mend"])
    mended(engine)


def test_a_slave_covered_by_the_hosts_first_netns_add(engine: Engine) -> None:
    engine.start("dr-a", NETNS + ":slave")
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    engine.host("ip", "netns", "add", "t2")
    assert not engine.usable("dr-a", "t1")
    _, report = engine.doctor()
    found = {finding.get("netns"): finding for finding in report["findings"]}
    assert "t1" in found and found["t1"]["culprits"] == ["dr-a"]
    assert found["t1"]["broken_in"] == ["host", "dr-a"] and found["t1"]["usable_in"] == []
    engine.type(found["t1"]["mend"])
    mended(engine)


def test_run_and_netns_mounted_deletion_is_refused(engine: Engine) -> None:
    engine.host("ip", "netns", "add", "t0")
    engine.start("dr-a", "/run:/run", NETNS + ":shared")
    _, report = engine.doctor()
    before = only(report["findings"], "hidden-copy")
    assert before["culprits"] == ["dr-a"] and "-v /run:/run" in before["cause"]
    refused = engine.in_container("dr-a", "ip", "netns", "delete", "t0", check=False)
    assert "Device or resource busy" in refused.stderr
    _, report = engine.doctor()
    finding = only(report["findings"], "dead-name")
    assert finding["netns"] == "t0" and finding["culprits"] == ["dr-a"]
    engine.type(finding["mend"])  # the name is back, before the container that keeps the namespace is made again
    assert engine.usable("host", "t0")
    engine.type(before["mend"])
    mended(engine)
    engine.host("ip", "netns", "add", "t1")
    engine.in_container("dr-a", "ip", "netns", "delete", "t1")
    mended(engine)


def test_run_mounted_elsewhere_deletion_is_refused(engine: Engine) -> None:
    engine.host("ip", "netns", "add", "t0")
    engine.start("dr-a", "/run:/hostrun", NETNS + ":shared")
    _, report = engine.doctor()
    finding = only(report["findings"], "hidden-copy")
    assert finding["culprits"] == ["dr-a"] and "/hostrun/netns" in finding["summary"]
    engine.type(finding["mend"])
    mended(engine)
    engine.in_container("dr-a", "ip", "netns", "delete", "t0")
    mended(engine)


def test_mounts_that_double(engine: Engine) -> None:
    engine.host("ip", "netns", "add", "t0")
    engine.start("dr-a", "/run:/run:shared", NETNS + ":shared")
    for _ in range(3):
        engine.docker("restart", "-t", "1", "dr-a")
    _, report = engine.doctor()
    finding = only(report["findings"], "doubling-mounts")
    assert finding["culprits"] == ["dr-a"]
    engine.type(finding["mend"])
    mended(engine)
    before = engine.host("wc", "-l", "/proc/self/mountinfo").stdout
    engine.docker("restart", "-t", "1", "dr-a")
    assert engine.host("wc", "-l", "/proc/self/mountinfo").stdout == before
    assert engine.usable("dr-a", "t0") and engine.usable("host", "t0")


def test_made_without_its_pid_namespace(engine: Engine) -> None:
    engine.start("dr-a", NETNS + ":shared")
    pid = engine.docker("inspect", "-f", "{{.State.Pid}}", "dr-a")
    engine.host("nsenter", "-t", pid, "-m", "ip", "netns", "add", "t1", check=False)
    _, report = engine.doctor()
    finding = only(report["findings"], "dead-name")
    assert finding["netns"] == "t1" and "without the pid namespace" in finding["cause"] and not finding["culprits"]
    engine.type(finding["mend"])
    mended(engine)


def test_a_private_run(engine: Engine) -> None:
    engine.host("mount", "--make-private", "/run")
    engine.start("dr-a", NETNS)
    refused = engine.host(
        *("docker", "run", "-d", "--network=none", "--name", "dr-b", "-v", NETNS + ":shared", "base", "sleep", "9"),
        check=False,
    )
    assert "not a shared mount" in refused.stderr
    _, report = engine.doctor()
    finding = only(report["findings"], "private-run")
    assert finding["culprits"] == ["host"] and finding["suffers"] == ["dr-a", "dr-b"]
    engine.type(finding["mend"])
    mended(engine)
    assert engine.docker("inspect", "-f", "{{.State.Running}}", "dr-b") == "true"


def test_a_deleted_directory(engine: Engine) -> None:
    engine.start("dr-a", NETNS + ":shared")
    engine.host("rm", "-rf", "/run/netns")
    engine.host("mkdir", "/run/netns")
    _, report = engine.doctor()
    finding = only(report["findings"], "deleted-directory")
    assert finding["culprits"] == ["dr-a"]
    engine.type(finding["mend"])
    mended(engine)


def test_a_namespace_that_outlives_its_name(engine: Engine) -> None:
    engine.start("dr-a", NETNS + ":shared")
    engine.in_container("dr-a", "ip", "netns", "add", "t1")
    script = "ip netns exec t1 sleep 60 >/dev/null 2>&1 </dev/null & echo $!; sleep 0.3; ip netns delete t1"
    pid = engine.host("bash", "-c", script).stdout.strip()
    try:
        _, report = engine.doctor()
        finding = only(report["findings"], "nameless-namespace")
        assert finding["netns"] == "t1" and f"process {pid} (sleep)" in " ".join(finding["evidence"])
        code, _ = engine.doctor("--fix", "--yes")
        assert code == 0 and engine.usable("host", "t1") and engine.usable("dr-a", "t1")
    finally:
        engine.host("kill", pid)


def test_dockers_own_directory_cut_off(engine: Engine) -> None:
    engine.start("dr-a", "/var/run:/var/run")
    engine.docker("run", "-d", "--network=none", "--name", "dr-b", "base", "sleep", "3600")
    key = engine.docker("inspect", "-f", "{{.NetworkSettings.SandboxKey}}", "dr-b")
    name = key.rpartition("/")[2]
    _, report = engine.doctor()
    finding = only(report["findings"], "plain-file")
    assert (finding["netns"], finding["broken_in"], finding["culprits"]) == (name, ["dr-a"], ["dr-a"])
    assert ":rslave" in finding["mend"]
    engine.type(finding["mend"])
    assert (
        engine.in_container("dr-a", "nsenter", f"--net=/run/docker/netns/{name}", "true", check=False).returncode == 0
    )
    mended(engine)


def test_a_container_that_was_refused_is_told_of_alone(engine: Engine) -> None:
    engine.host("mount", "--make-private", "/run")
    words = ("docker", "run", "-d", "--network=none", "--name", "dr-b", "-v", NETNS + ":shared", "base", "sleep", "9")
    refused = engine.host(*words, check=False)
    assert "not a shared mount" in refused.stderr
    _, report = engine.doctor()
    finding = only(report["findings"], "private-run")
    assert (finding["severity"], finding["suffers"]) == ("error", ["dr-b"])
    engine.type(finding["mend"])
    assert engine.docker("inspect", "-f", "{{.State.Running}}", "dr-b") == "true"
    mended(engine)
