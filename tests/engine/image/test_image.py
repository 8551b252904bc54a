"""The image on a real engine: what is in it, how it is started by hand, and Kolla's contract."""

import json
from pathlib import Path

import pytest
from tests.engine.conftest import Engine
from tests.engine.image.conftest import IMAGE
from tests.waiting import wait_for

NETWORKS = """
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24}]
    dns: {}
"""
MOST = 120_000_000  # bytes
pytestmark = pytest.mark.timeout(0)  # the first test that asks for the image builds it


def run(engine: Engine, *words: str, check: bool = True) -> str:
    """What a command in a container says; its root is read-only, and it has no network."""
    return engine.docker("run", "--rm", "--read-only", "--network", "none", *words, check=check)


def test_it_is_small_and_has_no_compiler(engine: Engine) -> None:
    assert int(engine.docker("image", "inspect", "-f", "{{.Size}}", IMAGE)) < MOST
    found = run(engine, IMAGE, "bash", "-c", "command -v cc gcc as ld make pip pip3 apt-get dpkg perl; true")
    assert found == ""


def test_it_starts_within_a_second_of_processor_time(engine: Engine) -> None:
    times = run(engine, IMAGE, "bash", "-c", "netmend --version >/dev/null; times").splitlines()[1]
    seconds = [
        float(minutes) * 60 + float(rest.rstrip("s"))
        for minutes, _, rest in (one.partition("m") for one in times.split())
    ]
    assert sum(seconds) < 1


def test_what_openstack_helms_probe_imports_is_there(engine: Engine) -> None:
    names = "httplib2, psutil, oslo_config.cfg, oslo_context.context, oslo_log.log, oslo_messaging"
    run(engine, IMAGE, "python", "-W", "ignore", "-c", f"import {names}; oslo_messaging.get_rpc_client")


def test_alone_it_says_what_it_can_do(engine: Engine) -> None:
    done = engine.host("docker", "run", "--rm", "--network", "none", IMAGE, check=False)
    assert (done.returncode, "Usage: netmend" in done.stderr + done.stdout) == (2, True)


def test_a_node_with_a_read_only_root(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "networks.yaml").write_text(NETWORKS)
    places = [word for place in ("/run/netmend", "/var/lib/netmend") for word in ("--tmpfs", place)]
    engine.docker(
        "run", "-d", "--name", "node", "--read-only", "--privileged", "--network", "host", *places, "-v",
        "/run/netns:/run/netns:shared", "-v", f"{tmp_path}:/etc/netmend:ro", IMAGE, "netmend", "run", "-c",
        "/etc/netmend/networks.yaml",
    )  # fmt: skip

    def ready() -> bool:
        return engine.in_container("node", "netmend", "health", "ready", check=False).returncode == 0

    wait_for(ready, "it serves", lambda: engine.host("docker", "logs", "node", check=False).stderr)
    assert engine.host("bash", "-c", "ls /run/netns").stdout.startswith("qdhcp-")


FROM = "/var/lib/kolla/config_files"
CONFIG = {
    "command": "cat /etc/neutron/a.conf",
    "config_files": [
        {"source": f"{FROM}/a.conf", "dest": "/etc/neutron/a.conf", "owner": "neutron", "perm": "0600"},
        {"source": f"{FROM}/*.ini", "dest": "/etc/neutron/", "owner": "root:kolla", "perm": "0o640", "optional": True},
    ],
    "directories": [{"path": "/var/lib/neutron/kolla", "owner": "neutron", "perm": "0700"}],
    "permissions": [{"path": "/var/log/kolla", "owner": "neutron:kolla", "recurse": True, "exclude": ["keep"]}],
}


