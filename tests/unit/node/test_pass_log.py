"""What a pass did, in the log."""

from tests.log_lines import captured

from netmend.intent import Intent, Network
from netmend.node.pass_log import log_pass
from netmend.reconcile.reports import PassReport, Taken


def test_each_step_is_named_with_its_network() -> None:
    taken = (Taken("b", "create tap tap1"), Taken("a", "create veth tap2 with 10.0.0.2/24"), Taken("b", "three"))
    with captured() as lines:
        log_pass(PassReport(planned_steps=3, taken=taken), Intent({"a": Network("a", "blue")}))
    assert [(line["event"], line.get("name"), line.get("network"), line.get("steps")) for line in lines] == [
        ("pass", None, None, 3),
        ("steps taken", None, "b", ["create tap tap1", "three"]),
        ("steps taken", "blue", "a", ["create veth tap2 with 10.0.0.2/24"]),
    ]


def test_a_line_has_an_end() -> None:
    with captured() as lines:
        log_pass(PassReport(planned_steps=45, taken=tuple(Taken("a", str(number)) for number in range(45))), Intent())
    assert [len(line["steps"]) for line in lines[1:]] == [20, 20, 5]


def test_of_a_pass_that_did_nothing_there_is_nothing_to_say() -> None:
    with captured() as lines:
        log_pass(PassReport(right=frozenset("a")), Intent())
    assert lines == []
