"""Services that follow DHCPv4: served in order, tried again when they failed, and let go."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace
from tests.waiting import wait_for

from netmend.intent import Network
from netmend.intent.names import id_from_name
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns
from netmend.node.guests.followers import Followers
from netmend.reconcile.reports import Ready

NETWORK = Network(id_from_name("network", "n"), "n")


@dataclass
class Recording:
    """A service that notes what it is told, and fails while `error` is set."""

    name: str
    error: Exception | None = None
    told: list[tuple[str, Any]] = field(default_factory=list)

    def wanted(self, network: Network) -> bool:
        return network.mtu != 1234

    def prepare(self) -> None: ...

    def ready(self, ready: Ready) -> None:
        self.told.append(("ready", ready.network))
        if self.error:
            raise self.error

    def update(self, network: Network) -> None:
        self.told.append(("update", network))

    def gone(self, network_id: str) -> None:
        self.told.append(("gone", network_id))

    def status(self, network_id: str) -> dict[str, Any] | None:
        return {}

    def close(self) -> None:
        self.told.append(("close", None))


@pytest.fixture
def services() -> tuple[Recording, Recording]:
    return Recording("first"), Recording("second")


@pytest.fixture
def changed() -> list[str]:
    return []


@pytest.fixture
def followers(services: tuple[Recording, Recording], changed: list[str]) -> Iterator[Followers]:
    made = Followers(lambda: services, changed.append)
    yield made
    made.close()
    assert all(service.told[-1:] == [("close", None)] for service in services if service.told)


@pytest.fixture
def ready() -> Iterator[Ready]:
    with Netns.current() as here:
        yield Ready(NETWORK, here, "ns-x", "fa:16:3e:00:00:01", True)


def test_all_are_served_once(
    followers: Followers, services: tuple[Recording, Recording], ready: Ready, changed: list[str]
) -> None:
    followers.ready(ready)
    wait_for(lambda: followers.served_since(NETWORK.id), "it is served")
    followers.ready(replace(ready, anew=False))
    time.sleep(0.05)
    assert [service.told for service in services] == [[("ready", NETWORK)]] * 2
    assert changed == [] and followers.problems(NETWORK.id) == {}


def test_one_that_fails_does_not_keep_the_next_from_its_work_and_is_tried_again(
    followers: Followers, services: tuple[Recording, Recording], ready: Ready, changed: list[str]
) -> None:
    first, second = services
    first.error = KernelError("open sockets on", "ns-x", 24)
    followers.ready(ready)
    wait_for(lambda: changed, "a change is told")
    assert list(followers.problems(NETWORK.id)) == ["first"] and "ns-x" in followers.problems(NETWORK.id)["first"]
    assert followers.served_since(NETWORK.id) is None and second.told == [("ready", NETWORK)]
    first.error = RuntimeError("a defect")
    followers.ready(replace(ready, anew=False))
    wait_for(lambda: len(changed) == 2, "the second failure is told")
    first.error = None
    followers.ready(replace(ready, anew=False))
    wait_for(lambda: len(changed) == 3, "that nothing fails any more is told")
    assert followers.problems(NETWORK.id) == {} and followers.served_since(NETWORK.id)
    assert changed == [NETWORK.id] * 3


def test_a_new_intent_is_told_at_once_and_served_by_the_next_pass(
    followers: Followers, services: tuple[Recording, Recording], ready: Ready
) -> None:
    newer = replace(NETWORK, mtu=1400)
    followers.update(newer)  # not served: nothing to be told
    followers.ready(ready)
    wait_for(lambda: followers.served_since(NETWORK.id), "it is served")
    followers.update(newer)
    followers.ready(replace(ready, network=newer, anew=False))
    wait_for(lambda: followers.served_since(NETWORK.id), "it is served")
    assert services[0].told == [("ready", NETWORK), ("update", newer), ("ready", newer)]


def test_what_is_wanted_no_more_is_let_go(
    followers: Followers, services: tuple[Recording, Recording], ready: Ready
) -> None:
    followers.ready(replace(ready, network=replace(NETWORK, mtu=1234)))
    wait_for(lambda: followers.served_since(NETWORK.id), "it is served")
    assert services[0].told == [("gone", NETWORK.id)]
    followers.gone(NETWORK.id)
    wait_for(lambda: len(services[1].told) == 2, "the second is told")
    followers.gone(NETWORK.id)
    assert followers.networks == [] and NETWORK.id not in followers
