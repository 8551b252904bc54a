"""Each check on what a host showed: what is wrong is found with who is at fault, and what is right is not."""

from dataclasses import replace

import pytest
from msgspec import structs
from tests.unit.doctor.texts import HOST, A, B, container, diagnosed

from netmend.doctor.diagnose import diagnose
from netmend.doctor.observation import (
    Bind,
    Container,
    Directory,
    Holder,
    Name,
    NetworkNamespace,
    Observation,
    SeenHelper,
    SeenLink,
)
from netmend.doctor.pasted import BadCopy, observe_copies
from netmend.ground.finding import RemoveName
from netmend.ground.neutron_processes import HelperProcess, Rival

NETNS = Directory("0:55", "/netns")


def checks(*, observation: Observation) -> list[str]:
    return [finding.check for finding in diagnose(observation)]


def host(text: str = HOST, **more: object) -> Observation:
    observation = observe_copies({"host": ("host.txt", text.encode())})
    return replace(observation, **more)  # type: ignore[arg-type]


def test_the_recorded_case() -> None:
    found = {finding.netns: finding for finding in diagnosed(host=HOST, a=A, b=B)}
    assert set(found) == {"t1", "t2"}
    assert (found["t1"].usable_in, found["t1"].broken_in) == (("a",), ("host", "b"))
    assert (found["t2"].usable_in, found["t2"].broken_in) == (("host", "b"), ("a",))
    assert {finding.culprits for finding in found.values()} == {("a",)}
    assert "shared:57" in found["t1"].cause and any("240 152 0:55" in line for line in found["t1"].evidence)


def test_peers_are_in_order() -> None:
    assert diagnosed(host=HOST, b=B) == []


def test_partial_copies_without_roots() -> None:
    def netns(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if "/run/netns" in line)

    found = {finding.netns: finding for finding in diagnosed(host=netns(HOST), dhcp=netns(A))}
    assert found["t1"].usable_in == ("dhcp",) and found["t1"].broken_in == ("host",)
    assert found["t2"].culprits == ("dhcp",)


def test_pasted_with_indentation_and_other_lines() -> None:
    text = "$ cat /proc/1/mountinfo\r\n" + "".join(f"    {line}\r\n" for line in HOST.splitlines()) + "bye\n"
    observation = observe_copies({"host": ("h", text.encode()), "a": ("a", A.encode())})
    assert {finding.netns for finding in diagnose(observation)} == {"t1", "t2"}
    assert {item.what for item in observation.unread} == {"h:12"}


@pytest.mark.parametrize("content", [b"", b"\n\n", b"not a line\n", b"one two three four five six seven eight nine\n"])
def test_no_mountinfo_at_all_names_file_and_line(content: bytes) -> None:
    with pytest.raises(BadCopy, match=r"^copy\.txt:1: "):
        observe_copies({"host": ("copy.txt", content)})


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("", "private mount"),
        ("shared:99", "peer group of its own"),
    ],
)
def test_a_name_made_on_the_host_that_a_container_lacks(flags: str, said: str) -> None:
    found = diagnosed(host=HOST, c=container(flags, ("h1", 4026532395)))
    assert [(finding.netns, finding.broken_in, finding.culprits) for finding in found] == [("t2", ("c",), ("c",))]
    assert said in found[0].cause


def test_a_slave_that_made_a_name() -> None:
    names = [("h1", 4026532395), ("t2", 4026532958), ("own", 77)]
    (found,) = diagnosed(host=HOST, c=container("shared:99 master:45", *names))
    assert (found.netns, found.usable_in, found.broken_in, found.culprits) == ("own", ("c",), ("host",), ("c",))
    assert "slave (master:45)" in found.cause


def test_a_slave_that_only_looks_is_in_order() -> None:
    assert diagnosed(host=HOST, c=container("master:45", ("h1", 4026532395), ("t2", 4026532958))) == []


def test_started_before_the_host_covered_its_directory() -> None:
    later = HOST.replace(
        "169 116 0:55 /netns /run/netns rw,relatime shared:45", "169 116 0:55 /netns /run/netns rw shared:46"
    )
    (found,) = diagnosed(host=later, c=container("shared:45", ("h1", 4026532395)))[:1]
    assert "was started before" in found.cause


def test_cut_off_and_nothing_broken_yet() -> None:
    (found,) = diagnosed(host=HOST, c=container("", ("h1", 4026532395), ("t2", 4026532958)))
    assert (found.check, found.culprits, found.netns) == ("not-shared", ("c",), None)


def test_a_directory_deleted_under_a_container() -> None:
    (found,) = diagnosed(host=HOST, c=container("shared:45", root="/netns//deleted"))
    assert (found.check, found.culprits) == ("deleted-directory", ("c",))


