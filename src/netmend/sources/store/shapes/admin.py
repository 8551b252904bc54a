"""Shapes of what operators may change: agents, and the limits of a project."""

from typing import Annotated

from pydantic import Field

from netmend.sources.store.shapes.common import NUMBER_MAX, Boolean, Digits, Shape, Text, number_schema

Limit = Annotated[int, Digits, Field(ge=-1, le=NUMBER_MAX), number_schema(-1, NUMBER_MAX)]


class AgentUpdate(Shape):
    """A field that is left out stays as it is."""

    admin_state_up: Boolean = True
    description: Text = ""


class QuotaUpdate(Shape):
    """-1: no limit. A field that is left out stays as it is."""

    network: Limit = -1
    subnet: Limit = -1
    port: Limit = -1
    router: Limit = -1
    floatingip: Limit = -1
    security_group: Limit = -1
    security_group_rule: Limit = -1
    force: Boolean = False  # a limit may be below what is there, with it and without
