"""`netmend attach` and `detach`: what is asked for is there when the verb ends, what cannot be is a sentence."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.kernel.store_node import make_guest, make_network, process_apart, store_node
from tests.sessions import agrees, commands, sessions_of, typed

from netmend.intent.names import tap_name
from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns


def netmend(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "netmend.cli", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def inside(namespace: Netns, device: str) -> links.Link | None:
    with namespace.entered(), RouteSocket() as route:
        return links.find_link(route, device)


def test_a_tap() -> None:
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("this user may not open /dev/net/tun")
    with store_node() as api:
        network = make_network(api, "lab")
        port = api.create_port({"network_id": network["id"], "name": "vm"})
        netmend("attach", "vm", "--tap", "--owner", "0")
        with RouteSocket() as route:
            tap = links.find_link(route, tap_name(port["id"]))
        assert tap is not None
        assert (tap.kind, tap.owner) == ("tun", 0)


def test_a_namespace_and_a_process() -> None:
    with store_node() as api:
        network = make_network(api, "lab")
        for name in ("one", "two"):
            api.create_port({"network_id": network["id"], "name": name})
        guest = make_guest("guest-1")
        port = api.port("one")
        said = netmend("attach", "one", "--netns", "guest-1")
        assert said == f"one: eth0, by {tap_name(port['id'])} on the host, {port['mac_address']}, {ip(port)}\n"
        device = inside(guest, "eth0")
        assert device is not None
        assert device.mac == port["mac_address"]

        sleeper = process_apart()
        told = json.loads(netmend("attach", "two", "--pid", str(sleeper.pid), "--device", "lan0", "--json"))
        assert (told["plug"], told["problem"]) == ({"pid": sleeper.pid, "device": "lan0"}, None)
        with Netns.of_process(sleeper.pid) as other:
            assert inside(other, "lan0") is not None

        assert "Another port is plugged into guest-1 as eth0" in netmend("attach", "two", "--netns", "guest-1", code=2)
        assert netmend("detach", "one") == "one: not plugged\n"
        assert api.port("one")["netmend"] == {}
        wait_gone(guest, "eth0")
        assert netmend("detach", "one") == "one: not plugged\n"  # again is no error
        sleeper.send_signal(signal.SIGKILL)
        sleeper.wait()


def wait_gone(namespace: Netns, device: str) -> None:
    for _ in range(200):
        if inside(namespace, device) is None:
            return
        subprocess.run(["sleep", "0.02"], check=True)
    raise AssertionError(f"{device} is still there")


def ip(port: dict[str, object]) -> str:
    entries = port["fixed_ips"]
    assert isinstance(entries, list)
    return str(entries[0]["ip_address"])


def test_what_cannot_be_is_said_in_a_sentence() -> None:
    assert "no node runs here with a store" in netmend("attach", "one", "--pid", "1", code=2)
    with store_node() as api:
        network = make_network(api, "lab")
        for name in ("same", "same", "one"):
            api.create_port({"network_id": network["id"], "name": name})
        assert "give one of --pid, --netns, --container, --tap" in netmend("attach", "one", code=2)
        assert "the store has no port nobody" in netmend("attach", "nobody", "--tap", code=2)
        assert "2 ports are called same; give the id" in netmend("attach", "same", "--tap", code=2)
        assert "process 999999: open /proc/999999/ns/net" in netmend("attach", "one", "--pid", "999999", code=2)
        assert "namespace nowhere: open /run/netns/nowhere" in netmend("attach", "one", "--netns", "nowhere", code=2)
        assert "no container web was found" in netmend("attach", "one", "--container", "web", code=2)
        make_guest("busy")
        netmend("attach", "one", "--netns", "busy")
        Path("/run/netns/plain").touch()
        assert "the file is there, the namespace is not" in netmend("attach", "one", "--netns", "plain", code=2)


def test_with_a_file_the_file_decides() -> None:
    port = "{name: one, fixed_ips: [10.0.0.9]}"
    Path("/run/intent.yaml").write_text(f"networks: [{{name: a, subnets: [{{cidr: 10.0.0.0/24}}], ports: [{port}]}}]\n")
    node = subprocess.Popen(
        [sys.executable, "-m", "netmend.cli", "run", "-c", "/run/intent.yaml", "--state-dir", "/run/state"],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not Path("/run/netmend/netmend.sock").exists():
            assert node.poll() is None
        said = netmend("attach", "one", "--pid", "1", code=2)
        assert "the node takes its intent from /run/intent.yaml, and the file decides" in said
        (block,) = sessions_of(__file__, "docs/attach.md")
        ((command, shown),) = commands(block)
        printed = typed(command.replace("guest-1", "one").replace("4711", str(node.pid)))
        assert agrees(
            shown.replace("/etc/netmend/networks.yaml", "/run/intent.yaml"), printed.replace(str(node.pid), "4711")
        ), printed
    finally:
        node.kill()
        node.wait()
