"""Whatever the order in which notifications and answers arrive, what is known ends up as the server has it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from netmend.sources.neutron.cache import NetworkCache

NETWORK = "n"
PORTS = ("p0", "p1", "p2", "p3")


def port(port_id: str, revision: int = 0, address: str = "10.0.0.1") -> dict[str, Any]:
    fixed = [{"ip_address": address, "subnet_id": "s"}]
    return {"id": port_id, "network_id": NETWORK, "revision_number": revision, "fixed_ips": fixed}


def network(*ports: dict[str, Any]) -> dict[str, Any]:
    return {"id": NETWORK, "subnets": [{"id": "s"}], "non_local_subnets": [], "ports": list(ports)}


def known(cache: NetworkCache) -> dict[str, int]:
    raw = cache.get(NETWORK)
    assert raw is not None
    return {found["id"]: found["revision_number"] for found in raw["ports"]}


def fetched(cache: NetworkCache, raw: dict[str, Any] | None) -> None:
    cache.fetch_begins(NETWORK)
    cache.fetched(NETWORK, raw)


class TestNotices:
    def test_a_port_is_put_in(self) -> None:
        cache = NetworkCache()
        fetched(cache, network())
        assert cache.port_told(port("p0", 1), 0)
        assert known(cache) == {"p0": 1}

    def test_an_older_one_changes_nothing(self) -> None:
        cache = NetworkCache()
        fetched(cache, network(port("p0", 5)))
        assert not cache.port_told(port("p0", 4), 0)
        assert known(cache) == {"p0": 5}

    def test_a_deleted_port_stays_deleted(self) -> None:
        cache = NetworkCache()
        fetched(cache, network(port("p0", 5)))
        assert cache.port_gone("p0", NETWORK, 0)
        assert not cache.port_told(port("p0", 6), 1)
        assert known(cache) == {}

    def test_of_a_network_that_is_not_ours_nothing_is_kept(self) -> None:
        cache = NetworkCache()
        assert not cache.port_told(port("p0"), 0)
        assert cache.get(NETWORK) is None

    def test_an_address_that_we_take_for_anothers(self) -> None:
        cache = NetworkCache()
        fetched(cache, network(port("p0", 5, "10.0.0.5")))
        assert cache.clashes(port("p1", 0, "10.0.0.5"))
        assert not cache.clashes(port("p0", 6, "10.0.0.5"))
        assert cache.port_told(port("p0", 7, "10.0.0.6"), 0)
        assert not cache.clashes(port("p1", 0, "10.0.0.5"))


class TestAnAnswerThatIsOlderThanWhatWasToldMeanwhile:
    def test_a_port_made(self) -> None:
        cache = NetworkCache()
        fetched(cache, network())
        cache.fetch_begins(NETWORK)
        cache.port_told(port("p0", 1), 0)
        cache.fetched(NETWORK, network())
        assert known(cache) == {"p0": 1}

    def test_a_port_deleted(self) -> None:
        cache = NetworkCache()
        fetched(cache, network(port("p0")))
        cache.fetch_begins(NETWORK)
        cache.port_gone("p0", NETWORK, 0)
        cache.fetched(NETWORK, network(port("p0")))
        assert known(cache) == {}

    def test_the_first_answer(self) -> None:
        cache = NetworkCache()
        cache.fetch_begins(NETWORK)
        cache.port_told(port("p0", 1), 0)
        cache.fetched(NETWORK, network())
        assert known(cache) == {"p0": 1}

    def test_an_answer_that_is_newer_wins(self) -> None:
        cache = NetworkCache()
        fetched(cache, network(port("p0", 1)))
        cache.fetch_begins(NETWORK)
        cache.port_told(port("p0", 2), 0)
        cache.fetched(NETWORK, network(port("p0", 3)))
        assert known(cache) == {"p0": 3}


class Server(RuleBasedStateMachine):
    """A server whose notifications arrive late but in order, and whose answers show a moment between question and
    arrival. Once all has arrived, the cache is as the server is."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: dict[str, dict[str, Any]] = {}
        self.revision = 0
        self.number = 0
        self.notices: list[tuple[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.asked = 0
        self.cache = NetworkCache()
        fetched(self.cache, network())

    def _next(self) -> int:
        self.revision += 1
        return self.revision

    @rule()
    def make(self) -> None:
        self.number += 1
        made = port(f"p{self.number}", self._next(), f"10.0.0.{self.number}")
        self.ports[made["id"]] = made
        self.notices.append(("told", made))

    @precondition(lambda self: self.ports)
    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        port_id = data.draw(st.sampled_from(sorted(self.ports)))
        changed = {**self.ports[port_id], "revision_number": self._next()}
        self.ports[port_id] = changed
        self.notices.append(("told", changed))

    @precondition(lambda self: self.ports)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        port_id = data.draw(st.sampled_from(sorted(self.ports)))
        del self.ports[port_id]
        self.notices.append(("gone", port_id))

    @rule()
    def ask(self) -> None:
        self.cache.fetch_begins(NETWORK)
        self.asked += 1

    @precondition(lambda self: self.asked)
    @rule()
    def look(self) -> None:
        """The server makes up its answer."""
        self.asked -= 1
        self.answers.append(network(*self.ports.values()))

    @precondition(lambda self: self.answers)
    @rule()
    def answer(self) -> None:
        self.cache.fetched(NETWORK, self.answers.pop(0))

    @precondition(lambda self: self.notices)
    @rule()
    def notify(self) -> None:
        kind, what = self.notices.pop(0)
        if kind == "told":
            self.cache.port_told(what, 0)
        else:
            self.cache.port_gone(what, NETWORK, 0)

    @invariant()
    def all_arrived(self) -> None:
        if not (self.notices or self.answers or self.asked):
            assert known(self.cache) == {key: value["revision_number"] for key, value in self.ports.items()}


TestServer = Server.TestCase
TestServer.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


@given(st.lists(st.tuples(st.sampled_from(PORTS), st.integers(0, 9)), max_size=30))
def test_owners_of_addresses_are_those_of_the_ports(told: list[tuple[str, int]]) -> None:
    cache = NetworkCache()
    fetched(cache, network())
    for revision, (port_id, address) in enumerate(told):
        cache.port_told(port(port_id, revision, f"10.0.0.{address}"), 0)
    raw = cache.get(NETWORK)
    assert raw is not None
    held = {found["fixed_ips"][0]["ip_address"] for found in raw["ports"]}
    for address in range(10):
        text = f"10.0.0.{address}"
        if text not in held:
            assert not cache.clashes(port("new", 0, text))