def test_a_directory_covered_by_another_file_system() -> None:
    covered = B + "400 302 0:90 / /run/netns rw - tmpfs tmpfs rw\n"
    assert [(f.check, f.culprits) for f in diagnosed(host=HOST, b=covered)] == [("shadowed-directory", ("b",))]


def test_one_name_that_leads_to_two_namespaces() -> None:
    found = diagnosed(host=HOST, c=container("shared:99", ("h1", 1), ("t2", 4026532958)))
    assert ("split-name", "h1") in [(finding.check, finding.netns) for finding in found]


def test_layers_that_double() -> None:
    layers = "".join(
        f"{900 + i} {899 + i if i else 169} 0:55 /netns /run/netns rw shared:45 - tmpfs tmpfs rw\n" for i in range(7)
    )
    found = diagnosed(host=HOST + layers)
    assert [finding.check for finding in found if finding.check == "doubling-mounts"] == ["doubling-mounts"]
    assert not [f for f in diagnosed(host=HOST + layers.splitlines()[0] + "\n") if f.check == "doubling-mounts"]


def test_a_private_run_and_a_container_that_docker_would_not_start() -> None:
    private = "1 0 254:0 / / rw shared:1 - ext4 /dev/vda rw\n2 1 0:55 / /run rw - tmpfs tmpfs rw\n"
    private += "3 2 0:4 net:[4026532395] /run/netns/h1 rw - nsfs nsfs rw\n"
    refused = Container(
        "docker",
        "c" * 64,
        "dhcp",
        binds=(Bind("/run/netns", "/run/netns", "shared"),),
        running=False,
        last_error="path /run/netns is mounted on /run but it is not a shared mount",
    )
    (found,) = diagnose(host(private, stopped=(refused,)))
    assert (found.check, found.culprits, found.suffers) == ("private-run", ("host",), ("dhcp",))
    assert "docker start dhcp" in found.mend
    assert diagnose(host(stopped=(refused,))) == []  # it is shared by now


def test_a_name_nobody_has() -> None:
    names = {NETNS: {"h1": Name("mounted"), "t2": Name("mounted"), "dead": Name("file", 9, 1_000.0)}}
    (found,) = diagnose(host(names=names, complete=True))
    assert (found.check, found.netns, found.broken_in) == ("dead-name", "dead", ("host",))
    assert found.safe == (RemoveName("/run/netns/dead", 9),)
    (found,) = diagnose(host(names=names, complete=False))
    assert found.safe == ()  # somebody who could not be looked at may have it


def test_a_link_to_a_process_that_ended() -> None:
    names = {NETNS: {"c1": Name("link", 9, 0.0, target="/proc/4711/ns/net", leads_nowhere=True)}}
    (found,) = diagnose(host(names=names))
    assert found.netns == "c1" and "/proc/4711/ns/net" in found.summary
    alive = {NETNS: {"c1": Name("link", 9, 0.0, target="/proc/4711/ns/net")}}
    assert diagnose(host(names=alive)) == []


def test_what_docker_leaves_in_its_own_directory_is_no_finding() -> None:
    names = {Directory("0:55", "/docker/netns"): {"0123456789ab": Name("file", 9, 1_000.0)}}
    assert diagnose(host(names=names, complete=True)) == []


def link(index: int, name: str, kind: str, **more: object) -> SeenLink:
    settings: dict[str, object] = {
        "up": False,
        "carrier": False,
        "master": 0,
        "group": 0,
        "alias": None,
        "peer_index": 0,
    }
    settings |= {"peer_netnsid": None, **more}
    return SeenLink(index, name, kind, **settings)  # type: ignore[arg-type]


def network(*links: SeenLink, **more: object) -> NetworkNamespace:
    return replace(NetworkNamespace(1, links=links), **more)  # type: ignore[arg-type]


def with_links(*links: SeenLink, **more: object) -> Observation:
    return host(networks=(network(*links, **more),), host_network=1, complete=True)


def test_orphans() -> None:
    pair = [link(2, "tap01234567-89", "veth", peer_index=3), link(3, "ns-01234567-89", "veth", peer_index=2)]
    assert checks(observation=with_links(*pair)) == ["orphan-devices"]
    assert checks(observation=with_links(link(2, "vnet3", "tun", holders=0))) == ["orphan-devices"]
    assert checks(observation=with_links(link(2, "vnet3", "tun", holders=1))) == []
    assert checks(observation=with_links(link(2, "vnet3", "tun", holders=None))) == []
    assert checks(observation=with_links(link(2, "mytap", "tun", holders=0))) == []  # nobody's pattern
    assert checks(observation=with_links(replace(pair[0], up=True), pair[1])) == []
    assert checks(observation=with_links(link(2, "veth0123456", "veth", peer_netnsid=0), peers={0: 5})) == []


