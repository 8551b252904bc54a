"""A port's `extra_dhcp_opts`, as the dnsmasq that Neutron runs takes them."""

import pytest

from netmend.intent import Boot
from netmend.sources.neutron.extra_options import ExtraOptions, extra_options


def of(*options: tuple[str, str]) -> ExtraOptions:
    return extra_options([{"opt_name": name, "opt_value": value, "ip_version": 4} for name, value in options], [4])


@pytest.mark.parametrize("name", ["server-ip-address", "255", "option:255", "tag:!ipxe,255"])
def test_the_next_server_by_name_and_by_dnsmasq_s_number(name: str) -> None:
    found = of(("67", "x"), (name, "192.0.2.9"))
    assert (found.boot, found.problems) == (Boot(next_server="192.0.2.9"), ())
    assert found.dhcp_options == ((67, b"x"),)


@pytest.mark.parametrize("name", ["client-id", "61", "option:client-id"])
@pytest.mark.parametrize(("text", "value"), [("01:aa:bb", b"\1\xaa\xbb"), ("ff:0:1", b"\xff\0\1"), ("me", b"me")])
def test_the_client_identifier_that_a_guest_is_known_by(name: str, text: str, value: bytes) -> None:
    found = of((name, text))
    assert (found.client_id, found.dhcp_options, found.problems) == (value, (), ())


@pytest.mark.parametrize("text", ["01:zz", "1:222:3", "", "x" * 256])
def test_what_is_no_client_identifier_is_told(text: str) -> None:
    found = of(("client-id", text))
    assert found.client_id is None and "client-id" in found.problems[0]
