"""Networks come and go, and what cannot be sent of them is said for as long as it is so."""

from tests.unit.sources.neutron import payloads

from netmend.sources.neutron.intents import IntentBuilder
from netmend.sources.neutron.policy import Policy


def test_options_that_cannot_be_sent_are_told_until_they_go() -> None:
    builder = IntentBuilder(Policy(payloads.HOST), None)
    raw = payloads.network("options")
    port = next(port for port in raw["ports"] if port["name"] == "netboot")
    builder.put(raw["id"], raw)
    builder.put("plain", payloads.network("plain"))
    assert set(builder.options_not_sent) == {raw["id"]}
    assert set(builder.options_not_sent[raw["id"]]) == {port["id"]}
    assert "no-such-option" in builder.options_not_sent[raw["id"]][port["id"]]

    sendable = [option for option in port["extra_dhcp_opts"] if option["opt_name"] != "no-such-option"]
    mended = {**port, "extra_dhcp_opts": sendable}
    others = [other for other in raw["ports"] if other is not port]
    builder.put(raw["id"], {**raw, "ports": [*others, mended]})
    assert builder.options_not_sent == {}

    builder.put(raw["id"], raw)
    assert builder.options_not_sent
    builder.put(raw["id"], None)
    assert builder.options_not_sent == {}
