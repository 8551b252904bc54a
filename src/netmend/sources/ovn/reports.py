"""What an agent of Neutron's writes into its chassis's row, by which the server knows that it lives; pure.

neutron/agent/ovn/metadata/agent.py (register_metadata_agent, SbGlobalUpdateEvent), neutron/agent/ovn/agent/
ovn_neutron_agent.py; the server compares the number with `nb_cfg` (neutron/plugins/ml2/drivers/ovn/agent).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from netmend.sources.ovn.rows import Tables, rows_of

BRIDGE: Final = "neutron:ovn-bridge"


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two agents that Neutron has, by the keys of external_ids that it writes."""

    id_key: str
    number_key: str
    description_key: str
    name: str  # of which its id is made
    unnamed: UUID  # beside the chassis's name, where that is no UUID


METADATA_AGENT: Final = Kind(
    "neutron:ovn-metadata-id",
    "neutron:ovn-metadata-sb-cfg",
    "neutron:description-metadata",
    "metadata_agent",
    UUID("d34bf9f6-da32-4871-9af8-15a4626b41ab"),
)
OVN_AGENT: Final = Kind(
    "neutron:ovn-neutron-agent-id",
    "neutron:ovn-neutron-agent-sb-cfg",
    "neutron:description-neutron-agent",
    "ovn_agent",
    UUID("fd7e0970-7164-11ed-80f0-00000003158a"),
)


def agent_id(kind: Kind, chassis: str) -> str:
    """The agent's id on a chassis: the same one that Neutron's own agent has there."""
    try:
        of_chassis = UUID(chassis)
    except ValueError:
        of_chassis = uuid5(kind.unnamed, chassis)
    return str(uuid5(of_chassis, kind.name))


def report(kind: Kind, chassis: str, bridge: str, tables: Tables) -> list[dict[str, Any]]:
    """The operations that make the chassis's row say that the agent is there and has come as far as `nb_cfg`; none
    where it says so already, or where there is no such row (yet)."""
    row = next((one for one in rows_of(tables, "Chassis_Private").values() if one["name"] == chassis), None)
    if row is None:
        return []
    number = max((int(one["nb_cfg"]) for one in rows_of(tables, "SB_Global").values()), default=int(row["nb_cfg"]))
    wanted = {kind.number_key: str(number), BRIDGE: bridge}
    has: Mapping[str, str] = row["external_ids"]
    if kind.id_key not in has:  # one that is there stays: the server knows the agent by it
        wanted[kind.id_key] = agent_id(kind, chassis)
    other = METADATA_AGENT if kind is OVN_AGENT else OVN_AGENT
    stale = [key for key in (other.id_key, other.number_key, other.description_key) if key in has]
    differs = {key: value for key, value in wanted.items() if has.get(key) != value}
    if not differs and not stale:
        return []
    gone = ["external_ids", "delete", ["set", sorted([*differs, *stale])]]
    mutations: list[Any] = [gone]
    if differs:
        mutations.append(["external_ids", "insert", ["map", [list(pair) for pair in sorted(differs.items())]]])
    where = [["name", "==", chassis]]
    return [{"op": "mutate", "table": "Chassis_Private", "where": where, "mutations": mutations}]
