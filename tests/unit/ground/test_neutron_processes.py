"""Which helpers of Neutron's agents are strays."""

from msgspec.structs import replace

from netmend.ground.neutron_processes import HelperProcess, Rival, Stray, Wrong, find_strays, role_and_owner

ONE = "317716b8-919a-4a6f-8db1-78128ec3b100"
OTHER = "9d5b0f8e-0b4b-4a3b-b8a9-2f7c4a2b9f10"
NAMES = {10: {f"qdhcp-{ONE}"}, 20: {f"qdhcp-{OTHER}"}}
DNSMASQ = HelperProcess(100, "dnsmasq", "dhcp", ONE, 10, 1, 1000.0, ("udp 53", "udp 67"))
HAPROXY = HelperProcess(200, "haproxy", "ns-metadata-proxy", ONE, 10, 1, 1000.0, ("tcp 80",))


def test_files_of_neutrons_agents_tell_the_network() -> None:
    lines = {
        f"dnsmasq --pid-file=/var/lib/neutron/dhcp/{ONE}/pid --conf-file=/dev/null": ("dhcp", ONE),
        f"/usr/sbin/dnsmasq -k --dhcp-hostsfile=/var/lib/neutron/kolla/dhcp/{ONE}/host": ("dhcp", ONE),
        f"haproxy -Ws -f /var/lib/neutron/kolla/ns-metadata-proxy/{ONE}.conf": ("ns-metadata-proxy", ONE),
        f"haproxy -f /var/lib/neutron/ovn-metadata-proxy/{ONE}.conf": ("ovn-metadata-proxy", ONE),
        "dnsmasq --conf-file=/var/lib/libvirt/dnsmasq/default.conf": None,
        "haproxy -f /etc/haproxy/haproxy.cfg": None,
        f"dnsmasq --user={ONE}": None,
    }
    assert {line: role_and_owner(line) for line in lines} == lines


def test_what_a_right_host_has_is_no_stray() -> None:
    worker = replace(HAPROXY, pid=201, parent=200)
    with_router = replace(HAPROXY, pid=300, owner=OTHER, network=20)
    beside_ovn = replace(HAPROXY, pid=400, role="ovn-metadata-proxy", network=30)
    ending = replace(DNSMASQ, pid=90, started=900.0, listens=())
    names = NAMES | {30: {f"ovnmeta-{ONE}"}}
    assert find_strays([DNSMASQ, HAPROXY, worker, with_router, beside_ovn, ending], names, set()) == []


def test_a_namespace_without_a_name_may_serve_guests() -> None:
    """Nothing is known to serve them instead: the namespace itself is told of by another check."""
    assert find_strays([DNSMASQ], {}, set()) == []
    assert find_strays([DNSMASQ, replace(DNSMASQ, pid=101, network=11)], {}, set()) == []


def test_nothing_but_a_loopback_is_a_network_that_is_gone() -> None:
    for names in (NAMES, {}):
        assert find_strays([DNSMASQ], names, {10}) == [Stray(DNSMASQ, Wrong.GONE)]


def test_the_newest_in_the_namespace_of_the_name_is_the_right_one() -> None:
    later = replace(DNSMASQ, pid=99, started=2000.0)
    assert find_strays([DNSMASQ, later], NAMES, set()) == [Stray(DNSMASQ, Wrong.SURPLUS, 99)]
    in_the_old_one = replace(DNSMASQ, pid=101, started=3000.0, network=11)
    assert find_strays([DNSMASQ, in_the_old_one], NAMES, set()) == [Stray(in_the_old_one, Wrong.SURPLUS, 100)]
    assert find_strays([DNSMASQ, replace(in_the_old_one, listens=())], NAMES, set()) == [
        Stray(replace(in_the_old_one, listens=()), Wrong.SURPLUS, 100)
    ]


def test_another_program_with_the_same_sockets_serves_beside() -> None:
    beside = replace(DNSMASQ, rivals=(Rival(7, "netmend"),))
    assert find_strays([beside], NAMES, set()) == [Stray(beside, Wrong.BESIDE, 7)]
    assert find_strays([beside], {}, set()) == []


def test_sockets_of_haproxy_are_its_workers() -> None:
    def both(number: int, network: int, started: float) -> list[HelperProcess]:
        first = replace(HAPROXY, pid=number, network=network, started=started, listens=())
        return [first, replace(first, pid=number + 1, parent=number, listens=("tcp 80",))]

    old, new = both(200, 11, 1000.0), both(300, 10, 2000.0)
    assert [(stray.helper.pid, stray.wrong) for stray in find_strays(old + new, NAMES, set())] == [(200, Wrong.SURPLUS)]
