"""Networks that `openstack` makes: a guest boots from them, and what the command shows is what is served."""

import http.client
import json
import os
from ipaddress import IPv4Interface

from tests.peers.api.store_node import CHECKOUT, CLIENTS, OpenStack, StoreNode
from tests.peers.clients import Udhcpc, address
from tests.peers.guests import make_guest
from tests.peers.node import HOME
from tests.sessions import agrees, commands, environment, sessions_of, typed
from tests.waiting import wait_for

from netmend.kernel import mounts, syscalls


def test_create_a_network_boot_a_guest_watch_it() -> None:
    """docs/openstack.md, step by step."""
    guest = make_guest("guest")
    with StoreNode() as node:
        openstack = OpenStack(node)
        openstack("network", "create", "blue", "--description", "a network of its own")
        openstack("subnet", "create", "four", "--network", "blue", "--subnet-range", "10.0.0.0/24",
                  "--dns-nameserver", "192.0.2.53")  # fmt: skip
        port = openstack("port", "create", "web", "--network", "blue", "--binding-profile", "netns=guest")
        (fixed,) = port["fixed_ips"]
        record = Udhcpc(guest).get()
        assert address(record) == IPv4Interface(f"{fixed['ip_address']}/24")
        assert record.variables["router"] == "10.0.0.1"
        assert record.variables["dns"] == "192.0.2.53"

        blue = _from_the_page(node, "blue")
        assert (blue["name"], blue["state"]) == ("blue", "served")
        wait_for(lambda: openstack("port", "show", "web")["status"] == "ACTIVE", "an active port")
        assert node.status("blue")["dhcp"]["sent"]["ack"] == 1

        openstack("port", "delete", "web")
        assert openstack("port", "list", "--device-owner", "") == []
        openstack("network", "delete", "blue")
        node.wait(lambda status: status["networks"] == [])


def test_the_sessions_of_the_document() -> None:
    """Each line of docs/openstack.md, typed in a shell."""
    mounts.make("/run", syscalls.MS_SHARED, recursive=True)  # as systemd leaves it; else status says what is wrong
    with StoreNode() as node:
        variables = {
            "PATH": os.pathsep.join([environment()["PATH"], str(CLIENTS)]),
            "HOME": str(HOME),
            "OS_CLOUD": "netmend",
            "OS_CLIENT_CONFIG_FILE": str(node.write_clouds()),
            "NETMEND_RUNTIME_DIR": str(HOME / "runtime"),
        }

        def in_guest(command: str) -> str:
            if "udhcpc" in command:
                node.wait(lambda _: "eth0" in typed("ip -n guest -br link"))
                typed("ip -n guest link set lo up")
            return typed(command, CHECKOUT, **variables)

        for block in sessions_of(__file__, "docs/openstack.md"):
            for command, shown in commands(block):
                printed = in_guest(command)
                assert agrees(shown, printed, generated=True), f"{block}: {command}\n{printed}\ninstead of\n{shown}"


def _from_the_page(node: StoreNode, network: str) -> dict[str, str]:
    """A network, as the page gets it from the API's own address."""
    connection = http.client.HTTPConnection("127.0.0.1", 9696)
    connection.request("GET", f"/view/networks/{network}", headers={"Authorization": f"Bearer {node.token}"})
    answer = connection.getresponse()
    assert answer.status == 200
    found: dict[str, str] = json.loads(answer.read())
    return found


