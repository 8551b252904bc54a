"""The containers of Neutron's DHCP and metadata agents as Kolla-Ansible's own roles define them, with our image."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.engine.conftest import CHECKOUT, Engine
from tests.engine.image.conftest import IMAGE, Kolla
from tests.waiting import wait_for

AGENTS = ("neutron-dhcp-agent", "neutron-metadata-agent")
BROKER = "import socket, time; one = socket.create_server(('127.0.0.1', 5672), backlog=64); time.sleep(3600)"
FLUENTD = re.compile(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}.\d{3} \d+ \S+ \S+ \[.*\]")  # Kolla's format_firstline
pytestmark = pytest.mark.timeout(0)  # the first test that asks for the image builds it


def scripts() -> Path:
    """The sources of Kolla's images."""
    command = [str(CHECKOUT / "tools" / "kolla"), "scripts"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def in_agent(engine: Engine, name: str, command: str) -> int:
    return engine.in_container(name, "bash", "-c", command, check=False).returncode


@pytest.mark.parametrize("kolla", ["yes", "no"], indirect=True)
def test_its_definitions_start_the_image(kolla: Kolla) -> None:
    """Side by side, with a broker that is there and says nothing."""
    engine = kolla.engine
    engine.docker("run", "-d", "--name", "broker", "--network", "host", IMAGE, "python", "-c", BROKER)
    names = [kolla.start(service) for service in AGENTS]
    for service, name in zip(AGENTS, names, strict=True):

        def log(service: str = service, name: str = name) -> str:
            command = f"cat /var/log/kolla/neutron/{service}.log"
            return engine.in_container(name, "bash", "-c", command, check=False).stdout

        def said(name: str = name) -> str:
            done = engine.host("docker", "logs", name, check=False)
            return done.stdout + done.stderr

        wait_for(lambda log=log: log(), f"{service} logs where Kolla's fluentd looks", said)  # type: ignore[misc]
        assert [line for line in log().splitlines() if not FLUENTD.match(line)] == []
        assert engine.in_container(name, "stat", "-c", "%a", f"/var/log/kolla/neutron/{service}.log").stdout == "644\n"
        assert engine.in_container(name, "stat", "-c", "%U %a", "/etc/neutron/neutron.conf").stdout == "neutron 600\n"
        assert in_agent(engine, name, "kolla_set_configs --check") == 0, "Kolla-Ansible would start it anew each time"
        command = engine.in_container(name, "bash", "-c", f"pgrep -af {service}").stdout
        assert f"{service} --config-file /etc/neutron/neutron.conf" in command
        engine.docker("cp", str(scripts() / "base" / "healthcheck_port"), f"{name}:/tmp/of_kolla")
        wait_for(
            lambda name=name, service=service: in_agent(engine, name, f"bash /tmp/of_kolla {service} 5672") == 0,  # type: ignore[misc]
            "Kolla's own healthcheck_port is green",
            log,
            every=0.5,
        )
    wait_for(lambda: in_agent(engine, names[1], "healthcheck_port neutron-metadata-agent 5672") == 0, "ours is too")
    shown = engine.in_container(names[0], "ls", "/var/lib/neutron/kolla").stdout.split()
    assert "metadata_proxy" in shown, "the two agents share the socket"
