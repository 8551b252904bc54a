"""Many writers at once: no address, MAC or revision is given twice, and no write is lost."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.unit.sources.store.writes import add_port, make_network, make_port

from netmend.sources.store import RefusedError, Store, networks, ports
from netmend.sources.store.transaction import Document

WRITERS = 8


def test_parallel_creations_share_out_the_addresses(store: Store) -> None:
    network = make_network(store, "10.0.0.0/24")

    def work(_: int) -> list[Document]:
        made = []
        for _ in range(40):
            try:
                made.append(make_port(store, network))
            except RefusedError as error:
                assert error.kind == "IpAddressGenerationFailure"
        return made

    with ThreadPoolExecutor(WRITERS) as pool:
        made = [port for found in pool.map(work, range(WRITERS)) for port in found]
    assert len(made) == 252  # of 254, the gateway and netmend's own are taken
    assert Counter(port["fixed_ips"][0]["ip_address"] for port in made).most_common(1)[0][1] == 1
    assert Counter(port["mac_address"] for port in made).most_common(1)[0][1] == 1
    assert len(store.intent.networks[network["id"]].ports) == 252


def test_one_of_many_gets_the_address_they_all_want(store: Store) -> None:
    network = make_network(store, "10.0.0.0/24")

    def work(_: int) -> bool:
        try:
            make_port(store, network, fixed_ips=[{"ip_address": "10.0.0.77"}])
        except RefusedError as error:
            assert error.kind == "IpAddressAlreadyAllocated"
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        assert sum(pool.map(work, range(50))) == 1


def test_revisions_count_every_write_and_guard_against_lost_ones(store: Store) -> None:
    network = make_network(store)

    def work(number: int) -> int:
        changed = store.write(lambda tx: networks.update(tx, network["id"], {"name": f"n{number}"})).result()
        return int(changed["revision_number"])

    with ThreadPoolExecutor(WRITERS) as pool:
        revisions = sorted(pool.map(work, range(100)))
    first = network["revision_number"] + 1
    assert revisions == list(range(first, first + 100))

    def guarded(_: int) -> bool:
        try:
            store.write(lambda tx: networks.update(tx, network["id"], {"name": "mine"}, revisions[-1])).result()
        except RefusedError as error:
            assert error.status == 412
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        assert sum(pool.map(guarded, range(20))) == 1


def test_a_group_takes_nothing_from_its_neighbours(store: Store) -> None:
    """Refusals and defects in the same commit as successes."""
    network = make_network(store, "10.0.0.0/24")

    def defect(_: object) -> None:
        raise ZeroDivisionError

    good = [store.write(lambda tx: add_port(tx, network)) for _ in range(20)]
    bad = [store.write(lambda tx: ports.delete(tx, "nothing")) for _ in range(20)]
    broken = [store.write(defect) for _ in range(5)]
    good += [store.write(lambda tx: add_port(tx, network)) for _ in range(20)]
    assert len({future.result()["id"] for future in good}) == 40
    assert all(isinstance(future.exception(), RefusedError) for future in bad)
    assert all(isinstance(future.exception(), ZeroDivisionError) for future in broken)
    assert len(store.intent.networks[network["id"]].ports) == 40


def test_what_did_not_change_is_the_same_object(store: Store) -> None:
    one, two = make_network(store, "10.0.0.0/24"), make_network(store, "10.0.0.0/24")
    port = make_port(store, one)
    before = store.intent
    make_port(store, two)
    assert store.intent.networks[one["id"]] is before.networks[one["id"]]
    make_port(store, one)
    assert store.intent.networks[one["id"]].ports[port["id"]] is before.networks[one["id"]].ports[port["id"]]
    assert store.intent.networks[one["id"]].subnets[0] is before.networks[one["id"]].subnets[0]
