"""What a pass did, in the log: each device, port and address that was made or removed, and what is still wrong."""

from collections.abc import Callable
from itertools import groupby
from typing import Final

from netmend.ground.log import get_logger
from netmend.intent.network import Intent
from netmend.reconcile.reports import PassReport

_STEPS_A_LINE: Final = 20
log = get_logger()


def log_pass(report: PassReport, intent: Intent) -> None:
    """Write what there is to say of a pass over `intent`; of one that found all right and did nothing, there is
    nothing."""

    def named(network_id: str | None) -> dict[str, str]:
        """What a network or a router is called, and its id."""
        name = intent.name_of(network_id)
        return ({"name": name} if name else {}) | ({"network": network_id} if network_id else {})

    if report.planned_steps:
        log.info("pass", steps=report.planned_steps, right=len(report.right), wrong=len(report.wrong))
    _log_steps(report, named)
    if report.new_reasons:
        for error in report.defects:
            log.error("defect in a pass", exc_info=error)
    for mended in report.mended:
        log.warning("somebody changed it; mended", step=mended.text, **named(mended.network_id))
    # What the host, or its switch, lacks is the reason of a thousand networks at once, and one line in the log.
    for text, reasons in groupby(sorted(report.new_reasons, key=lambda one: one.text), lambda one: one.text):
        first, *others = reasons
        more = {"networks": 1 + len(others)} if others else {}
        log.warning("resync reason", **named(first.network_id), port=first.port_id, reason=text, **more)


def _log_steps(report: PassReport, named: Callable[[str], dict[str, str]]) -> None:
    """Name what was made and removed; of port security, how much."""
    taken: dict[str, list[str]] = {}
    for one in report.taken:
        taken.setdefault(one.network_id, []).append(one.text)
    for network_id, steps in taken.items():
        for start in range(0, len(steps), _STEPS_A_LINE):
            log.info("steps taken", **named(network_id), steps=steps[start : start + _STEPS_A_LINE])