def test_the_pair_of_ovns_metadata_agent() -> None:
    """`tap…0` is a port of the switch, and up, with its far end `tap…1` in the namespace; both here and down, nobody
    finished."""
    left = [link(2, "tapf992a46b-80", "veth", peer_index=3), link(3, "tapf992a46b-81", "veth", peer_index=2)]
    (found,) = diagnose(with_links(*left))
    assert found.check == "orphan-devices" and "in the manner of Neutron" in found.summary
    served = link(2, "tapf992a46b-80", "veth", up=True, master=9, peer_index=2, peer_netnsid=0)
    assert checks(observation=with_links(served, peers={0: 5})) == []


def test_a_name_of_ovns_metadata_agent_that_is_dead() -> None:
    name = "ovnmeta-f992a46b-8dae-4eef-b80f-2d980466a361"
    alive = {"h1": Name("mounted"), "t2": Name("mounted")}
    (found,) = diagnose(host(names={NETNS: alive | {name: Name("file", 9, 1_000.0)}}, complete=True))
    assert (found.check, found.netns) == ("dead-name", name) and found.safe
    assert diagnose(host(names={NETNS: alive}, complete=True)) == []


def test_thousands_of_orphans_are_deleted_in_one_go() -> None:
    links = [link(n, f"tap{n:08x}-00", "tun", holders=0) for n in range(2, 10_002)]
    (found,) = diagnose(with_links(*links))
    assert found.severity.word == "error" and found.mend.count("\n") > 10_000 and "ip -force -batch" in found.mend


def test_bridge_ports() -> None:
    bridge = link(2, "br-int", "bridge", up=True)
    ports = [link(n, f"p{n}", "dummy", master=2, up=True) for n in range(3, 1_026)]
    assert checks(observation=with_links(bridge, *ports[:900])) == []
    assert "full" in diagnose(with_links(bridge, *ports))[0].summary


def test_stale_netnsid() -> None:
    lost = link(2, "veth0", "veth", up=True, peer_netnsid=7)
    assert checks(observation=with_links(lost)) == ["stale-netnsid"]
    assert checks(observation=with_links(lost, peers={7: 5})) == []
    assert checks(observation=replace(with_links(lost), complete=False)) == []


def test_nameless() -> None:
    tap = link(2, "tap01234567-89", "veth", up=True)
    kept = NetworkNamespace(5, residents=(Holder(7, "dnsmasq", "host"),), resident_count=1, links=(tap,))
    assert checks(observation=host(networks=(kept,), host_network=1)) == ["nameless-namespace"]
    sandbox = replace(kept, links=(link(1, "lo", "", up=False),))
    assert checks(observation=host(networks=(sandbox,), host_network=1)) == []
    named = replace(kept, inode=4026532395)
    assert checks(observation=host(networks=(named,), host_network=1)) == []


OWNER = "317716b8-919a-4a6f-8db1-78128ec3b100"
SIBLING = f"neutron_dhcp_agent_dnsmasq_qdhcp-{OWNER}"
HELPER = HelperProcess(7, "dnsmasq", "dhcp", OWNER, 4026532395, 1, 1000.0, ("udp 67",))


def with_helpers(*helpers: HelperProcess, links: tuple[SeenLink, ...], names: str = "") -> Observation:
    """A host on which the first helper is in a sibling container, and the others are in the agent's."""
    names = names or HOST.replace("/run/netns/h1", f"/run/netns/qdhcp-{OWNER}")
    texts = {"host": names, SIBLING: names, "agent": names}
    observation = observe_copies({label: (label, text.encode()) for label, text in texts.items()})
    known = {
        label: replace(n, pid=40 + i, container=Container("docker", str(i), label) if i else None)
        for i, (label, n) in enumerate((n.label, n) for n in observation.namespaces)
    }
    networks = {helper.network: NetworkNamespace(helper.network, links=links) for helper in helpers}
    residents = {i: tuple(Holder(h.pid, h.program, "agent") for h in helpers if h.network == i) for i in networks}
    return replace(
        observation,
        namespaces=tuple(known.values()),
        helpers=tuple(SeenHelper(h, "agent" if i else SIBLING) for i, h in enumerate(helpers)),
        networks=tuple(
            replace(n, residents=residents[i], resident_count=len(residents[i])) for i, n in networks.items()
        ),
    )


def test_siblings_that_nobody_needs() -> None:
    lo, port = link(1, "lo", "", up=False), link(2, "ns-1", "bridge", up=True)
    assert diagnose(with_helpers(HELPER, links=(lo, port))) == []
    (gone,) = diagnose(with_helpers(HELPER, links=(lo,)))
    assert (gone.check, gone.culprits, gone.severity.word) == ("stray-processes", (SIBLING,), "warning")
    assert gone.mend == f"docker stop {SIBLING}  # serves nobody\nnetmend doctor  # verifies"
    assert "its network is gone" in gone.summary and f"qdhcp-{OWNER}): nothing in it but lo" in gone.evidence[0]
    nameless = HOST.replace("/run/netns/h1", "/run/netns/other")
    (gone,) = diagnose(with_helpers(structs.replace(HELPER, network=4026532999), links=(lo,), names=nameless))
    assert (gone.check, "(no name)" in gone.evidence[0], gone.mend[:11]) == ("stray-processes", True, "docker stop")


