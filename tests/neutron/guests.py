"""Guests of the cloud: a port of Open vSwitch's in a namespace of its own, and real DHCP clients in it."""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.neutron.cloud import PATIENCE, Resource, wait_until

SCRIPT = """#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
env | grep -E '^[a-z0-9_]+=' >"$0.lease"
if ! ip -o addr show dev $interface | grep -q "inet $ip/$mask "; then # a guest that has it loses no packet
  ip addr flush dev $interface scope global
  ip addr add $ip/$mask dev $interface
fi
for address in $router; do ip route replace default via $address onlink dev $interface; done
set -- $staticroutes
while [ $# -ge 2 ]; do
  [ "$2" = 0.0.0.0 ] && ip route replace $1 dev $interface
  [ "$2" = 0.0.0.0 ] || ip route replace $1 via $2 onlink dev $interface
  shift 2
done
[ -n "$mtu" ] && ip link set $interface mtu $mtu
exit 0
"""


# What dhclient(8) knows when it calls its script.
DHCLIENT_SCRIPT = """#!/bin/sh
case $reason in
  PREINIT) ip link set $interface up ;;
  PREINIT6) ip link set $interface up
    until [ -z "$(ip -6 addr show dev $interface tentative)" ]; do sleep .1; done ;;
  BOUND | BOUND6 | RENEW6) env | grep -E '^(new_|reason=)' >"$0.new" && mv "$0.new" "$0.lease" ;;
esac
exit 0
"""


def run(*command: str, check: bool = True, timeout: float = 60) -> str:
    done = subprocess.run(command, text=True, capture_output=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def end(process: "subprocess.Popen[Any]") -> None:
    """End a program that a test has started; it may take its time, and be killed when it takes too much."""
    process.terminate()
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Guest:
    """The machine behind a port, on the host that the words of `host` enter. Ends, with all in it, on leaving."""

    def __init__(self, port: Resource, host: Sequence[str] = ()) -> None:
        self.port, self.host = port, host
        self.name = f"guest-{port['id'][:11]}"
        self.device = f"vm{port['id'][:11]}"

    def __enter__(self) -> Self:
        port = self.port
        self.on_host("ip", "netns", "add", self.name)
        self.on_host(
            "ovs-vsctl", "--may-exist", "add-port", "br-int", self.device, "--", "set", "Interface", self.device,
            "type=internal", f"external_ids:iface-id={port['id']}", "external_ids:iface-status=active",
            f'external_ids:attached-mac="{port["mac_address"]}"',
        )  # fmt: skip
        self.on_host("ip", "link", "set", self.device, "address", port["mac_address"])
        self.on_host("ip", "link", "set", self.device, "netns", self.name)
        self.on_host("ip", "-n", self.name, "link", "set", "lo", "up")
        self.on_host("ip", "-n", self.name, "link", "set", self.device, "up")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.on_host("ovs-vsctl", "--if-exists", "del-port", "br-int", self.device, check=False)
        self.on_host("ip", "netns", "del", self.name, check=False)

    def on_host(self, *command: str, check: bool = True, timeout: float = 60) -> str:
        return run(*self.host, *command, check=check, timeout=timeout)

    def inside(self, *command: str, check: bool = True, timeout: float = 60) -> str:
        return self.on_host("ip", "netns", "exec", self.name, *command, check=check, timeout=timeout)

    def dhcp(self, *options: str, tries: int = 20) -> dict[str, str]:
        """A lease by udhcpc, by the names of its script's variables; empty when nobody answered."""
        with tempfile.TemporaryDirectory() as directory:
            script = Path(directory) / "script"
            script.write_text(SCRIPT)
            script.chmod(0o755)
            wanted = [word for name in ("mtu", "staticroutes", "ntpsrv", "bootfile", "tftp") for word in ("-O", name)]
            self.inside(
                "busybox", "udhcpc", "-f", "-n", "-q", "-t", str(tries), "-T", "1", *wanted, *options,
                "-i", self.device, "-s", str(script), check=False, timeout=120,
            )  # fmt: skip
            lease = Path(f"{script}.lease")
            lines = lease.read_text().splitlines() if lease.exists() else []
            return dict(line.split("=", 1) for line in lines)

    def dhclient(self, version: int, *options: str, conf: str = "", seconds: int = 45) -> dict[str, str]:
        """A lease by dhclient, by the names of its script's variables; empty when nobody answered. Of DHCPv6, with
        `-S`, what is told without an address."""
        if version == 6:  # it binds to the link-local address, which is nobody's while duplicates are looked for
            wait_until(lambda: self.addresses6("link"), "a link-local address")
        with tempfile.TemporaryDirectory() as directory:
            script, settings = Path(directory) / "script", Path(directory) / "conf"
            script.write_text(DHCLIENT_SCRIPT)
            script.chmod(0o755)
            settings.write_text(conf)
            files = ("-lf", f"{directory}/leases", "-pf", f"{directory}/pid", "-sf", str(script), "-cf", str(settings))
            lease = Path(f"{script}.lease")
            command = ["dhclient", f"-{version}", "-d", "-1", *files, *options, self.device]
            entered = [*self.host, "ip", "netns", "exec", self.name, *command]
            client = subprocess.Popen(entered, stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and not lease.exists() and client.poll() is None:
                time.sleep(0.05)
            end(client)
            print(client.communicate()[1])
            lines = lease.read_text().splitlines() if lease.exists() else []
            return dict(line.split("=", 1) for line in lines)

    def addresses6(self, scope: str = "global") -> list[str]:
        """Those of a scope (global, link) that are past the detection of duplicates."""
        listed = self.inside("ip", "-6", "-o", "addr", "show", "dev", self.device, "scope", scope, "-tentative")
        return [line.split()[3].partition("/")[0] for line in listed.splitlines()]

    def wait_until_reached(self, address: str, *options: str) -> None:
        ping = ("ping", "-c", "1", "-W", "2", *options, address)
        wait_until(lambda: "1 received" in self.inside(*ping, check=False), f"{address} to answer a ping")

    def resolve(self, name: str, server: str, kind: str = "A") -> list[str]:
        return self.inside("dig", "+short", "+time=5", "+tries=4", f"@{server}", name, kind, check=False).split()
