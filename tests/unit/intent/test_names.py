"""Names are functions of ids, and fit the kernel."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from netmend.intent.names import (
    DEVICE_NAME_MAX,
    Mark,
    bridge_name,
    dhcp_port_id,
    id_from_name,
    inner_name,
    mac_from_id,
    namespace_name,
    tap_name,
)

ids = st.uuids().map(str)


@given(ids)
def test_names_fit_and_never_change(network_id: str) -> None:
    port_id = dhcp_port_id(network_id)
    for name in (bridge_name(network_id), tap_name(port_id), inner_name(port_id)):
        assert len(name) <= DEVICE_NAME_MAX
    assert dhcp_port_id(network_id) == port_id == str(UUID(port_id))
    assert namespace_name(network_id) == f"qdhcp-{network_id}"


def test_neutrons_names() -> None:
    network_id = "d32019d3-bc6e-4319-9c1d-6722fc136a22"
    assert bridge_name(network_id) == "brqd32019d3-bc"
    assert tap_name(network_id) == "tapd32019d3-bc"


@given(ids)
def test_macs_are_unicast(port_id: str) -> None:
    mac = mac_from_id(port_id)
    assert mac.startswith("fa:") and len(mac) == 17 and int(mac[:2], 16) & 1 == 0


@given(st.sampled_from(["bridge", "dhcp", "guest", "namespace"]), ids, st.none() | ids)
def test_marks_survive_the_kernel(role: str, network_id: str, port_id: str | None) -> None:
    mark = Mark(role, network_id, port_id)
    assert Mark.parse(str(mark)) == mark
    assert len(str(mark)) < 256  # IFALIASZ


def test_what_is_no_mark() -> None:
    for text in (None, "", "netmend", "someone:bridge:x"):
        assert Mark.parse(text) is None


def test_ids_depend_on_the_whole_path() -> None:
    assert id_from_name("port", "a", "bc") != id_from_name("port", "ab", "c")
