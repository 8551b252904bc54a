"""netmend's answers beside Neutron's own, recorded from Neutron 29.0.0: the same statuses, types, words and fields, but
for what is listed here with its reason."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.peers.api.record_neutron import record
from tests.unit.sources.store.served import serve

RECORD = Path(__file__).parents[4] / "peers/api/neutron_answers.json"

DIFFERENT = {
    "method not allowed": "405, which says what is allowed; Neutron looks for a network None",
    "gateway outside": "a gateway that guests cannot reach is refused",
    "take the last": "netmend's own port has the subnet's one address, as a DHCP agent's would",
    "tags of absent": "404; Neutron fails with 500",
    "show extension": "netmend has dns-integration, that Neutron had not",
    "show absent extension": "404 in the shape of all errors; Neutron's is text",
    "if-match stale": "revisions count other things",
}
OTHER_WORDS = {  # the same status; the message says more, or the type is that of other bad fields
    "bad bool": "names the field",
    "bad mtu": "names the field",
    "bad cidr": "names the field",
    "ip version 5": "quotes differ",
    "long tag": "as for all fields",
    "bad tags": "quotes differ",
}
MORE = {"netmend", "dns_domain", "dns_name", "dns_assignment", "router", "floatingip"}  # that this Neutron has not
FEWER = {"subnetpool", "rbac_policy"}  # quotas of what netmend has not


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with serve(tmp_path_factory.mktemp("api")) as (_, client):
        return record(f"http://127.0.0.1:{client.port}")


NEUTRON = json.loads(RECORD.read_text())
NAMES = [name for name in NEUTRON if name != "ids" and name not in DIFFERENT]


def without_ids(value: object) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "ID", json.dumps(value))


@pytest.mark.parametrize("name", NAMES)
def test_netmend_answers_as_neutron_does(name: str, answers: dict[str, Any]) -> None:
    theirs, ours = NEUTRON[name], answers[name]
    assert ours["status"] == theirs["status"], ours["body"]
    if theirs["status"] >= 400:
        if name not in OTHER_WORDS:
            assert without_ids(ours["body"]) == without_ids(theirs["body"])
        assert set(ours["body"]["NeutronError"]) == {"type", "message", "detail"}
    elif isinstance(theirs["body"], dict):
        their_object, our_object = next(iter(theirs["body"].values())), next(iter(ours["body"].values()))
        if isinstance(their_object, dict):
            assert set(their_object) - set(our_object) <= FEWER
            assert set(our_object) - set(their_object) <= MORE
            for field, value in their_object.items():
                if value is None or isinstance(value, bool):
                    assert our_object.get(field, value) == value, field
