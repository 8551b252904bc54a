"""What is written into the chassis's row: what Neutron's agents write, once, and no more."""

from typing import Any

from tests.unit.sources.ovn.rows import CHASSIS, guest, tables, uuid

from netmend.sources.ovn.reports import METADATA_AGENT, OVN_AGENT, agent_id, report


def perform(rows: dict[str, Any], operations: list[dict[str, Any]]) -> None:
    for operation in operations:
        ids = rows["Chassis_Private"][uuid("private")]["external_ids"]
        for column, mutator, value in operation["mutations"]:
            assert column == "external_ids"
            if mutator == "delete":
                for key in value[1]:
                    ids.pop(key, None)
            else:
                ids.update(value[1])


def test_it_registers_and_follows_nb_cfg() -> None:
    rows = tables(guest(1, 5))
    perform(rows, report(METADATA_AGENT, CHASSIS, "br-int", rows))
    ids = rows["Chassis_Private"][uuid("private")]["external_ids"]
    assert ids == {
        "neutron:ovn-metadata-id": agent_id(METADATA_AGENT, CHASSIS),
        "neutron:ovn-metadata-sb-cfg": "7",
        "neutron:ovn-bridge": "br-int",
    }
    assert report(METADATA_AGENT, CHASSIS, "br-int", rows) == []
    rows["SB_Global"][uuid("global")]["nb_cfg"] = 8
    (operation,) = report(METADATA_AGENT, CHASSIS, "br-int", rows)
    assert operation["mutations"][1] == ["external_ids", "insert", ["map", [["neutron:ovn-metadata-sb-cfg", "8"]]]]


def test_an_id_that_is_there_stays_and_the_other_agents_keys_go() -> None:
    rows = tables()
    ids = rows["Chassis_Private"][uuid("private")]["external_ids"]
    ids.update({"neutron:ovn-neutron-agent-id": "kept", "neutron:ovn-metadata-id": "stale", "hand": "made"})
    perform(rows, report(OVN_AGENT, CHASSIS, "br-int", rows))
    assert ids == {
        "neutron:ovn-neutron-agent-id": "kept",
        "neutron:ovn-neutron-agent-sb-cfg": "7",
        "neutron:ovn-bridge": "br-int",
        "hand": "made",
    }


def test_nothing_is_written_before_the_chassis_has_a_row() -> None:
    rows = tables()
    rows["Chassis_Private"] = {}
    assert report(METADATA_AGENT, CHASSIS, "br-int", rows) == []


def test_ids_are_those_that_neutrons_agents_make() -> None:
    """uuid5 of the chassis's UUID, by neutron 29.0.0's `_load_config` and `register_metadata_agent`."""
    assert agent_id(METADATA_AGENT, "5b2c9d5e-1c0b-4c4b-9f53-0d8a4f6a0001") == "422809b6-ceec-5a25-a636-8f6895fad1d3"
    assert agent_id(METADATA_AGENT, "compute-1") == "ef4b08c7-4be3-5738-a4fa-e02d697fb653"
    assert agent_id(OVN_AGENT, "compute-1") == "6982ce0a-4652-53fd-bf3e-cb0cf31c8197"
