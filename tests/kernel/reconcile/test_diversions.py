"""Rules of policy routing and set neighbours: each kind that `ip` can make is found, named, and can be removed."""

import subprocess

import pytest

from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.reconcile.diversions import look_for_diversions, remove_diversions

RULES = (
    "rule add pref 9 blackhole",
    "rule add pref 9 from 192.0.2.7 prohibit",
    "rule add pref 100 fwmark 7/0xff table 300",
    "rule add pref 100 iif eth0 table main",
    "rule add pref 100 oif eth0 tos 0x10 lookup default",
    "rule add pref 100 to 198.51.100.0/24 uidrange 0-0 table 12",
    "rule add pref 100 not from 10.0.0.0/8 unreachable",
    "rule add pref 100 ipproto udp sport 67 dport 68 blackhole",
    "rule add pref 100 table main suppress_prefixlength 0",
    "rule add pref 100 goto 32767",
    "-6 rule add pref 5 from 2001:db8::/32 table 254",
    "-6 rule add pref 5 blackhole",
    "rule add pref 0 blackhole",
)
BORN_WITH = (
    "rule del pref 0",
    "rule del pref 32766",
    "rule del pref 32767",
    "-6 rule del pref 0",
    "-6 rule del pref 32766",
)
# Not `nud noarp`: the kernel drops those from its one table for all namespaces, where others have filled that.
NEIGHBOURS = (
    "neigh add 192.0.2.9 lladdr 02:00:00:00:00:66 dev eth0 nud permanent",
    "neigh add 2001:db8::9 lladdr 02:00:00:00:00:66 dev eth0 nud permanent",
    "neigh add proxy 192.0.2.9 dev eth0",
    "neigh add proxy 2001:db8::9 dev eth0",
)
LEARNED = "neigh add 192.0.2.9 lladdr 02:00:00:00:00:66 dev eth0 nud stale"


def ip(command: str) -> None:
    if command.endswith(" nud stale"):
        words = command.split()  # of permanent ones the kernel takes any number
        subprocess.run(["ip", *words[:-1], "permanent"], check=True)
        command = command.replace("neigh add", "neigh change")
    subprocess.run(["ip", *command.split()], check=True)


def device(route: RouteSocket) -> None:
    """Up, with addresses and all that the kernel makes of that by itself."""
    links.set_link(route, links.LOOPBACK, up=True)
    for command in ("link add eth0 type veth peer far", "link set eth0 up", "link set far up"):
        ip(command)
    for command in ("address add 192.0.2.1/24 dev eth0", "address add 2001:db8::1/64 dev eth0 nodad"):
        ip(command)
    ip("route add 198.51.100.0/24 via 192.0.2.200")


def test_a_namespace_is_born_without() -> None:
    with RouteSocket() as route:
        device(route)
        ip(LEARNED)
        assert not look_for_diversions(route, proxies=True)


@pytest.mark.parametrize("command", (*RULES, *BORN_WITH, *NEIGHBOURS))
def test_each_is_found_and_removed(command: str) -> None:
    with RouteSocket() as route:
        assert not look_for_diversions(route, proxies=True)
        device(route)
        ip(command)
        found = look_for_diversions(route, proxies=True)
        assert found, command
        assert bool(found.missing) == (command in BORN_WITH)
        words = str(found)
        assert words.count("remove") + words.count("add ") == 1, words
        remove_diversions(route, found)
        assert not look_for_diversions(route, proxies=True)
        remove_diversions(route, found)  # what is gone, or there, is no error


def test_all_at_once() -> None:
    with RouteSocket() as route:
        assert not look_for_diversions(route, proxies=True)
        device(route)
        commands = (*RULES, *BORN_WITH, *NEIGHBOURS)
        for command in commands:
            if "pref 0" not in command:
                ip(command)
        assert len(str(look_for_diversions(route, proxies=True)).split(", ")) >= len(commands) - 3
        remove_diversions(route, look_for_diversions(route, proxies=True))
        assert not look_for_diversions(route, proxies=True)
