"""Flows of ports that are gone. They are harmless until a new port gets their number."""

from collections import Counter
from collections.abc import Iterator

from netmend.flows.audit.finding import Finding
from netmend.flows.switch import Bridge, Switch
from netmend.ground.openflow.actions import LOCAL, Output
from netmend.ground.openflow.flow import Flow

_NAMES_FROM = 0xFFFFFF00  # numbers of ports that are names, such as IN_PORT


def leftovers(switch: Switch) -> Iterator[Finding]:
    for bridge in switch.bridges.values():
        counts: Counter[int] = Counter()
        for flow in bridge.flows:
            counts.update(number for number in _numbers(flow, bridge) if number not in bridge.by_number)
        for number, count in sorted(counts.items()):
            yield Finding(
                "leftover", "leftover", bridge.name, None,
                f"{count} flows are of port {number}, which no port has; the next that gets it has what they allow",
                f"in_port, reg5 or output {number}",
                "restart neutron-openvswitch-agent, which removes flows that it does not write anew",
            )  # fmt: skip


def _numbers(flow: Flow, bridge: Bridge) -> set[int]:
    names = ["in_port", "reg5"] if bridge.role == "integration" else ["in_port"]
    found = {flow.match[name][0] for name in names if name in flow.match}
    found |= {action.port for action in flow.actions if isinstance(action, Output)}
    return {number for number in found if number and (number < _NAMES_FROM or number == LOCAL)}