def test_two_helpers_for_one_network() -> None:
    lo, port = link(1, "lo", "", up=False), link(2, "ns-1", "bridge", up=True)
    newer = structs.replace(HELPER, pid=8, started=2000.0)
    (surplus,) = diagnose(with_helpers(HELPER, newer, links=(lo, port)))
    assert (surplus.check, surplus.culprits, surplus.severity.word) == ("stray-processes", (SIBLING,), "error")
    assert surplus.mend.startswith(f"docker stop {SIBLING}  # guests are served by the other\n")
    assert surplus.evidence[0].endswith("dnsmasq 8 serves the same")
    old_namespace = structs.replace(HELPER, pid=9, network=4026532999)  # with a port in it that would go along
    (surplus,) = diagnose(with_helpers(newer, old_namespace, links=(lo, port)))
    assert (surplus.check, surplus.culprits) == ("stray-processes", ("agent",))
    assert surplus.mend.startswith("# kill 9  # their namespaces, and the devices in these, go along\n")


def test_a_helper_beside_netmend() -> None:
    lo, port = link(1, "lo", "", up=False), link(2, "ns-1", "bridge", up=True)
    (beside,) = diagnose(with_helpers(structs.replace(HELPER, rivals=(Rival(70, "netmend"),)), links=(lo, port)))
    assert (beside.check, beside.severity.word) == ("stray-processes", "error")
    assert beside.evidence[0].endswith("netmend 70 has udp 67 open there too")
    assert beside.mend.startswith(f"docker stop {SIBLING}")


def test_dockerd_in_mounts_of_its_own() -> None:
    engine = HOST.replace("shared:45", "shared:145 master:45").replace("shared:23", "shared:123 master:23")
    observation = observe_copies({"host": ("h", HOST.encode()), "dockerd.service": ("d", engine.encode())})
    namespaces = tuple(
        replace(n, pid=pid, is_engine=n.label != "host", own_pid_namespace=False, inode=pid)
        for n, pid in zip(observation.namespaces, (1, 20), strict=True)
    )
    found = diagnose(replace(observation, namespaces=namespaces))
    assert [finding.check for finding in found] == ["engine-mount-namespace"]
    nested = tuple(replace(n, own_pid_namespace=n.label != "host") for n in namespaces)
    assert diagnose(replace(observation, namespaces=nested)) == []


ONE_NAME = """\
22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
25 22 0:25 / /run rw,nosuid shared:5 - tmpfs tmpfs rw
40 25 0:4 net:[4026532001] /run/netns/a rw shared:20 - nsfs nsfs rw
41 40 0:4 net:[{upper}] /run/netns/a rw shared:21 - nsfs nsfs rw
"""


@pytest.mark.parametrize(("upper", "mend"), [(4026532001, "umount /run/netns/a"), (4026532009, "# two namespaces")])
def test_a_name_that_was_pinned_twice(upper: int, mend: str) -> None:
    """On a real kernel the first mend leaves a name that can be deleted, and would lose the other upper namespace."""
    observation = observe_copies({"host": ("h", ONE_NAME.format(upper=upper).encode())})
    (found,) = diagnose(observation)
    assert (found.check, found.summary.endswith("on the name itself")) == ("hidden-copy", True)
    assert found.mend.startswith(mend) and "rslave" not in found.mend


def test_a_file_system_over_names_that_lie_on_run_itself() -> None:
    """One finding for all names, and what uncovers them."""
    names = "".join(
        f"{40 + n} 25 0:4 net:[{4026532001 + n}] /run/netns/n{n} rw shared:{20 + n} - nsfs nsfs rw\n" for n in range(20)
    )
    run = "".join(line for line in ONE_NAME.splitlines(keepends=True) if "nsfs" not in line)
    over = "90 25 0:77 / /run/netns rw shared:90 - tmpfs tmpfs rw\n"
    (found,) = diagnose(observe_copies({"host": ("h", (run + names + over).encode())}))
    assert (found.check, "with 20 namespaces" in found.summary) == ("shadowed-directory", True)
    assert "umount /run/netns" in found.mend
    bound = "90 25 0:25 /netns /run/netns rw shared:5 - tmpfs tmpfs rw\n"  # the directory itself: another check
    assert [one.check for one in diagnose(observe_copies({"host": ("h", (run + names + bound).encode())}))] == [
        "covered-names"
    ]
    assert not diagnose(observe_copies({"host": ("h", (run + over).encode())}))
