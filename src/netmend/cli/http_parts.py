"""What a node's HTTP server serves beside status: the page and its live data, and metrics."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netmend.node.http_server import Part
    from netmend.node.state import NodeState


def parts_of(node: "NodeState") -> "Sequence[Part]":
    """Called when guests have their first answers: loading all this takes a tenth of a second."""
    from netmend.node import metrics
    from netmend.node.views import Views
    from netmend.web import page

    views = Views(node)
    registry = metrics.registry_of(node, lambda: views.live.watchers)
    return (
        lambda application: metrics.attach(application, registry),
        lambda application: page.attach(application, views),
    )