def start(engine: Engine, etc: Path, config: object, *options: str, command: str = "kolla_start") -> tuple[int, str]:
    """The exit code and the words of a container by Kolla's contract."""
    (etc / "config.json").write_text(json.dumps(config))
    words = ["docker", "run", "--rm", "--network", "none", "-v", f"{etc}:/var/lib/kolla/config_files:ro"]
    words += ["-e", "KOLLA_CONFIG_STRATEGY=COPY_ALWAYS", *options, IMAGE, "bash", "-c", command]
    done = engine.host(*words, check=False)
    return done.returncode, done.stdout + done.stderr


def test_files_get_their_places_owners_and_modes(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("what it says\n")
    (tmp_path / "b.ini").write_text("")
    looks = "stat -c '%n %U:%G %a' /etc/neutron/* /var/lib/neutron/kolla /var/log/kolla/*"
    looks += "; kolla_set_configs --check; echo code $?"
    code, said = start(
        engine, tmp_path, CONFIG, command=f"touch /var/log/kolla/keep /var/log/kolla/log; kolla_start; {looks}"
    )
    lines = said.splitlines()
    assert code == 0 and "what it says" in lines, said
    for line in (
        "/etc/neutron/a.conf neutron:neutron 600",
        "/etc/neutron/b.ini root:kolla 640",
        "/var/lib/neutron/kolla neutron:neutron 700",
        "/var/log/kolla/keep root:kolla 644",
        "/var/log/kolla/log neutron:kolla 644",
        "code 0",
    ):
        assert line in lines, said


def test_what_differs_is_said(engine: Engine, tmp_path: Path) -> None:
    """`kolla_set_configs --check`, by which Kolla-Ansible knows that a container is to be started anew."""
    (tmp_path / "a.conf").write_text("one\n")
    for spoil, why in (
        ("echo two >/etc/neutron/a.conf", "/etc/neutron/a.conf: differs from"),
        ("chmod 644 /etc/neutron/a.conf", "has mode 0644, and config.json says 0600"),
        ("chown root /etc/neutron/a.conf", "does not belong to neutron"),
        ("echo true >/run_command", "the command that runs is another one"),
    ):
        code, said = start(engine, tmp_path, CONFIG, command=f"kolla_start; {spoil}; sudo -E kolla_set_configs --check")
        assert code == 1 and why in said, said


def test_what_is_wrong_is_a_sentence(engine: Engine, tmp_path: Path) -> None:
    code, said = start(engine, tmp_path, CONFIG)
    assert code == 1 and "a.conf: there is no such file to copy to /etc/neutron/a.conf" in said
    code, said = start(engine, tmp_path, {"config_files": []})
    assert code == 1 and "config.json: command: is missing" in said
    (tmp_path / "a.conf").write_text("")
    code, said = start(engine, tmp_path, CONFIG, "-e", "KOLLA_CONFIG_STRATEGY=NEVER")
    assert code == 1 and "KOLLA_CONFIG_STRATEGY is 'NEVER'" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("strategy", "second"), [("COPY_ALWAYS", "two"), ("COPY_ONCE", "one")])
def test_a_container_that_is_started_again(engine: Engine, tmp_path: Path, strategy: str, second: str) -> None:
    """What config.json does not name any more goes, unless the container is to stay as it was made."""
    (tmp_path / "a.conf").write_text("one\n")
    (tmp_path / "b.ini").write_text("b\n")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    engine.docker(
        "create", "--name", "again", "--network", "none", "-v", f"{tmp_path}:/var/lib/kolla/config_files:ro", "-e",
        f"KOLLA_CONFIG_STRATEGY={strategy}", IMAGE,
    )  # fmt: skip
    assert engine.docker("start", "-a", "again") == "one"
    (tmp_path / "a.conf").write_text("two\n")
    (tmp_path / "b.ini").unlink()
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"command": "ls /etc/neutron /etc/kolla/defaults"}))
    said = engine.docker("start", "-a", "again")
    assert (said == "one") if second == "one" else ("a.conf" in said and "b.ini" not in said)
    engine.docker("cp", "again:/etc/neutron/a.conf", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_text().strip() == second
