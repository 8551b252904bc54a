"""The CNI plugin, called as the specification says: environment and standard input, JSON and exit code back."""

import json
import os
import resource
import subprocess
import sys
import time
from ipaddress import IPv4Interface, ip_address
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.store_node import make_guest, make_network, process_apart, store_node
from tests.waiting import wait_for

from netmend.attach.client import Api
from netmend.kernel import addresses, links, routes
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

PLUGIN = str(Path(sys.executable).with_name("netmend-cni"))


def conf(version: str = "1.1.0", **more: Any) -> dict[str, Any]:
    return {"cniVersion": version, "name": "lab-conf", "type": "netmend-cni", "network": "lab", **more}


def plugin(command: str, configuration: Any, environment: dict[str, str] | None = None, *, code: int = 0) -> Any:
    """What it prints; `environment`: beside what every runtime sets."""
    given = {"CNI_COMMAND": command, "CNI_PATH": "/opt/cni/bin", "PATH": os.environ["PATH"], **(environment or {})}
    raw = configuration if isinstance(configuration, bytes) else json.dumps(configuration).encode()
    done = subprocess.run([PLUGIN], input=raw, env=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert not done.stderr, done.stderr.decode()
    return json.loads(done.stdout) if done.stdout else None


def attachment(container: str, device: str = "eth0") -> dict[str, str]:
    return {"CNI_CONTAINERID": container, "CNI_NETNS": f"/run/netns/{container}", "CNI_IFNAME": device}


def test_add_check_del() -> None:
    with store_node() as api:
        network = make_network(api, "lab", gateway_ip="192.0.2.1", dns_nameservers=["192.0.2.53"])
        guest = make_guest("c1")
        result = plugin("ADD", conf(), attachment("c1"))
        port = api.ports(device_id="c1")[0]
        address = port["fixed_ips"][0]["ip_address"]
        assert result["ips"] == [{"address": f"{address}/24", "interface": 1, "gateway": "192.0.2.1"}]
        assert result["routes"] == [{"dst": "0.0.0.0/0", "gw": "192.0.2.1"}]
        assert result["dns"] == {"nameservers": ["192.0.2.53"]}
        assert result["interfaces"][1] == {
            "name": "eth0", "mac": port["mac_address"], "sandbox": "/run/netns/c1", "mtu": network["mtu"],
        }  # fmt: skip
        with guest.entered(), RouteSocket() as route:
            link = links.find_link(route, "eth0")
            assert link is not None
            assert link.up
            assert IPv4Interface(f"{address}/24") in addresses.dump_addresses(route)[link.index]
            assert ("0.0.0.0/0", ip_address("192.0.2.1")) in [
                (str(block), way) for block, way in routes.dump_routes(route, link.index)
            ]
        assert plugin("CHECK", conf(prevResult=result), attachment("c1")) is None
        with guest.entered(), RouteSocket() as route:
            addresses.remove_address(route, link, IPv4Interface(f"{address}/24"))
        wrong = plugin("CHECK", conf(prevResult=result), attachment("c1"), code=1)
        assert (wrong["code"], wrong["msg"]) == (100, f"eth0 has no address {address}/24")
        assert plugin("DEL", conf(), attachment("c1")) is None
        assert api.ports(device_id="c1") == []
        assert plugin("DEL", conf(), attachment("c1")) is None  # again is no error
        assert plugin("DEL", conf(), {"CNI_CONTAINERID": "never", "CNI_IFNAME": "eth0"}) is None
        until_gone(guest)


def until_gone(guest: Netns) -> None:
    def gone() -> bool:
        with guest.entered(), RouteSocket() as route:
            return links.find_link(route, "eth0") is None

    wait_for(gone, "eth0 goes")


def test_two_interfaces_wished_addresses_and_every_version() -> None:
    with store_node() as api:
        make_network(api, "lab")
        make_network(api, "other", "2001:db8::/64")
        make_guest("c1")
        wished = conf(runtimeConfig={"ips": ["192.0.2.77/24"], "mac": "02:00:00:00:00:77"})
        assert plugin("ADD", wished, attachment("c1"))["ips"][0]["address"] == "192.0.2.77/24"
        second = plugin("ADD", conf(network="other"), attachment("c1", "net1"))
        assert second["interfaces"][1]["name"] == "net1"
        assert second["ips"][0]["address"].startswith("2001:db8::")
        guest = make_guest("c2")
        wish = {**attachment("c2"), "CNI_ARGS": "IgnoreUnknown=1;IP=192.0.2.77"}
        taken = plugin("ADD", conf(), wish, code=1)
        assert taken["code"] == 101
        assert "192.0.2.77" in taken["msg"]
        assert api.ports(device_id="c2") == []
        for version in ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"):
            until_gone(guest)
            result = plugin("ADD", conf(version), attachment("c2"))
            assert result["cniVersion"] == version
            assert result["ips"][0].get("version") == ("4" if version.startswith("0") else None)
            assert ("mtu" in result["interfaces"][1]) == (version == "1.1.0")
            plugin("DEL", conf(version), attachment("c2"))
        for version in ("0.1.0", "0.2.0"):
            until_gone(guest)
            result = plugin("ADD", conf(version), attachment("c2"))
            assert set(result) == {"cniVersion", "dns", "ip4"}
            assert result["ip4"]["ip"].endswith("/24") and len(result["ip4"]["routes"]) == 1
            plugin("DEL", conf(version), attachment("c2"))


def test_versions_are_told_as_they_were_asked() -> None:
    spoken = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
    for given, version in (
        ({"cniVersion": "1.1.0"}, "1.1.0"),
        ({"cniVersion": "0.4.0"}, "0.4.0"),
        ({"cniVersion": "2.0.0"}, "2.0.0"),
        ({"cniVersion": "junk"}, "1.1.0"),
        ({}, "0.1.0"),
        (b"", "1.1.0"),
        (b"\n", "1.1.0"),
    ):
        assert plugin("VERSION", given) == {"cniVersion": version, "supportedVersions": spoken}
    for version in spoken:
        error = plugin("ADD", conf(version, network=7), attachment("c1"), code=1)
        assert (error["code"], error["cniVersion"]) == (7, version)
    unspoken: list[Any] = ["1.2.0", "2.0.0", "junk", "", 7, None]
    for one in unspoken:
        error = plugin("ADD", conf(one), attachment("c1"), code=1)
        assert (error["code"], error["cniVersion"]) == (1, "1.1.0")


def ports_of(api: Api, container: str) -> list[tuple[str, str]]:
    return [(port["id"], port["fixed_ips"][0]["ip_address"]) for port in api.ports(device_id=container)]


def test_a_second_add_is_an_error_and_leaves_the_first_alone() -> None:
    with store_node() as api:
        make_network(api, "lab")
        guest = make_guest("c1")
        first = plugin("ADD", conf(), attachment("c1"))
        ports = ports_of(api, "c1")
        outside = {**attachment("c1"), "CNI_ARGS": "IP=198.51.100.7"}
        for environment in (attachment("c1"), outside):
            again = plugin("ADD", conf(), environment, code=1)
            assert again["code"] == 103 and "/run/netns/c1 has a device eth0" in again["msg"]
        assert ports_of(api, "c1") == ports
        assert plugin("CHECK", conf(prevResult=first), attachment("c1")) is None
        assert plugin("ADD", conf(), attachment("c1", "lo"), code=1)["code"] == 103
        plugin("DEL", conf(), attachment("c1"))
        until_gone(guest)
        assert plugin("ADD", conf(), attachment("c1"))["ips"]


def test_a_device_of_somebody_else_is_not_touched() -> None:
    with store_node() as api:
        make_network(api, "lab")
        guest = make_guest("c1")
        with guest.entered(), RouteSocket() as route:
            made = links.create_bridge(route, "eth0", 1500, 0, "02:00:00:00:00:01")
            addresses.add_address(route, made, IPv4Interface("192.0.2.77/24"))
        assert plugin("ADD", conf(), attachment("c1"), code=1)["code"] == 103
        assert api.ports(device_id="c1") == []
        with guest.entered(), RouteSocket() as route:
            link = links.find_link(route, "eth0")
            assert link is not None and link.mac == "02:00:00:00:00:01" and not link.up
            assert addresses.dump_addresses(route)[link.index] == {IPv4Interface("192.0.2.77/24")}


def test_of_adds_at_the_same_time_one_makes_the_interface() -> None:
    with store_node() as api:
        make_network(api, "lab")
        make_guest("c1")
        given = {"CNI_COMMAND": "ADD", "CNI_PATH": "/opt/cni/bin", "PATH": os.environ["PATH"], **attachment("c1")}
        calls = [subprocess.Popen([PLUGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=given) for _ in range(4)]
        for call in calls:
            assert call.stdin is not None
            call.stdin.write(json.dumps(conf(waitSeconds=60)).encode())
            call.stdin.close()
        answers = [json.loads(call.stdout.read()) for call in calls if call.stdout is not None]
        assert sorted(call.wait() for call in calls) == [0, 1, 1, 1]
        assert sorted(answer.get("code", 0) for answer in answers) == [0, 103, 103, 103]
        (result,) = (answer for answer in answers if "ips" in answer)
        assert len(api.ports(device_id="c1")) == 1
        assert plugin("CHECK", conf(prevResult=result), attachment("c1")) is None


def test_an_add_that_was_killed_is_begun_anew() -> None:
    with store_node() as api:
        network = make_network(api, "lab")
        make_guest("c1")
        left = {"network_id": network["id"], "name": "c1/eth0", "device_id": "c1", "device_owner": "cni:netmend"}
        api.create_port(left)
        result = plugin("ADD", conf(), attachment("c1"))
        assert len(api.ports(device_id="c1")) == 1
        assert plugin("CHECK", conf(prevResult=result), attachment("c1")) is None


def test_the_host_is_no_container() -> None:
    with store_node() as api:
        make_network(api, "lab")
        for path in (f"/proc/{os.getpid()}/ns/net", f"/proc/{os.getpid()}/task/{os.getpid()}/ns/net"):
            error = plugin("ADD", conf(), {**attachment("host", "eth7"), "CNI_NETNS": path}, code=1)
            assert error["code"] == 102 and "the host itself" in error["msg"]
        assert api.ports(device_id="host") == []


def test_what_plugins_before_it_answered_is_passed_on() -> None:
    with store_node() as api:
        make_network(api, "lab", gateway_ip="192.0.2.1", dns_nameservers=["192.0.2.53"])
        make_guest("c1")
        before: dict[str, Any] = {
            "cniVersion": "1.0.0",
            "interfaces": [{"name": "lo", "sandbox": "/run/netns/c1"}],
            "ips": [{"address": "127.0.0.1/8", "interface": 0}],
            "routes": [{"dst": "198.51.100.0/24"}],
            "dns": {"nameservers": ["203.0.113.53"], "search": ["x.example"], "domain": "y.example"},
        }
        result = plugin("ADD", conf("1.0.0", prevResult=before), attachment("c1"))
        assert [one["name"] for one in result["interfaces"]][::2] == ["lo", "eth0"]
        assert result["ips"][0] == before["ips"][0]
        assert result["ips"][1]["interface"] == 2 and result["ips"][1]["gateway"] == "192.0.2.1"
        assert result["routes"] == [{"dst": "198.51.100.0/24"}, {"dst": "0.0.0.0/0", "gw": "192.0.2.1"}]
        assert result["dns"] == {
            "nameservers": ["203.0.113.53", "192.0.2.53"], "search": ["x.example"], "domain": "y.example",
        }  # fmt: skip
        assert plugin("CHECK", conf("1.0.0", prevResult=result), attachment("c1")) is None
        assert plugin("DEL", conf("1.0.0", prevResult=result), attachment("c1")) is None
        make_guest("c2")
        refused: list[Any] = ["text", [], {"interfaces": {}}, {"ips": ["1.2.3.4"]}, {"dns": []}]
        for wrong in refused:
            error = plugin("ADD", conf(prevResult=wrong), attachment("c2"), code=1)
            assert error["code"] == 7 and "prevResult" in error["msg"], wrong
        assert api.ports(device_id="c2") == []


def default_routes(guest: Netns) -> dict[str, str]:
    """Gateways by device."""
    with guest.entered(), RouteSocket() as route:
        return {
            link.name: str(way)
            for link in links.dump_links(route)
            for block, way in routes.dump_routes(route, link.index)
            if str(block) == "0.0.0.0/0"
        }


def test_the_default_route_is_that_of_the_first_interface_unless_another_is_wished_for() -> None:
    with store_node() as api:
        make_network(api, "lab", gateway_ip="192.0.2.1")
        make_network(api, "other", "198.51.100.0/24", gateway_ip="198.51.100.1")
        guest = make_guest("c1")
        plugin("ADD", conf(), attachment("c1"))
        second = plugin("ADD", conf(network="other"), attachment("c1", "net1"))
        assert second["routes"] == [] and second["ips"][0]["gateway"] == "198.51.100.1"
        assert default_routes(guest) == {"eth0": "192.0.2.1"}
        assert plugin("CHECK", conf(network="other", prevResult=second), attachment("c1", "net1")) is None
        third = plugin("ADD", conf(network="other", isDefaultGateway=True), attachment("c1", "net2"))
        assert third["routes"] == [{"dst": "0.0.0.0/0", "gw": "198.51.100.1"}]
        assert default_routes(guest) == {"net2": "198.51.100.1"}
        alone = make_guest("c2")
        without = plugin("ADD", conf(isDefaultGateway=False), attachment("c2"))
        assert without["routes"] == [] and default_routes(alone) == {}
        assert plugin("ADD", conf(isDefaultGateway="yes"), attachment("c2", "net1"), code=1)["code"] == 7


def test_a_second_interface_leaves_the_routes_of_the_first() -> None:
    with store_node() as api:
        way = [{"destination": "203.0.113.0/24", "nexthop": "192.0.2.9"}]
        make_network(api, "lab", host_routes=way)
        make_guest("c1")
        first = plugin("ADD", conf(), attachment("c1"))
        second = plugin("ADD", conf(), attachment("c1", "net1"))
        assert {"dst": "203.0.113.0/24", "gw": "192.0.2.9"} in first["routes"] and second["routes"] == []
        for device, result in (("eth0", first), ("net1", second)):
            assert plugin("CHECK", conf(prevResult=result), attachment("c1", device)) is None


def test_an_add_that_fails_leaves_no_port() -> None:
    with store_node() as api:
        make_network(api, "lab")
        make_guest("c1")
        plugin("ADD", conf(), attachment("c1"))
        Path("/run/netns/c3").touch()
        assert plugin("ADD", conf(), attachment("c3"), code=1)["code"] == 102
        nowhere = {**attachment("c4"), "CNI_NETNS": "/tmp/c4"}
        assert "netmend looks for guests' namespaces in /run/netns" in plugin("ADD", conf(), nowhere, code=1)["msg"]
        sleeper = process_apart()
        by_process = {**attachment("c5"), "CNI_NETNS": f"/proc/{sleeper.pid}/ns/net"}
        assert plugin("ADD", conf(), by_process)["ips"]
        sleeper.kill()
        sleeper.wait()
        plugin("DEL", conf(), {"CNI_CONTAINERID": "c5", "CNI_IFNAME": "eth0"})  # its namespace is gone
        assert [port["device_id"] for port in api.ports(device_owner="cni:netmend")] == ["c1"]


def test_gc_keeps_what_is_valid_and_touches_nothing_else() -> None:
    with store_node() as api:
        network = make_network(api, "lab")
        other = make_network(api, "other", "198.51.100.0/24")
        for container in ("c1", "c2", "c3"):
            make_guest(container)
            plugin("ADD", conf(), attachment(container))
        plugin("ADD", conf(network="other"), attachment("c3", "net1"))
        api.create_port({"network_id": network["id"], "name": "a-vm", "device_owner": "compute:nova"})
        valid = [{"containerID": "c2", "ifname": "eth0"}]
        assert plugin("GC", conf() | {"cni.dev/valid-attachments": valid}) is None
        assert {port["name"] for port in api.ports(network_id=network["id"])} >= {"a-vm", "c2/eth0"}
        assert {port["name"] for port in api.ports(device_owner="cni:netmend")} == {"c2/eth0", "c3/net1"}
        assert api.ports(network_id=other["id"], device_owner="cni:netmend")
        refused: list[Any] = [7, {}, "all", [{"containerID": "c2"}], ["c2"]]
        for wrong in refused:
            assert plugin("GC", conf() | {"cni.dev/valid-attachments": wrong}, code=1)["code"] == 7
        assert {port["name"] for port in api.ports(device_owner="cni:netmend")} == {"c2/eth0", "c3/net1"}


@pytest.mark.parametrize("valid", [{}, {"cni.dev/valid-attachments": None}, {"cni.dev/valid-attachments": []}])
def test_gc_with_nothing_valid_ends_all_attachments_of_the_network(valid: dict[str, Any]) -> None:
    """libcni writes a list without a member as null, and plugins that pass a configuration on leave it out."""
    with store_node() as api:
        network = make_network(api, "lab")
        make_network(api, "other", "198.51.100.0/24")
        make_guest("c1")
        plugin("ADD", conf(), attachment("c1"))
        plugin("ADD", conf(network="other"), attachment("c1", "net1"))
        api.create_port({"network_id": network["id"], "name": "a-vm", "device_owner": "compute:nova"})
        assert plugin("GC", conf() | valid) is None
        assert {port["name"] for port in api.ports(device_owner="cni:netmend")} == {"c1/net1"}
        assert "a-vm" in {port["name"] for port in api.ports(network_id=network["id"])}


def test_status_and_errors_by_their_codes() -> None:
    assert plugin("STATUS", conf(), code=1)["code"] == 50
    gone = plugin("ADD", conf(), attachment("c1"), code=1)
    assert gone["code"] == 11
    assert "no node runs here with a store" in gone["msg"]
    with store_node() as api:
        assert plugin("STATUS", conf(), code=1)["msg"] == "the store has no network lab"
        make_network(api, "lab")
        assert plugin("STATUS", conf()) is None
        for given, code in (
            ((b"not json", {"CNI_COMMAND": "ADD"}), 6),
            ((b"[]", {"CNI_COMMAND": "ADD"}), 6),
            ((conf("9.9.9"), {"CNI_COMMAND": "ADD", **attachment("c1")}), 1),
            ((conf("1.0.0"), {"CNI_COMMAND": "GC"}), 1),
            ((conf("0.3.1"), {"CNI_COMMAND": "CHECK"}), 1),
            ((conf(), {"CNI_COMMAND": "DANCE"}), 4),
            ((conf(), {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "../c", "CNI_IFNAME": "e", "CNI_NETNS": "/x"}), 4),
            ((conf(), {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_IFNAME": "a/b", "CNI_NETNS": "/x"}), 4),
            ((conf(), {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_IFNAME": "e"}), 4),
            ((conf(network=7), {"CNI_COMMAND": "ADD", **attachment("c1")}), 7),
            ((conf(network=""), {"CNI_COMMAND": "ADD", **attachment("c1")}), 7),
            ((conf(), {"CNI_COMMAND": "CHECK", **attachment("c1")}), 7),
            ((conf(network="nowhere"), {"CNI_COMMAND": "ADD", **attachment("c1")}), 7),
        ):
            configuration, environment = given
            command = environment.pop("CNI_COMMAND")
            assert plugin(command, configuration, environment, code=1)["code"] == code, given


def processor_time_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_it_starts_fast() -> None:
    """Of a container's start, the plugin's own part: interpreter and imports, and an ADD with the node's work in it."""
    modules = subprocess.run(
        [sys.executable, "-c", "import sys, netmend.attach.cni; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not {"click", "rich", "pydantic", "aiohttp", "asyncio", "yaml"} & set(modules)
    with store_node() as api:
        make_network(api, "lab")
        version, add = [], []
        for number in range(8):
            began = processor_time_of_children()
            plugin("VERSION", {"cniVersion": "1.1.0"})
            version.append(processor_time_of_children() - began)
            make_guest(f"c{number}")
            began = time.perf_counter()
            plugin("ADD", conf(), attachment(f"c{number}"))
            add.append(time.perf_counter() - began)
        print(f"VERSION {min(version) * 1000:.0f} ms of a processor, ADD {sorted(add)[4] * 1000:.0f} ms (median)")
        assert min(version) < 0.5
