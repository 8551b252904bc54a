"""Which servers a resolv.conf names, and that a change of it is seen."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from netmend.intent import DnsServer
from netmend.node.guests import host_resolvers
from netmend.node.guests.host_resolvers import HostResolvers, read_servers


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", []),
        ("# nameserver 192.0.2.1\nsearch example.org\nnameserver 192.0.2.2\n", ["192.0.2.2"]),
        ("nameserver\t2001:db8::53   # two words and more\nnameserver 127.0.0.53", ["2001:db8::53", "127.0.0.53"]),
        ("nameserver fe80::1%eth0\n", ["fe80::1%eth0"]),
        ("nameserver dns.example\nnameserver\nnameservers 192.0.2.1\nnameserver 192.0.2.3\n", ["192.0.2.3"]),
        ("".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 9)), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
    ],
)
def test_what_it_names(text: str, servers: list[str]) -> None:
    assert read_servers(text) == tuple(DnsServer(ip_address(text)) for text in servers)


def test_changes_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_resolvers, "_LOOK_AGAIN", 0.0)
    file = tmp_path / "resolv.conf"
    servers = HostResolvers(file)
    assert servers() == ()
    file.write_text("nameserver 192.0.2.1\n")
    assert servers() == (DnsServer(ip_address("192.0.2.1")),)
    new = tmp_path / "new"
    new.write_text("nameserver 192.0.2.22\n")
    new.rename(file)
    assert servers() == (DnsServer(ip_address("192.0.2.22")),)
    file.write_bytes(b"\xff\xfe nameserver")
    assert servers() == ()
    file.unlink()
    assert servers() == ()
