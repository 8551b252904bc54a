"""What a runtime asks is read, or refused with the code that the specification has for it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.attach.cni_request import NEWEST, CniError, read, version_of

ENVIRONMENT = {"CNI_CONTAINERID": "c1", "CNI_NETNS": "/run/netns/c1", "CNI_IFNAME": "eth0"}


def asked(command: str, **fields: Any) -> Any:
    configuration = {"cniVersion": "1.1.0", "network": "lab", **fields}
    return read({"CNI_COMMAND": command, **ENVIRONMENT}, json.dumps(configuration).encode())


@pytest.mark.parametrize(("given_value", "value"), [(True, True), (False, False), (None, None)])
def test_the_default_gateway_may_be_left_open(given_value: bool | None, value: bool | None) -> None:
    assert asked("ADD", isDefaultGateway=given_value).default_gateway is value
    assert asked("ADD").default_gateway is None


@pytest.mark.parametrize("wrong", ["yes", 1, [], {}])
def test_a_default_gateway_is_true_or_false(wrong: Any) -> None:
    with pytest.raises(CniError, match="isDefaultGateway"):
        asked("ADD", isDefaultGateway=wrong)


def test_valid_attachments_by_both_of_their_names() -> None:
    one = [{"containerID": "c1", "ifname": "eth0"}]
    for fields in ({"cni.dev/valid-attachments": one}, {"cni.dev/attachments": one}):
        assert asked("GC", **fields).valid == (("c1", "eth0"),)
    empty: list[dict[str, Any]] = [{}, {"cni.dev/valid-attachments": None}, {"cni.dev/valid-attachments": []}]
    for nothing in empty:
        assert asked("GC", **nothing).valid == ()


def test_a_del_does_not_need_what_it_does_not_use() -> None:
    request = asked("DEL", network="", prevResult="text")
    assert request.previous is None and request.container == "c1"


def test_commands_since_the_version_that_has_them() -> None:
    for command, version in (("CHECK", "0.3.1"), ("GC", "1.0.0"), ("STATUS", "1.0.0"), ("ADD", "0.0.9")):
        with pytest.raises(CniError) as caught:
            asked(command, cniVersion=version)
        assert caught.value.code == 1
    assert read({"CNI_COMMAND": "VERSION"}, b" \n").version == NEWEST


@given(st.binary(max_size=80) | st.from_regex(rb'\A\{"cniVersion": ?("[0-9.]{0,6}"|null|7|\[\])[,}].{0,20}'))
def test_any_input_is_read_or_refused_in_a_version(raw: bytes) -> None:
    assert version_of(raw).count(".") == 2
    for command in ("ADD", "GC", "VERSION"):
        try:
            read({"CNI_COMMAND": command, **ENVIRONMENT}, raw)
        except CniError as error:
            assert error.code in {1, 4, 6, 7}
