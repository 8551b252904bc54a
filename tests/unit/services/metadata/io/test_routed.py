"""Metadata by way of routers' proxies: who asks, by the headers of haproxy, and what becomes of it."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from tests.unit.services.metadata.io.serving import read_answer
from tests.unit.services.metadata.io.stand_in import SECRET, StandIn
from tests.waiting import PATIENCE, wait_for

from netmend.intent import MetadataProxy
from netmend.services.metadata.io import Limits, RoutedServer

Address = IPv4Address | IPv6Address
Ask = Callable[..., tuple[int, bytes]]
R1, R2 = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
N1 = "22222222-0000-4000-8000-000000000001"
Find = Callable[[str | None, str | None, Address], tuple[str, str] | None]


@contextmanager
def serving(directory: Path, nova: StandIn, find: Find, **limits: float) -> Iterator[tuple[Ask, RoutedServer]]:
    proxy = MetadataProxy((nova.url,), shared_secret=SECRET)
    server = RoutedServer(lambda: proxy, find, Limits(**limits))  # type: ignore[arg-type]
    listener = socket.socket(socket.AF_UNIX)
    path = str(directory / "socket")
    listener.bind(path)
    listener.listen(64)
    server.listen(listener)

    def ask(*headers: str, asked: str = "/latest/", method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
        lines = [f"{method} {asked} HTTP/1.1", "Host: 169.254.169.254", "Connection: close", *headers]
        lines += [f"Content-Length: {len(body)}"] if body else []
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(path)
            client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            return read_answer(client)

    try:
        yield ask, server
    finally:
        server.close()


def found(network_id: str | None, router_id: str | None, address: Address) -> tuple[str, str]:
    return f"{network_id}/{router_id}/{address}", "project"


def told(nova: StandIn) -> dict[str, str]:
    return nova.asked[-1].headers


def test_what_nova_is_told(tmp_path: Path) -> None:
    with StandIn() as nova, serving(tmp_path, nova, found) as (ask, server):
        assert ask("X-Neutron-Router-ID: " + R1, "X-Forwarded-For: 10.0.0.5", asked="/a?b=%20c") == (200, b"answer")
        assert nova.asked[0].path == "/a?b=%20c"
        assert told(nova)["X-Instance-ID"] == f"None/{R1}/10.0.0.5"
        assert told(nova)["X-Tenant-ID"] == "project"
        assert told(nova)["X-Forwarded-For"] == "10.0.0.5"
        assert (
            ask("X-Neutron-Network-ID: " + N1, "X-Forwarded-For: 2001:db8::5", method="POST", body=b"secret")[0] == 200
        )
        assert told(nova)["X-Instance-ID"] == f"{N1}/None/2001:db8::5"
        assert nova.asked[1].body == b"secret"
        assert server.status()["answers"] == {"200": 2}
        assert server.status()["nova"]["endpoints"][0]["asked"] == 2


def test_an_address_that_haproxy_maps_and_a_link_local_one(tmp_path: Path) -> None:
    with StandIn() as nova, serving(tmp_path, nova, found) as (ask, _):
        assert ask("X-Neutron-Router-ID: " + R1, "X-Forwarded-For: ::ffff:10.0.0.5")[0] == 200
        assert (told(nova)["X-Instance-ID"], told(nova)["X-Forwarded-For"]) == (f"None/{R1}/10.0.0.5", "10.0.0.5")
        assert ask("X-Neutron-Router-ID: " + R1, "X-Forwarded-For: fe80::1%qr-1")[0] == 200
        assert told(nova)["X-Instance-ID"] == f"None/{R1}/fe80::1"


@pytest.mark.parametrize("claims", [("X-Forwarded-For: 10.0.0.9",), ("X-Forwarded-For: 10.0.0.9, 10.0.0.8",)])
def test_a_guest_that_claims_to_be_another_is_not_believed(tmp_path: Path, claims: tuple[str, ...]) -> None:
    """haproxy's `option forwardfor` adds what it saw behind what the guest sent."""
    with StandIn() as nova, serving(tmp_path, nova, found) as (ask, _):
        assert ask(*claims, "X-Neutron-Router-ID: " + R1, "X-Forwarded-For: 10.0.0.5")[0] == 200
        assert told(nova)["X-Instance-ID"] == f"None/{R1}/10.0.0.5"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("X-Neutron-Router-ID: " + R1,),
        ("X-Forwarded-For: 10.0.0.5",),
        ("X-Neutron-Router-ID: " + R1, "X-Forwarded-For: somebody"),
        ("X-Neutron-Router-ID: " + R1, "X-Neutron-Network-ID: " + N1, "X-Forwarded-For: 10.0.0.5"),
        ("X-Neutron-Router-ID: " + R1, "X-Neutron-Router-ID: " + R2, "X-Forwarded-For: 10.0.0.5"),
    ],
)
def test_who_asks_must_be_said_without_doubt(tmp_path: Path, headers: tuple[str, ...]) -> None:
    with StandIn() as nova, serving(tmp_path, nova, found) as (ask, server):
        assert ask(*headers)[0] == 400
        assert nova.asked == []
        assert server.status()["answers"] == {"400": 1}


