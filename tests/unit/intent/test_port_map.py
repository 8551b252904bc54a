"""PortMap is a dictionary that forgets nothing, held against one, over folds and between any two of its versions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from netmend.intent import Port
from netmend.intent.port_map import PortMap
from netmend.services.shared.port_changes import changed_ports

_KEYS = st.integers(0, 1500).map(str)
_STEP = st.dictionaries(_KEYS, st.none() | st.integers(0, 9).map(str), max_size=30) | st.integers(0, 900).map(
    lambda first: {str(number): "many" for number in range(first, first + 600)}
)


def _port(key: str, name: str) -> Port:
    return Port(key, name, "fa:16:3e:00:00:01")


@settings(deadline=None)
@given(st.lists(_STEP, max_size=8))
def test_every_version_equals_the_dictionary_it_stands_for(steps: list[dict[str, str | None]]) -> None:
    model: dict[str, Port] = {}
    ports = PortMap()
    versions = [(ports, dict(model))]
    for step in steps:
        changes = {key: None if name is None else _port(key, name) for key, name in step.items()}
        ports = ports.evolve(changes)
        for key, port in changes.items():
            if port is None:
                model.pop(key, None)
            else:
                model[key] = port
        versions.append((ports, dict(model)))
    for version, wanted in versions:
        assert dict(version) == wanted
        assert len(version) == len(wanted)
        assert all((key in version) == (key in wanted) for key in map(str, range(0, 1500, 7)))
    for old, old_model in versions:
        for new, new_model in versions:
            removed, added = changed_ports(old, new)
            assert {id(port) for port in removed} == {
                id(port) for key, port in old_model.items() if new_model.get(key) is not port
            }
            assert {id(port) for port in added} == {
                id(port) for key, port in new_model.items() if old_model.get(key) is not port
            }


def test_a_change_costs_no_copy_of_all_ports() -> None:
    ports = PortMap({str(number): _port(str(number), "x") for number in range(1000)})
    changed = ports.evolve({"5": _port("5", "y"), "7": None})
    assert changed["6"] is ports["6"]
    assert changed.differing_keys(ports) == {"5", "7"}
