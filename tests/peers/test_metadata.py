"""What guests are told at 169.254.169.254, asked with curl over the way that DHCP tells."""

import json
import signal
import socket
import subprocess
from contextlib import suppress
from typing import Any

from tests.peers.guests import Document, make_guest, network, port
from tests.peers.metadata_guest import connect, curl
from tests.peers.node import Node
from tests.waiting import wait_for

MAC, OTHER_MAC = "fa:16:3e:00:30:11", "fa:16:3e:00:30:12"


def instance(name: str, **more: Any) -> Document:
    return {"id": f"i-{name}", "hostname": f"{name}.example", "user_data": f"#!/bin/sh\n: {name}\n", **more}


def test_two_networks_with_the_same_addresses() -> None:
    guests = {name: make_guest(name) for name in ("blue", "green")}
    networks = [
        {**network(name, port(name, MAC, "10.20.0.11", instance=instance(name))), "metadata": "embedded"}
        for name in guests
    ]
    with Node(*networks) as node:
        node.wait_until_right()
        for name, guest in guests.items():
            connect(guest)
            assert curl(guest, "/latest/meta-data/instance-id") == (200, f"i-{name}")
            assert curl(guest, "/latest/user-data") == (200, f"#!/bin/sh\n: {name}\n")
            status, body = curl(guest, "/openstack/latest/meta_data.json")
            assert (status, json.loads(body)["uuid"]) == (200, f"i-{name}")
            # an identity that is claimed is not heard
            claims = ("-H", "X-Instance-ID: i-green", "-H", "X-Forwarded-For: 10.20.0.99", "-H", "X-Tenant-ID: x")
            assert curl(guest, "/latest/meta-data/instance-id", *claims) == (200, f"i-{name}")
        counted = node.status("blue")["services"]["metadata"]
        assert counted["answers"] == {"200": 4} and counted["mode"] == "embedded"


def test_over_ipv6_by_the_link_local_address_alone() -> None:
    guest = make_guest("guest")
    with Node(
        {**network("blue", port("guest", MAC, "10.20.0.11", instance=instance("guest"))), "metadata": "embedded"}
    ):

        def ask() -> str | None:
            try:
                return curl(guest, "/latest/meta-data/instance-id", base="http://[fe80::a9fe:a9fe%25eth0]")[1]
            except subprocess.CalledProcessError:
                return None  # its own address is not checked yet (RFC 4862 section 5.4)

        assert wait_for(ask, "metadata over IPv6") == "i-guest"


def test_a_token_does_not_travel_past_a_router() -> None:
    """What carries a token has an IP TTL of 1 (EC2's hop limit); all else, the usual one."""
    guest = make_guest("guest")
    blue = network("blue", port("guest", MAC, "10.20.0.11", instance=instance("guest")))
    with Node({**blue, "metadata": "embedded"}):
        connect(guest)
        with guest.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as heard:
            heard.bind(("eth0", 0x0800))
            status, token = curl(
                guest, "/latest/api/token", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60"
            )
            assert status == 200
            header = f"X-aws-ec2-metadata-token: {token}"
            assert curl(guest, "/latest/meta-data/instance-id", "-H", header) == (200, "i-guest")
            heard.setblocking(False)
            ttls = {}
            with suppress(BlockingIOError):
                while frame := heard.recv(65536):
                    for what, text in (("token", token.encode()), ("answer", b"\r\n\r\ni-guest")):
                        if frame.endswith(text):
                            ttls[what] = frame[14 + 8]
        assert ttls == {"token": 1, "answer": 64}


def test_it_comes_and_goes_with_intent() -> None:
    """Off and on again while the node runs, and from a namespace that was made anew; nothing needs a restart."""
    guest = make_guest("guest")
    plain = network("blue", port("guest", MAC, "10.20.0.11", instance=instance("guest")))
    served = {**plain, "metadata": "embedded"}

    def answers() -> bool:
        try:
            return curl(guest, "/latest/meta-data/instance-id", "--connect-timeout", "1") == (200, "i-guest")
        except subprocess.CalledProcessError:
            return False

    with Node(served) as node:
        node.wait_until_right()
        connect(guest)
        assert answers()
        node.write(plain)
        node.wait_for_answer(lambda: not answers())
        node.write(served)
        node.wait_for_answer(answers)
        node.write({**served, "ports": [port("guest", MAC, "10.20.0.11", instance=instance("another"))]})
        node.wait_for_answer(lambda: curl(guest, "/latest/meta-data/instance-id")[1] == "i-another")
        node.write(served)
        node.wait_for_answer(answers)
        node.end(signal.SIGKILL)
        node.start()
        node.wait_for_answer(answers)


def test_what_ignition_asks() -> None:
    """Fedora CoreOS and Flatcar: the AWS SDK for the region, then the user data of one dated version; on OpenStack the
    user data alone. Without any, 404 means that there is no configuration."""
    guest, bare = make_guest("guest"), make_guest("bare")
    config = json.dumps({"ignition": {"version": "3.4.0"}})
    described = instance("guest", user_data=config, availability_zone="eu-north-1a")
    ports = [port("guest", MAC, "10.20.0.11", instance=described), port("bare", OTHER_MAC, "10.20.0.12")]
    with Node({**network("blue", *ports), "metadata": "embedded"}):
        connect(guest)
        ttl = ("-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 21600", "-H", "Content-Length: 0")
        status, token = curl(guest, "/latest/api/token", *ttl)
        assert status == 200
        shown = ("-H", f"X-aws-ec2-metadata-token: {token}")
        status, body = curl(guest, "/latest/dynamic/instance-identity/document", *shown)
        assert (status, json.loads(body)["region"]) == (200, "eu-north-1")
        accepted = (
            "-H",
            "User-Agent: Ignition/2.19.0",
            "-H",
            "Accept: application/vnd.coreos.ignition+json;version=3.4.0",
        )
        for path in ("/2019-10-01/user-data", "/openstack/latest/user_data"):
            assert curl(guest, path, *accepted) == (200, config)
        connect(bare)
        for path in ("/2019-10-01/user-data", "/openstack/latest/user_data"):
            assert curl(bare, path, *accepted)[0] == 404