def test_a_router_that_cannot_exist_is_not_found_also_while_the_server_is_away(tmp_path: Path) -> None:
    """OpenStack-Helm's probe asks so, and takes 500 or more for a dead agent."""

    def away(*_: object) -> tuple[str, str]:
        raise ConnectionError("the server does not answer")

    probe = ("X-Forwarded-For: 169.254.169.254", "X-Neutron-Router-ID: pod-health-probe-check-ignore-errors")
    with StandIn() as nova, serving(tmp_path, nova, away) as (ask, server):
        assert ask(*probe, asked="/") == (404, b"There is no such router or network.\n")
        assert server.status()["search_problem"] is None
        assert ask(*ASKER)[0] == 503, "a guest that may be there asks again"


ASKER = ("X-Neutron-Router-ID: " + R1, "X-Forwarded-For: 10.0.0.5")


def test_nobody_has_the_address(tmp_path: Path) -> None:
    with StandIn() as nova, serving(tmp_path, nova, lambda *_: None) as (ask, _):
        assert ask(*ASKER) == (404, b"No instance has this address here.\n")
        assert nova.asked == []


def test_it_cannot_be_told_now(tmp_path: Path) -> None:
    def find(*_: object) -> None:
        raise ConnectionError("the server does not answer")

    with StandIn() as nova, serving(tmp_path, nova, find) as (ask, server):
        status, body = ask(*ASKER)
        assert (status, body) == (503, b"It cannot be told now who asks. Please try again later.\n")
        assert server.status()["search_problem"] == "the server does not answer"


def test_a_search_that_hangs_is_given_up(tmp_path: Path) -> None:
    asked_enough = threading.Event()

    def hang(*_: object) -> None:
        asked_enough.wait(PATIENCE)

    with StandIn() as nova, serving(tmp_path, nova, hang, search_time=0.2) as (ask, _):
        assert ask(*ASKER)[0] == 503
        asked_enough.set()


def test_who_was_found_is_known_for_a_moment_and_no_longer(tmp_path: Path) -> None:
    searches: list[Address] = []

    def find(network_id: str | None, router_id: str | None, address: Address) -> tuple[str, str]:
        searches.append(address)
        return f"{router_id}/{address}/{len(searches)}", "project"

    with StandIn() as nova, serving(tmp_path, nova, find, known_for=3600.0) as (ask, _):
        assert [ask(*ASKER)[0] for _ in range(3)] == [200] * 3
        assert len(searches) == 1
        for other in (("X-Neutron-Router-ID: " + R2, ASKER[1]), (ASKER[0], "X-Forwarded-For: 10.0.0.6")):
            ask(*other)
        assert len(searches) == 3, "another router's, and another address's, is another guest"
    (tmp_path / "socket").unlink()
    searches.clear()
    with StandIn() as nova, serving(tmp_path, nova, find, known_for=0.1) as (ask, _):
        assert ask(*ASKER)[0] == 200
        wait_for(lambda: ask(*ASKER)[0] == 200 and len(searches) > 1, "it is searched for again")
        assert told(nova)["X-Instance-ID"] == f"{R1}/10.0.0.5/2"


def test_that_nobody_was_found_is_not_kept(tmp_path: Path) -> None:
    answers: list[tuple[str, str] | None] = [None, ("i", "p")]
    with StandIn() as nova, serving(tmp_path, nova, lambda *_: answers.pop(0)) as (ask, _):
        assert [ask(*ASKER)[0], ask(*ASKER)[0]] == [404, 200]


def test_a_defect_costs_one_answer(tmp_path: Path) -> None:
    failing = [True]

    def find(*_: object) -> tuple[str, str]:
        if failing:
            failing.clear()
            raise ValueError("a defect")
        return "i", "p"

    with StandIn() as nova, serving(tmp_path, nova, find) as (ask, _):
        assert [ask(*ASKER)[0], ask(*ASKER)[0]] == [500, 200]


def test_a_guest_has_no_more_than_its_share_and_others_have_theirs(tmp_path: Path) -> None:
    with StandIn() as nova, serving(tmp_path, nova, found, guest_burst=3) as (ask, _):
        statuses = [ask(*ASKER)[0] for _ in range(8)]
        assert statuses[:3] == [200] * 3
        assert 429 in statuses
        assert ask(ASKER[0], "X-Forwarded-For: 10.0.0.6")[0] == 200


def test_so_many_of_one_router_are_under_way_at_once(tmp_path: Path) -> None:
    with (
        StandIn(hold=True) as nova,
        serving(tmp_path, nova, found, in_flight=2, wait=PATIENCE) as (ask, _),
        ThreadPoolExecutor(6) as pool,
    ):
        asking = [pool.submit(ask, ASKER[0], f"X-Forwarded-For: 10.0.0.{number}") for number in range(6)]
        for asked in range(2, 8):
            wait_for(lambda asked=asked: len(nova.asked) >= min(asked, 6), "the next has its turn")  # type: ignore[misc]
            nova.let_go()
        assert [one.result()[0] for one in asking] == [200] * 6
        assert nova.most_at_once == 2


def test_what_is_too_large_or_no_method_or_leaves_the_path(tmp_path: Path) -> None:
    with StandIn() as nova, serving(tmp_path, nova, found, body=10) as (ask, _):
        assert ask(*ASKER, method="POST", body=b"more than ten")[0] == 413
        assert ask(*ASKER, method="DELETE")[0] == 405
        assert ask(*ASKER, asked="/latest/../../admin")[0] == 400
        assert nova.asked == []


def test_at_another_socket(tmp_path: Path) -> None:
    with StandIn() as nova, serving(tmp_path, nova, found) as (ask, server):
        (tmp_path / "socket").unlink()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "socket"))
        listener.listen(64)
        server.listen(listener)
        assert ask(*ASKER)[0] == 200
