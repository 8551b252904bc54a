"""Names as guests ask for them: by dig, drill and host, and by the resolvers of glibc, musl and c-ares."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_interface

from tests.kernel.services.dns.io.world import dnsmasq
from tests.peers.clients import Udhcpc
from tests.peers.guests import Document, make_guest, network, port
from tests.peers.node import HOME, Node
from tests.peers.resolvers import Resolvers, musl_program
from tests.sessions import agrees, commands, sessions_of
from tests.waiting import wait_for

from netmend.kernel import addresses, links, syscalls
from netmend.kernel.netlink import RouteSocket

UP = "127.0.0.53"
SERVER = "10.20.0.2"
WORLD = ["--host-record=www.example.org,192.0.9.1,2a00::1", "--host-record=inner.example.org,10.9.9.9"]
WORLD += ["--local=/example.org/", "--cname=alias.example.org,www.example.org"]
WORLD += ["--txt-record=big.example.org," + ",".join(["x" * 250] * 9)]


def intent(**dns: object) -> Document:
    found = network(
        "net",
        port("guest", "fa:16:3e:00:20:11", "10.20.0.11", hostname="vm1"),
        {"name": "db", "mac": "fa:16:3e:00:20:12", "fixed_ips": ["10.20.0.12"], "hostname": "db"},
    )
    found["dns"] = {"domain": "blue.example", "forward_to": [UP], **dns}
    return found


@contextmanager
def served(**dns: object) -> Iterator[tuple[Resolvers, Node]]:
    """A guest with a lease, and the resolver that it was told of."""
    guest = make_guest("guest")
    with dnsmasq(UP, *WORLD), Node(intent(**dns)) as node:
        node.wait_until_right()
        told = Udhcpc(guest).get().variables
        assert (told["dns"], told["domain"]) == (SERVER, "blue.example")
        yield Resolvers(guest, told["dns"].split(), told["domain"]), node


def test_dig() -> None:
    with served() as (ask, _):
        assert ask.run("dig", "+short", "db.blue.example").split() == ["10.20.0.12"]
        assert ask.run("dig", "+short", "+search", "db").split() == ["10.20.0.12"]
        assert ask.run("dig", "+short", "+tcp", "+keepopen", "www.example.org", "www.example.org", "AAAA").split() == [
            "192.0.9.1",
            "2a00::1",
        ]
        assert ask.run("dig", "+short", "-x", "10.20.0.12").split() == ["db.blue.example."]
        whole = ask.run("dig", "nobody.blue.example")
        assert "status: NXDOMAIN" in whole and "SOA" in whole and "flags: qr aa rd ra" in whole
        assert "malformed" not in whole.lower() and "warning" not in whole.lower()
        assert "RFC8482" in ask.run("dig", "ANY", "+notcp", "www.example.org")
        big = ask.run("dig", "big.example.org", "TXT")
        assert "Truncated, retrying in TCP mode" in big and "status: NOERROR" in big
        assert "status: BADVERS" in ask.run("dig", "+edns=1", "+noednsnegotiation", "db.blue.example")
        assert "status: REFUSED" in ask.run("dig", "inner.example.org")
        assert "EDE: 15 (Blocked)" in ask.run("dig", "inner.example.org")
        assert "status: REFUSED" in ask.run("dig", "CH", "TXT", "version.bind")
        assert "Transfer failed" in ask.run("dig", "AXFR", "blue.example")
        assert ask.run("dig", "+short", "NS", "blue.example").split() == ["blue.example."]


def test_the_session_of_the_document() -> None:
    (block,) = sessions_of(__file__, "docs/dns.md")
    with served() as (ask, _):
        for command, shown in commands(block):
            printed = ask.run(*command.split())
            assert agrees(shown, printed), f"{command}\n{printed}\ninstead of\n{shown}"


def test_drill_and_host() -> None:
    with served() as (ask, _):
        found = ask.run("drill", f"@{SERVER}", "db.blue.example")
        assert "10.20.0.12" in found and "rcode: NOERROR" in found
        assert "192.0.9.1" in ask.run("drill", "-t", f"@{SERVER}", "alias.example.org")
        assert "db.blue.example." in ask.run("drill", "-x", f"@{SERVER}", "10.20.0.12")
        assert "db.blue.example has address 10.20.0.12" in ask.run("host", "db")
        assert "domain name pointer db.blue.example." in ask.run("host", "10.20.0.12")
        assert "is an alias for www.example.org" in ask.run("host", "alias.example.org")
        assert "NXDOMAIN" in ask.run("host", "nobody.blue.example", fails=True)


def test_the_resolver_of_glibc() -> None:
    with served() as (ask, _):
        for name in ("db", "db.blue.example", "DB.Blue.Example."):
            assert ask.glibc(name) == ["10.20.0.12"]
        assert ask.glibc("alias.example.org") == ["192.0.9.1", "2a00::1"]
        assert ask.run("getent", "hosts", "10.20.0.12").split() == ["10.20.0.12", "db.blue.example"]
        assert ask.run("getent", "ahosts", "nobody", fails=True) == ""


def test_the_resolver_of_musl() -> None:
    with served() as (ask, _):
        for name in ("db", "db.blue.example"):
            assert ask.musl(name) == {"10.20.0.12": "db.blue.example"}
        assert set(ask.musl("alias.example.org")) == {"192.0.9.1", "2a00::1"}
        assert "does not resolve" in ask.run(str(musl_program()), "nobody.blue.example", fails=True)


def test_c_ares() -> None:
    with served() as (ask, _):
        for name in ("db", "db.blue.example"):
            assert ask.c_ares(name) == ["10.20.0.12"]
        assert ask.c_ares("alias.example.org") == ["192.0.9.1"]
        assert ask.c_ares("alias.example.org", "6") == ["2a00::1"]
        assert "not found" in ask.run(*ask.c_ares_program("nobody.blue.example"), fails=True)


def test_a_renamed_port_is_known_by_its_new_name_at_once() -> None:
    with served() as (ask, node):
        changed = intent()
        changed["ports"][1]["hostname"] = "database"
        node.write(changed)
        wait_for(lambda: ask.run("dig", "+short", "database.blue.example").split() == ["10.20.0.12"], "it is known")
        assert ask.run("dig", "+short", "db.blue.example") == ""
        node.write({key: value for key, value in changed.items() if key != "dns"})
        wait_for(
            lambda: "connection refused" in ask.run("dig", "+tries=1", "+timeout=1", "x", fails=None), "it has gone"
        )


def test_over_ipv6() -> None:
    with served() as (ask, node):
        both = intent()
        both["subnets"].append({"cidr": "fd00:20::/64", "server_address": "fd00:20::2"})
        both["ports"][0]["fixed_ips"].append("fd00:20::11")
        both["ports"][1]["fixed_ips"].append("fd00:20::12")
        node.write(both)
        with ask.guest.entered(), RouteSocket() as route:
            device = links.find_link(route, "eth0")
            assert device
            addresses.add_address(route, device, ip_interface("fd00:20::11/64"))
        server = "@fd00:20::2"
        wait_for(
            lambda: "status: NOERROR" in ask.run("dig", server, "+tries=1", "+timeout=1", "db", fails=None), "it is up"
        )
        assert ask.run("dig", server, "+short", "db.blue.example", "AAAA").split() == ["fd00:20::12"]
        assert ask.run("dig", server, "+tcp", "+short", "-x", "fd00:20::12").split() == ["db.blue.example."]
        assert Resolvers(ask.guest, ["fd00:20::2"], "blue.example").musl("db").keys() == {"10.20.0.12", "fd00:20::12"}


def test_without_forwarders_the_hosts_are_asked() -> None:
    conf = HOME / "host-resolv.conf"
    HOME.mkdir(exist_ok=True)
    conf.write_text(f"# the host's\nnameserver {UP}\n")
    syscalls.mount(str(conf), "/etc/resolv.conf", None, syscalls.MS_BIND)
    with served(forward_to=[]) as (ask, node):
        assert ask.glibc("www.example.org") == ["192.0.9.1", "2a00::1"]
        assert node.status("net")["services"]["dns"]["forwarders"] == [UP]
        conf.write_text("# nobody\n")
        wait_for(lambda: "SERVFAIL" in ask.run("dig", "other.example.org"), "the change is seen")


def test_a_private_answer_can_be_allowed() -> None:
    with served(allow_private=True) as (ask, _):
        assert ask.glibc("inner.example.org") == ["10.9.9.9"]
