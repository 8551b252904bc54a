"""What of an agent may change."""

from netmend.sources.store.shapes.common import Boolean, Shape, Text


class AgentUpdate(Shape):
    """A field that is left out stays as it is."""

    admin_state_up: Boolean = True
    description: Text = ""
