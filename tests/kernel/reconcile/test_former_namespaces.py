"""A node that has moved from ML2/OVS to OVN, or back: what netmend made in the other role goes, others' stay."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from netmend.intent import Intent, Network, Subnet
from netmend.intent.names import NAMESPACE_PREFIXES, id_from_name, name_namespaces, namespace_name
from netmend.kernel import links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.reconcile.reconciler import Reconciler

QDHCP, OVNMETA = NAMESPACE_PREFIXES


def intent(*numbers: int) -> Intent:
    return Intent({network.id: network for network in map(network, numbers)})


def network(number: int) -> Network:
    network_id, cidr = id_from_name("network", str(number)), IPv4Network("10.0.0.0/24")
    subnet = Subnet(id_from_name("subnet", str(number)), "s", cidr, cidr[2])
    return Network(network_id, f"n{number}", subnets=(subnet,))


def names() -> set[str]:
    return set(nsdir.names(nsdir.DEFAULT))


def devices() -> set[str]:
    with RouteSocket() as route:
        return {link.name for link in links.dump_links(route)}


@contextmanager
def role(prefix: str) -> Iterator[None]:
    name_namespaces(prefix)
    try:
        yield
    finally:
        name_namespaces(QDHCP)


def test_what_was_made_in_the_other_role_goes_and_what_is_wanted_is_made() -> None:
    first = Reconciler()
    first.run(intent(1, 2))
    first.close()
    for prefix in (OVNMETA, QDHCP):
        with role(prefix):
            wanted = intent(1)
            reconciler = Reconciler()
            plans = reconciler.plan(wanted)
            said = {str(step) for plan in plans for step in plan.steps}
            gone = {name for name in names() if not name.startswith(prefix)}
            assert gone and {f"remove namespace {name}" for name in gone} <= said
            report = reconciler.run(wanted)
            assert report.right == frozenset(wanted.networks) and not report.wrong and not reconciler.resync.all()
            assert names() == {namespace_name(network_id) for network_id in wanted.networks}
            assert len(devices()) == 3  # with the loopback, the bridge and the port of one network
            assert Reconciler().plan(wanted) == []
            reconciler.close()


def test_what_others_made_by_names_of_the_other_role_stays() -> None:
    name = f"{QDHCP}{id_from_name('network', '1')}"
    Path(nsdir.DEFAULT).mkdir()
    with Netns.create(name) as made:
        netns.pin(made, f"{nsdir.DEFAULT}/{name}", "")
    plain = f"{QDHCP}{id_from_name('network', '2')}"
    Path(nsdir.DEFAULT, plain).touch()
    Path(nsdir.DEFAULT, f"{QDHCP}whatever").touch()
    with role(OVNMETA):
        wanted = intent(1)
        reconciler = Reconciler()
        assert not reconciler.run(wanted).wrong
        assert not reconciler.run(wanted).wrong
        assert names() == {name, plain, f"{QDHCP}whatever", *map(namespace_name, wanted.networks)}


def test_a_namespace_that_cannot_be_removed_is_a_reason_until_it_can() -> None:
    first = Reconciler()
    first.run(intent(1))
    first.close()
    (name,) = names()
    subprocess.run(["mount", "-o", "remount,ro,bind", nsdir.DEFAULT], check=True)
    with role(OVNMETA):
        reconciler = Reconciler()
        reconciler.run(Intent())
        (reason,) = reconciler.resync.all()
        assert name in reason.text and "Read-only" in reason.text and reason.serves, reason
        subprocess.run(["mount", "-o", "remount,rw,bind", nsdir.DEFAULT], check=True)
        report = reconciler.run(Intent(), {reason.network_id})
        assert not names() and not reconciler.resync.all() and not report.wrong
