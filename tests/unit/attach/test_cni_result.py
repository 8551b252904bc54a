"""What ADD answers, in every version and behind the answers of plugins before it."""

from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.attach.cni_request import VERSIONS, CniError, Request
from netmend.attach.cni_result import of_attachment
from netmend.attach.guest import Settings

SETTINGS = Settings(
    (ip_interface("192.0.2.3/24"), ip_interface("2001:db8::3/64"), ip_interface("198.51.100.3/24")),
    (ip_address("192.0.2.1"), None, None),
    ((ip_network("0.0.0.0/0"), ip_address("192.0.2.1")), (ip_network("2001:db8:1::/48"), None)),
    ("192.0.2.53",),
)


def answer(version: str, previous: Any = None) -> dict[str, Any]:
    request = Request("ADD", version, device="eth0", namespace="/run/netns/c", previous=previous)
    return of_attachment(request, "tap1", "02:00:00:00:00:01", 1450, SETTINGS)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_has_its_own_form(version: str) -> None:
    found = answer(version)
    assert found["cniVersion"] == version and found["dns"] == {"nameservers": ["192.0.2.53"]}
    if version in {"0.1.0", "0.2.0"}:
        assert found["ip4"] == {
            "ip": "192.0.2.3/24",
            "gateway": "192.0.2.1",
            "routes": [{"dst": "0.0.0.0/0", "gw": "192.0.2.1"}],
        }
        assert found["ip6"] == {"ip": "2001:db8::3/64", "routes": [{"dst": "2001:db8:1::/48"}]}
        assert set(found) == {"cniVersion", "dns", "ip4", "ip6"}
        return
    assert [one.get("version") for one in found["ips"]] == (
        ["4", "6", "4"] if version.startswith("0.") else [None, None, None]
    )
    assert {one["interface"] for one in found["ips"]} == {1}
    assert ("mtu" in found["interfaces"][1]) is (version == "1.1.0")


@pytest.mark.parametrize(
    "previous",
    [
        {"interfaces": None, "ips": None, "routes": None, "dns": None},
        {},
        {"interfaces": [{"name": "lo"}, {"name": "br0"}], "ips": [{"address": "127.0.0.1/8", "interface": 0}]},
        {"routes": [{"dst": "0.0.0.0/0", "gw": "192.0.2.1"}], "dns": {"nameservers": ["192.0.2.53", "::1"]}},
        {"of-a-later-version": 7},
    ],
)
def test_what_was_before_comes_first_and_stays(previous: dict[str, Any]) -> None:
    found = answer("1.1.0", previous)
    before = previous.get("interfaces") or []
    assert found["interfaces"] == [*before, {"name": "tap1"}, found["interfaces"][-1]]
    assert {one["interface"] for one in found["ips"][-3:]} == {len(before) + 1}
    assert found["ips"][:-3] == (previous.get("ips") or [])
    assert [one["dst"] for one in found["routes"]] == ["0.0.0.0/0", "2001:db8:1::/48"]
    assert found["dns"]["nameservers"].count("192.0.2.53") == 1
    assert found.get("of-a-later-version") == previous.get("of-a-later-version")


@given(
    st.dictionaries(
        st.sampled_from(["interfaces", "ips", "routes", "dns", "x"]),
        st.none()
        | st.text(max_size=2)
        | st.integers()
        | st.lists(st.none() | st.dictionaries(st.text(max_size=2), st.none())),
    )
)
def test_any_previous_result_is_taken_or_refused(previous: dict[str, Any]) -> None:
    try:
        assert answer("1.0.0", previous)["interfaces"][-1]["name"] == "eth0"
    except CniError as error:
        assert error.code == 7 and "prevResult" in error.message
