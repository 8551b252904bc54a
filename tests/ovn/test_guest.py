"""A guest bound on the chassis gets its metadata; what was made for it goes with it."""

from tests.neutron.nova import nova_metadata
from tests.ovn.agent import Agent, booted, get_soon, namespaces
from tests.ovn.central import CHASSIS, PROJECT, Central, Guest, metadata_port, network_id
from tests.waiting import wait_for

from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.offload import leaves_checksums


def test_a_bound_guest_gets_its_metadata_and_nothing_is_left_when_it_goes() -> None:
    guest, other = Guest(1, 5), Guest(1, 6)
    with nova_metadata(), Central() as central, Agent() as agent:
        agent.wait_served()
        central.add_networks([1, 2])
        central.add_ports(guest, other)
        with booted(central, guest) as place:
            agent.wait_served(network_id(1))
            said = get_soon(place)
            assert (said["instance"], said["tenant"], said["from"]) == (guest.instance, PROJECT, "10.0.0.5")
            said = get_soon(place, "fe80::a9fe:a9fe%eth0", "fd00::5")
            assert (said["instance"], said["from"]) == (guest.instance, "fd00::5")
            assert namespaces() == {f"ovnmeta-{network_id(1)}"}
            stem = f"tap{network_id(1)[:10]}"
            row = central.switch.get("Interface", f"{stem}0", "external_ids")
            assert f'iface-id="{metadata_port(1)}"' in row and central.switch.get("Port", f"{stem}0", "tag") == "[]"
            with Netns.open(f"/run/netns/ovnmeta-{network_id(1)}") as made, made.entered(), RouteSocket() as inside:
                found = {link.name: link for link in links.dump_links(inside)}
                assert found.keys() == {"lo", f"{stem}1"} and found[f"{stem}1"].mac == "fa:16:3f:00:00:01"
                assert found[f"{stem}1"].mtu == 1400 and not leaves_checksums(f"{stem}1")
        agent.wait_served()
        wait_for(lambda: namespaces() == set(), "the namespace is gone")
        assert not central.switch.ports() and agent.status()["intent"]["chassis"] == CHASSIS
