"""A node that another agent left: what it made for the very port that is netmend's own is taken over as it is."""

import subprocess
from ipaddress import ip_interface

import pytest
from msgspec.structs import replace
from tests.kernel.vswitch import SOCKET, VSwitch
from tests.kernel.wiring.test_ovs import INTERNAL, VETH, host_links, inside, intent, network, run_until_right

from netmend.intent import Intent, Network, OvsWiring
from netmend.intent.names import dhcp_port, namespace_name, tap_name
from netmend.intent.network import DhcpPort
from netmend.kernel import links, netns, nsdir
from netmend.kernel.addresses import add_address
from netmend.kernel.links import Found, VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.ovsdb.connection import Connection
from netmend.reconcile.adoption import Adoption
from netmend.reconcile.reconciler import Reconciler
from netmend.wiring import wanted_devices

PORT = DhcpPort("5c7a9d10-1111-4222-8333-444455556666", "fa:16:3e:12:34:56")


def made_by_another(switch: VSwitch, wiring: OvsWiring) -> Network:
    """A network, and what Neutron's DHCP agent makes for its port, already wired by neutron-openvswitch-agent."""
    one = replace(network(1, wiring), dhcp_port=PORT)
    name, far = tap_name(PORT.id), tap_name(PORT.id) if wiring is INTERNAL else "ns-" + PORT.id[:11]
    nsdir.prepare()
    with Netns.create("theirs") as place, RouteSocket() as theirs:
        links.set_link(theirs, links.LOOPBACK, up=True)
    netns.pin(place, f"/run/netns/{namespace_name(one.id)}", "")
    ids = [f"external_ids:iface-id={PORT.id}", "external_ids:iface-status=active",
           f'external_ids:attached-mac="{PORT.mac}"']  # fmt: skip
    with RouteSocket() as route:
        kind = ["type=internal"] if wiring is INTERNAL else []
        if wiring is VETH:
            links.create_veth(route, VethEnd(name, 1400, 0), VethEnd(far, 1400, 0, PORT.mac), place)
        switch.vsctl("add-port", "br-int", name, "tag=5", "--", "set", "Interface", name, *kind, *ids)
        if wiring is INTERNAL:
            found = links.find_link(route, name)
            assert found
            links.set_link(route, found, mac=PORT.mac)
            links.move_link(route, found, place)
    with place.entered(), RouteSocket() as theirs:
        inner = links.find_link(theirs, far)
        assert inner
        links.set_link(theirs, inner, up=True, mtu=1400)
        for address in wanted_devices(one)[0].far.addresses:  # type: ignore[union-attr]
            add_address(theirs, Found(inner.index, far), address)
    place.close()
    return one


def adopt(one: Network) -> None:
    with Connection(f"unix:{SOCKET}") as connection:
        Adoption(nsdir.DEFAULT, connection).adopt([one])


def rows(switch: VSwitch) -> dict[str, str]:
    name = tap_name(PORT.id)
    return {
        "port": switch.get("Port", name, "_uuid"),
        "interface": switch.get("Interface", name, "_uuid"),
        "tag": switch.get("Port", name, "tag"),
    }


@pytest.mark.parametrize("wiring", [INTERNAL, VETH])
def test_it_is_taken_over_as_it_is_and_removed_whole(wiring: OvsWiring) -> None:
    with VSwitch() as switch:
        one = made_by_another(switch, wiring)
        path = f"/run/netns/{namespace_name(one.id)}"
        inode = Netns.open(path).inode
        before = (rows(switch), {name: (link.index, link.mac, link.up) for name, link in inside(one).items()})
        (reason,) = Reconciler().plan(intent(one))[0].blocked
        assert "taken" in reason.text
        adopt(one)
        reconciler = Reconciler()
        run_until_right(reconciler, intent(one))
        assert Netns.open(path).inode == inode
        assert (rows(switch), {name: (link.index, link.mac, link.up) for name, link in inside(one).items()}) == before
        ids = switch.get("Interface", tap_name(PORT.id), "external_ids")
        assert "netmend-mark" in ids and PORT.id in ids and PORT.mac in ids
        run_until_right(reconciler, Intent())
        assert switch.ports() == set() and nsdir.names() == set() and tap_name(PORT.id) not in host_links()
        assert dhcp_port(one) is PORT


