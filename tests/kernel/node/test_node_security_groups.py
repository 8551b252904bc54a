"""Security groups from the API to packets, in a node of its own."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from ipaddress import IPv4Interface

import pytest
from tests.kernel.firewall.group_bridge import how_bridges_track
from tests.kernel.store_node import make_guest, make_network, store_node
from tests.waiting import wait_for

from netmend.attach.client import Api, Document
from netmend.firewall.group_rules import table
from netmend.kernel import addresses, links
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import read_set, remove_table


def make_port(api: Api, network: Document, name: str, **more: object) -> Document:
    profile = {"netns": name, "device": "eth0"}
    values = {
        "network_id": network["id"],
        "name": name,
        "binding:host_id": os.uname().nodename,
        "binding:profile": profile,
    }
    port: Document = api.ask("POST", "/v2.0/ports", {"port": {**values, **more}})["port"]
    return port


def addressed(place: Netns, port: Document, number: int) -> socket.socket:
    """A UDP socket on the port's address, once its device is there."""
    address = port["fixed_ips"][0]["ip_address"]
    with place.entered(), RouteSocket() as route:
        link = wait_for(lambda: links.find_link(route, "eth0"), "the port is plugged in")
        links.set_link(route, link, up=True)
        addresses.add_address(route, link, IPv4Interface(f"{address}/24"))
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, number))
    return made


def arrives(sender: socket.socket, receiver: socket.socket, seconds: float) -> bool:
    """Whether a datagram comes within that time."""
    receiver.settimeout(seconds)
    sender.sendto(b"x", receiver.getsockname())
    try:
        receiver.recv(10)
    except TimeoutError:
        return False
    return True


def passes(sender: socket.socket, receiver: socket.socket) -> bool:
    return arrives(sender, receiver, 20)


def refused(sender: socket.socket, receiver: socket.socket) -> bool:
    return not arrives(sender, receiver, 0.3)


def status() -> Document:
    command = [sys.executable, "-m", "netmend.cli", "status", "--json"]
    found: Document = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    return found


def test_a_rule_of_the_api_opens_and_closes_and_rules_that_somebody_flushes_come_back() -> None:
    if how_bridges_track() == "none":
        pytest.skip("bridges of this kernel track no connections: it has neither nf_conntrack_bridge nor br_netfilter")
    with store_node() as api:
        network = make_network(api, "n")
        group = api.ask("POST", "/v2.0/security-groups", {"security_group": {"name": "web"}})["security_group"]
        places = [make_guest(name) for name in ("client", "server")]
        client_port = make_port(api, network, "client", security_groups=[group["id"]])
        server_port = make_port(api, network, "server", security_groups=[group["id"]])
        client, server = addressed(places[0], client_port, 1000), addressed(places[1], server_port, 80)
        assert refused(client, server)
        rule = {"security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4", "protocol": "udp"}
        rule |= {"port_range_min": 80, "port_range_max": 80, "remote_group_id": group["id"]}
        made = api.ask("POST", "/v2.0/security-group-rules", {"security_group_rule": rule})["security_group_rule"]
        wait_for(lambda: arrives(client, server, 0.3), "the rule opens the port")
        assert passes(server, client)
        with suppress(KernelError):  # since Linux 6.9 nobody else removes it
            remove_table(NftSocket(), table("none", ()))
        wait_for(lambda: read_set(NftSocket(), table("none", ()), "ingress"), "the rules are back")
        api.ask("DELETE", f"/v2.0/security-group-rules/{made['id']}")
        wait_for(lambda: refused(client, server) and refused(server, client), "the connection has ended")
        assert not status()["reasons"]
