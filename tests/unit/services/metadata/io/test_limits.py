"""docs/metadata.md says the limits as they are."""

from pathlib import Path

from netmend.services.metadata.io import Limits

ROOT = Path(__file__).parents[5]
TEXT = (ROOT / "docs" / "metadata.md").read_text()


def test_the_limits_are_those_of_the_code() -> None:
    limits = Limits()
    for said in (
        f"{limits.guest_rate:.0f} a second, {limits.guest_burst} at once",
        f"{limits.connection_rate:.0f} a second, {limits.connection_burst} at once; {limits.guest_connections} open",
        f"{limits.network_connections} open",
        f"{limits.connections:,} open, but each network has {limits.spared_connections}",
        f"{limits.refusals_rate:.0f} a second | its sockets are not heard for {1000 * limits.rest:.0f} ms",
        f"| {limits.request_time:.0f} s |",
        f"{limits.connection_time:.0f} s; 20 s",
        f"a line of {limits.line:,} bytes, {limits.headers} headers, a body of {limits.body // 1024} KiB",
        f"{limits.accepts} connections from a socket",
        f"{limits.in_flight} requests of a network are in flight, {limits.nova_connections} of all",
    ):
        assert said in TEXT, said