def test_a_port_of_another_id_is_not_taken() -> None:
    with VSwitch() as switch:
        one = made_by_another(switch, INTERNAL)
        name = tap_name(PORT.id)
        switch.vsctl("set", "Interface", name, "external_ids:iface-id=another")
        adopt(one)
        report = (reconciler := Reconciler()).run(intent(one))
        assert report.wrong == {one.id} and "which netmend did not make" in reconciler.resync.all()[0].text
        assert "netmend" not in switch.get("Interface", name, "external_ids")


@pytest.mark.parametrize("wiring", [INTERNAL, VETH])
def test_what_another_agent_made_since_in_a_namespace_of_ours_is_taken_over(wiring: OvsWiring) -> None:
    with VSwitch() as switch, Connection(f"unix:{SOCKET}") as connection:
        one = made_by_another(switch, wiring)
        adopt(one)
        ours = Reconciler()
        run_until_right(ours, intent(one))
        ours.close()
        name = tap_name(PORT.id)
        for table in ("Interface", "Port"):  # it made its port anew: nothing of ours is left on it
            for key in ("netmend-mark", "netmend-bridge", "managed-by"):
                switch.vsctl("remove", table, name, "external_ids", key)
        if wiring is VETH:
            with RouteSocket() as route:
                found = links.find_link(route, name)
                assert found
                links.set_link(route, found, alias="", group=0)
        adoption = Adoption(nsdir.DEFAULT, connection)
        before = rows(switch)
        another, ours = Reconciler(), Reconciler(take_over=adoption.adopt)
        assert reasons_of_a_pass(another, one)
        (reason,) = reasons_of_a_pass(ours, one)
        assert "another netmend" in reason, "its first look cannot say whose the device is: the switch is not its own"
        another.close()
        run_until_right(ours, intent(one))
        assert rows(switch) == before
        assert "netmend-mark" in switch.get("Interface", name, "external_ids")


def reasons_of_a_pass(reconciler: Reconciler, one: Network) -> list[str]:
    reconciler.run(intent(one))
    return [reason.text for reason in reconciler.resync.all()]


@pytest.mark.parametrize("wiring", [INTERNAL, VETH])
def test_a_device_of_another_hosts_port_goes_that_somebody_puts_into_a_namespace_of_ours(wiring: OvsWiring) -> None:
    """As Neutron's agent has it (cleanup_stale_devices): at once, whoever made it, and with its port of the switch."""
    with VSwitch() as switch, Connection(f"unix:{SOCKET}") as connection:
        one = made_by_another(switch, wiring)
        adoption = Adoption(nsdir.DEFAULT, connection)
        reconciler = Reconciler(take_over=adoption.adopt)
        run_until_right(reconciler, intent(one))
        own = set(inside(one))
        stray, stray_id = "tap0bad0bad-00", "0bad0bad-0000-4000-8000-000000000000"
        with Netns.open(f"/run/netns/{namespace_name(one.id)}") as place, RouteSocket() as route:
            if wiring is VETH:
                links.create_veth(route, VethEnd(stray, 1400, 0), VethEnd("ns-0bad0bad-00", 1400, 0), place)
            kind = ["type=internal"] if wiring is INTERNAL else []
            switch.vsctl(
                "add-port", "br-int", stray, "--", "set", "Interface", stray, *kind, f"external_ids:iface-id={stray_id}"
            )
            found = links.find_link(route, stray)
            assert found
            if wiring is INTERNAL:
                links.move_link(route, found, place)
            with place.entered(), RouteSocket() as inner:
                there = links.find_link(inner, stray if wiring is INTERNAL else "ns-0bad0bad-00")
                assert there
                add_address(inner, there, ip_interface("10.0.0.77/24"))
                # A device that only has such a name: no end of it is outside.
                subprocess.run(["ip", "link", "add", "tapforeign", "type", "veth", "peer", "name", "other"], check=True)
        run_until_right(reconciler, intent(one))
        assert (switch.ports(), set(inside(one)) - own) == ({tap_name(PORT.id)}, {"tapforeign", "other"})
        assert stray not in host_links()
        assert run_until_right(reconciler, intent(one)).planned_steps == 0, "what nobody can take over stays as it is"