def test_what_the_command_can_ask_of_networks() -> None:
    with StoreNode() as node:
        openstack = OpenStack(node)
        openstack("network", "create", "blue", "--mtu", "1400", "--tag", "red", "--dns-domain", "blue.example.")
        openstack("network", "set", "blue", "--tag", "big", "--description", "x", "--name", "azure")
        shown = openstack("network", "show", "azure")
        assert (shown["mtu"], sorted(shown["tags"]), shown["description"]) == (1400, ["big", "red"], "x")
        assert [found["Name"] for found in openstack("network", "list", "--tags", "red")] == ["azure"]
        openstack("network", "unset", "azure", "--tag", "red")
        assert openstack("network", "list", "--tags", "red") == []

        openstack("subnet", "create", "four", "--network", "azure", "--subnet-range", "10.0.0.0/24",
                  "--gateway", "10.0.0.9", "--allocation-pool", "start=10.0.0.100,end=10.0.0.199",
                  "--host-route", "destination=10.9.0.0/16,gateway=10.0.0.8")  # fmt: skip
        openstack("subnet", "create", "six", "--network", "azure", "--subnet-range", "2001:db8::/64",
                  "--ip-version", "6", "--ipv6-ra-mode", "slaac", "--ipv6-address-mode", "slaac")  # fmt: skip
        port = openstack("port", "create", "web", "--network", "azure", "--mac-address", "fa:16:3e:00:00:01",
                         "--dns-name", "web", "--extra-dhcp-option", "name=mtu,value=1300",
                         "--allowed-address", "ip-address=10.0.0.250", "--no-security-group")  # fmt: skip
        assert (port["port_security_enabled"], len(port["allowed_address_pairs"])) == (True, 1)
        addresses = {fixed["ip_address"] for fixed in port["fixed_ips"]}
        assert addresses == {"10.0.0.101", "2001:db8::f816:3eff:fe00:1"}
        assert {assigned["fqdn"] for assigned in port["dns_assignment"]} == {"web.blue.example."}
        openstack("port", "set", "web", "--fixed-ip", "subnet=four,ip-address=10.0.0.150")
        found = openstack("port", "list", "--fixed-ip", "ip-address=10.0.0.150")
        assert [listed["Name"] for listed in found] == ["web"]
        openstack("port", "unset", "web", "--fixed-ip", "subnet=four,ip-address=10.0.0.150")

        (agent,) = openstack("network", "agent", "list")
        assert agent["Alive"] is True
        assert openstack("network", "agent", "show", agent["ID"])["binary"] == "netmend"
        refused = openstack.run("subnet", "delete", "four")
        assert refused.returncode == 1
        assert "One or more ports have an IP allocation from this subnet" in refused.stderr
        assert "No Network found" in openstack.run("network", "show", "nothing").stderr


def test_what_the_command_can_ask_of_security_groups() -> None:
    with StoreNode() as node:
        openstack = OpenStack(node)
        (default,) = openstack("security", "group", "list")
        assert default["Name"] == "default"
        web = openstack("security", "group", "create", "web", "--description", "d", "--tag", "red")
        rule = openstack("security", "group", "rule", "create", "web", "--protocol", "tcp", "--dst-port", "80:88",
                         "--remote-ip", "192.0.2.0/24")  # fmt: skip
        assert (rule["port_range_min"], rule["port_range_max"], rule["normalized_cidr"]) == (80, 88, "192.0.2.0/24")
        openstack("security", "group", "rule", "create", "web", "--protocol", "icmp", "--icmp-type", "8",
                  "--remote-group", "default")  # fmt: skip
        openstack("security", "group", "rule", "create", "web", "--ethertype", "IPv6", "--protocol", "ipv6-icmp")
        assert len(openstack("security", "group", "rule", "list", "web")) == 5
        again = openstack.run("security", "group", "rule", "create", "web", "--protocol", "tcp", "--dst-port", "80:88",
                              "--remote-ip", "192.0.2.0/24")  # fmt: skip
        assert "Security group rule already exists" in again.stderr
        openstack("address", "group", "create", "office", "--address", "198.51.100.0/24")
        openstack("address", "group", "set", "office", "--address", "203.0.113.7")
        assert len(openstack("address", "group", "show", "office")["addresses"]) == 2
        openstack("security", "group", "rule", "create", "web", "--protocol", "udp", "--remote-address-group", "office")

        openstack("network", "create", "blue")
        port = openstack("port", "create", "one", "--network", "blue", "--security-group", "web")
        assert port["security_group_ids"] == [web["id"]]
        other = openstack("port", "create", "two", "--network", "blue", "--security-group", "default")
        assert other["security_group_ids"] == [default["ID"]]
        assert "in use" in openstack.run("security", "group", "delete", "web").stderr
        openstack("port", "set", "one", "--no-security-group")
        openstack("security", "group", "rule", "delete", rule["id"])
        openstack("security", "group", "delete", "web")
        assert [group["Name"] for group in openstack("security", "group", "list")] == ["default"]
