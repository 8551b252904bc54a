"""A node under a service manager says when it is ready, alive, reloading and ending (sd_notify(3))."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

INTENT = Path("/run/intent.yaml")


@pytest.mark.parametrize("address", ["/run/notify", "@netmend-test"])
def test_a_nodes_life_as_its_service_manager_hears_it(address: str) -> None:
    INTENT.write_text("networks: [{name: blue, subnets: [{cidr: 10.0.0.0/24, gateway: 10.0.0.1}]}]")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind("\0" + address[1:] if address.startswith("@") else address)
    manager.settimeout(120)
    heard: list[str] = []

    def until(line: str) -> None:
        while not any(line in message.splitlines() for message in heard):
            heard.append(manager.recv(4096).decode())

    node = subprocess.Popen(
        [sys.executable, "-m", "netmend.cli", "run", "-c", str(INTENT), "--state-dir", "/run/state"],
        env={**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"},
    )
    try:
        until("READY=1")
        assert any("STATUS=1 of 1 networks are as intent says" in message for message in heard)
        heard.clear()
        until("WATCHDOG=1")
        heard.clear()
        until("WATCHDOG=1")
        node.send_signal(signal.SIGHUP)
        until("RELOADING=1")
        until("READY=1")
        node.send_signal(signal.SIGTERM)
        until("STOPPING=1")
        assert node.wait(60) == 0
    finally:
        node.kill()
        node.wait()


def test_a_watchdog_of_another_process_is_not_ours() -> None:
    INTENT.write_text("networks: []")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind("/run/notify")
    manager.settimeout(120)
    environment = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}
    node = subprocess.Popen(
        [sys.executable, "-m", "netmend.cli", "run", "-c", str(INTENT), "--state-dir", "/run/state"],
        env={**os.environ, **environment},
    )
    try:
        heard = [manager.recv(4096).decode()]
        while "STOPPING=1" not in heard[-1]:
            if "READY=1" in heard[-1]:
                node.send_signal(signal.SIGTERM)
            heard.append(manager.recv(4096).decode())
        assert not any("WATCHDOG" in message for message in heard)
    finally:
        node.kill()
        node.wait()
