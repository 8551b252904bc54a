"""A dockerd in a mount namespace of its own, as systemd's PrivateMounts= and MountFlags=slave make it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.engine.conftest import CHECKOUT, Engine

HOME = CHECKOUT / ".tools" / "engine"
SOCKET = "unix:///run/dr-docker.sock"
START = f"""
mkdir -p {HOME}/data-apart
export PATH={HOME}/prefix/usr/bin:{HOME}/prefix/usr/sbin:{HOME}/prefix/sbin:$PATH
export LD_LIBRARY_PATH={HOME}/prefix/usr/lib/$(uname -m)-linux-gnu:{HOME}/prefix/lib/$(uname -m)-linux-gnu
exec unshare --mount --propagation slave sh -c 'mount --make-r$0 /; exec "$@"' "$kind" \
  {HOME}/prefix/usr/sbin/dockerd --data-root {HOME}/data-apart --exec-root /run/dr-docker \
  --pidfile /run/dr-docker.pid -H {SOCKET} --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
  --ip-masq=false --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent=/netmend-engine-apart \
  --add-runtime ours={HOME}/runc --default-runtime ours >/run/dr-docker.log 2>&1 </dev/null
"""
STOP = f"""
docker -H {SOCKET} ps -aq | xargs -r docker -H {SOCKET} rm -f
pid=$(cat /run/dr-docker.pid) && kill $pid && for _ in $(seq 100); do  # process 1 there does not reap: a zombie is gone
  grep -q '^State:.*Z' /proc/$pid/status 2>/dev/null || [ ! -d /proc/$pid ] && break; sleep 0.1; done
rm -rf {HOME}/data-apart /run/dr-docker /run/dr-docker.log
find /sys/fs/cgroup -depth -type d -path '*/netmend-engine-apart*' -exec rmdir {{}} \\; 2>/dev/null || true
"""


@pytest.fixture(params=["shared", "slave"])
def apart(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The engine's host with a second dockerd on it, whose slaves of the host's mounts are shared again, or are not."""
    engine.host("bash", "-c", f"kind={request.param}; ({START}) & disown")
    try:
        for _ in range(300):
            if engine.docker("-H", SOCKET, "version", "--format", "{{.Server.Version}}", check=False):
                break
            time.sleep(0.1)
        else:
            pytest.fail(engine.host("cat", "/run/dr-docker.log").stdout)
        engine.host(
            "sh", "-c", f"tar -C {HOME}/image -c . | docker -H {SOCKET} import --change 'ENV PATH=/bin:/sbin' - base"
        )
        yield engine
    finally:
        engine.host("bash", "-c", STOP, check=False)


def without_dockerds_own(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All but names in dockerd's own directory, which are namespaces for it and plain files on the host."""
    own = [one for one in findings if one["check"] == "plain-file" and one["directory"] == "/run/dr-docker/netns"]
    assert {(*one["usable_in"], *one["broken_in"]) for one in own} <= {("dockerd", "host")}, findings
    return [one for one in findings if one not in own]


@pytest.mark.parametrize("apart", ["shared"], indirect=True)
def test_containers_agree_with_each_other_and_not_with_the_host(apart: Engine) -> None:
    for name in ("dr-a", "dr-b"):
        apart.docker(
            *("-H", SOCKET, "run", "-d", "--init", "--privileged", "--network=none", "--name", name),
            *("-v", "/run/netns:/run/netns:shared", "base", "sleep", "600"),
        )
    apart.docker("-H", SOCKET, "exec", "dr-a", "ip", "netns", "add", "t1")
    _, report = apart.doctor()
    finding, engine = without_dockerds_own(report["findings"])
    assert [finding["check"], engine["check"]] == ["plain-file", "engine-mount-namespace"], report["findings"]
    assert (finding["netns"], finding["usable_in"], finding["broken_in"]) == (
        "t1",
        ["dr-a", "dr-b", "dockerd"],
        ["host"],
    )
    assert "dockerd has mounts of its own" in finding["cause"] and "MountFlags" in finding["mend"]
    assert engine["suffers"] == ["dr-a", "dr-b"]


@pytest.mark.parametrize("apart", ["slave"], indirect=True)
def test_containers_are_not_started_for_it(apart: Engine) -> None:
    apart.docker(
        *("-H", SOCKET, "run", "-d", "--privileged", "--network=none", "--name", "dr-a"),
        *("-v", "/run/netns:/run/netns:shared", "base", "sleep", "600"),
        check=False,
    )
    _, report = apart.doctor()
    finding, refused = without_dockerds_own(report["findings"])
    assert (refused["check"], refused["suffers"]) == ("private-run", ["dr-a"])
    assert (finding["check"], finding["suffers"]) == ("engine-mount-namespace", ["dr-a"])
    assert "not a shared mount" in " ".join(finding["evidence"]) and "docker start dr-a" in finding["mend"]
