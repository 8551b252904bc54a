"""Settings as the kernel shows them are those of its sysctls, and none that differs is overlooked."""

import random
from pathlib import Path

from netmend.kernel import links
from netmend.kernel.device_settings import differing_settings, needs_sysctl, read_settings
from netmend.kernel.netlink import RouteSocket

CONF = Path("/proc/sys/net")


def sysctl(path: str, value: int) -> None:
    (CONF / path).write_text(str(value))


def test_settings_are_those_of_the_sysctls_of_the_same_name() -> None:
    with RouteSocket() as route:
        made = links.create_bridge(route, "br0", 1500, 0, "02:00:00:00:00:01")
        for area, names in (
            ("ipv4", "forwarding rp_filter arp_ignore accept_local proxy_arp proxy_arp_pvlan route_localnet"),
            ("ipv6", "forwarding accept_ra disable_ipv6 proxy_ndp addr_gen_mode"),
        ):
            for name in [*names.split(), "bc_forwarding" if area == "ipv4" else "accept_redirects"]:
                for value in (1, 0):
                    sysctl(f"{area}/conf/br0/{name}", value)
                    found = links.find_link(route, "br0")
                    assert found and read_settings(found.data, [f"{area}.{name}"]) == {f"{area}.{name}": value}
        assert read_settings(made.data, ["port.isolated"]) == {}


def test_a_setting_that_differs_is_never_taken_for_right() -> None:
    rng = random.Random(13)
    wanted = {
        "ipv4.forwarding": 0, "ipv4.rp_filter": 1, "ipv4.arp_ignore": 8, "ipv6.accept_ra": 0, "ipv6.addr_gen_mode": 1,
        "bridge.stp_state": 0, "bridge.mcast_snooping": 0, "bridge.group_fwd_mask": 0,
    }  # fmt: skip
    with RouteSocket() as route:
        for name in ("br0", "br1", "bridge2"):
            links.create_bridge(route, name, 1500, 0, "02:00:00:00:00:01")
        for _ in range(300):
            name = rng.choice(["br0", "br1", "bridge2"])
            setting = rng.choice(list(wanted))
            value = rng.choice([wanted[setting]] * 3 + [1 - min(wanted[setting], 1)])
            if setting == "bridge.group_fwd_mask":
                value *= 8  # the kernel refuses those of pause frames
            found = links.find_link(route, name)
            assert found
            if needs_sysctl(setting):
                sysctl(f"ipv6/conf/{name}/{setting.removeprefix('ipv6.')}", value)
            else:
                links.set_link(route, found, settings={setting: value})
            found = links.find_link(route, name)
            assert found
            seen = read_settings(found.data, wanted)
            assert seen[setting] == value
            assert set(differing_settings(found.data, wanted)) == {
                name for name, value in wanted.items() if seen[name] != value
            }
