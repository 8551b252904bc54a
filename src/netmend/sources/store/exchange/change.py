"""One write of the store, or of a server with its API; and what is there before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from netmend.sources.store.transaction import Document

Body = dict[str, Any]
Kind = Literal["network", "subnet", "port", "security_group", "address_group"]
Action = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `body` is all of a new object, or the fields that differ; of a security group also all of its
    `security_group_rules`, and of an address group all of its `addresses`, which are no fields that can be updated."""

    action: Action
    kind: Kind
    id: str
    name: str
    body: Body = field(default_factory=dict)

    def __str__(self) -> str:
        fields = f": {', '.join(sorted(self.body))}" if self.action == "update" else ""
        return f"{self.action} {self.kind.replace('_', ' ')} {self.name or self.id}{fields}"


@dataclass(frozen=True, slots=True)
class Current:
    """The present objects, by id."""

    networks: Mapping[str, Document]
    subnets: Mapping[str, Document]
    ports: Mapping[str, Document]  # without netmend's own
    security_groups: Mapping[str, Document] = field(default_factory=dict)  # with their `security_group_rules`
    address_groups: Mapping[str, Document] = field(default_factory=dict)
