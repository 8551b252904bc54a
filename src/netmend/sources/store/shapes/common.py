"""Parts of the requests of all resources: types of fields, with Neutron's limits and conversions."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from netmend.sources import fields

NAME_MAX = 255
NUMBER_MAX = 2**31 - 1
TAGS_MAX = 50
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_TRUE, _FALSE = ("true", "True", "1", 1), ("false", "False", "0", 0)


class Shape(BaseModel):
    """Refuses what it does not know; converts nothing that Neutron does not."""

    model_config = ConfigDict(strict=True, extra="forbid", populate_by_name=False)


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int) and value in _TRUE:
        return True
    if isinstance(value, str | int) and value in _FALSE:
        return False
    return value


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


def _words(text: str) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"{text!r} holds a character that is no text")
    return text


def _mac(text: str) -> str:
    try:
        return fields.mac(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a valid MAC address") from None


def _address(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError
        return str(ip_address(text))
    except ValueError:
        raise ValueError(f"'{text}' is not a valid IP address") from None


def _cidr(text: str) -> str:
    try:
        if "/" not in text:
            raise ValueError("it has no prefix length")
        block = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"'{text}' is not a valid IP subnet") from None
    return str(block)


Boolean = Annotated[
    bool,
    BeforeValidator(_boolean),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["true", "True", "1", 1, "false", "False", "0", 0]}]}),
]
Text = Annotated[str, StringConstraints(max_length=NAME_MAX), AfterValidator(_words)]
Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", strict=True),
]
Mac = Annotated[
    str,
    AfterValidator(_mac),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$"}),
]
Address = Annotated[
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})
]
Cidr = Annotated[str, StringConstraints(max_length=64), AfterValidator(_cidr)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^,/]+$"), AfterValidator(_words)]
Tags = Annotated[list[Tag], Field(max_length=TAGS_MAX)]


def number_schema(least: int, most: int) -> WithJsonSchema:
    """A whole number, which clients also send as text (`Digits`)."""
    number = {"type": "integer", "minimum": least, "maximum": most}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": "^-?[0-9]{1,9}$"}]})


Digits = BeforeValidator(_whole)

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


def project_of(values: dict[str, Any], default: str = "") -> str:
    """The project a request names: `project_id`, or `tenant_id` as it was called before. Takes both out of `values`.

    Raises ValueError when they differ.
    """
    tenant, project = values.pop("tenant_id", None), values.pop("project_id", None)
    if tenant is not None and project is not None and tenant != project:
        raise ValueError("'project_id' and 'tenant_id' do not match")
    return str(project if project is not None else tenant if tenant is not None else default)
