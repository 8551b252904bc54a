"""`/metrics` for Prometheus: read from the node when asked, nothing counted twice. Names are in docs/metrics.md.

Labels are few on purpose: a network has series of its own only while something is wrong with it.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from netmend import __version__
from netmend.ground.printable import printable_line
from netmend.node.http.counts import BOUNDS
from netmend.node.log_writer import lines_lost
from netmend.node.state import NodeState
from netmend.node.views.guest_totals import Totals
from netmend.node.views.shapes import STATES, is_healthy, reasons_by_network, state_of

_NETWORKS: Final = 200
"""Networks with reasons that get a series each, those that are wrong longest; all are counted."""


def registry_of(node: NodeState, watchers: Callable[[], int]) -> CollectorRegistry:
    """All metrics of one node, with those of its process; `watchers`: how many follow the page's live data."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(_NodeCollector(node, watchers))
    return registry


def attach(application: web.Application, registry: CollectorRegistry) -> None:
    """Add the route `/metrics`: the OpenMetrics text, or the older one, as the scraper asks."""

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    application.add_routes([web.get("/metrics", metrics)])


class _NodeCollector(Collector):
    def __init__(self, node: NodeState, watchers: Callable[[], int]) -> None:
        self._node, self._watchers = node, watchers
        self._totals = Totals()

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._about_node()
        yield from self._devices()
        yield from self._networks()
        yield from self._reasons()
        yield from self._reconciler()
        yield from self._guests()
        yield from self._http()

    def _about_node(self) -> Iterator[Metric]:
        node = self._node
        info = InfoMetricFamily("netmend_build", "What runs")
        info.add_metric([], {"version": __version__})
        yield info
        yield _gauge("netmend_start_time_seconds", "When the node started, in seconds since the epoch", node.started_at)
        if node.first_answer_after is not None:
            text = "Seconds from the start to the first network served"
            yield _gauge("netmend_first_answer_seconds", text, node.first_answer_after)
        text = "Lines of the log that were dropped, as nobody read them or they could not be written"
        yield _counter("netmend_log_lines_lost", text, lines_lost())
        text = "1 while a newer intent cannot be used and the one before it stays in force"
        yield _gauge("netmend_intent_problem", text, node.intent.problem is not None)
        text = "When the intent in force was read, in seconds since the epoch"
        yield _gauge("netmend_intent_loaded_time_seconds", text, node.intent.loaded_at)
        yield _gauge(
            "netmend_leases_problem",
            "1 while dynamic leases cannot be stored",
            node.serving.leases_problem is not None,
        )
        text = "1 while metadata of guests behind routers of others is not served, and should be"
        problem = node.routed is not None and node.routed.problem is not None
        yield _gauge("netmend_routed_metadata_problem", text, problem)

    def _devices(self) -> Iterator[Metric]:
        last = self._node.history.last
        if last is None:
            return
        yield _gauge("netmend_devices_wanted", "Devices that intent asks for on this host", last.wanted)
        yield _gauge("netmend_devices_found", "Devices on this host that are netmend's", last.found)
        yield _gauge(
            "netmend_devices_surplus", "Of netmend_devices_found, those that intent does not ask for", last.surplus
        )
        yield _gauge("netmend_devices_missing", "Devices that intent asks for and that are not there", last.missing)
        yield _gauge("netmend_host_devices", "All devices of this host's network namespace but loopback", last.host)
        yield _gauge("netmend_host_devices_down", "Of netmend_host_devices, those that are not up", last.down)

    def _networks(self) -> Iterator[Metric]:
        node = self._node
        networks = node.intent.intent.networks
        reasons = reasons_by_network(node)
        counts = dict.fromkeys(STATES, 0)
        for network in networks.values():
            counts[state_of(node, network, has_reasons=network.id in reasons)] += 1
        healthy = is_healthy(node, (state for state, count in counts.items() if count))
        yield _gauge("netmend_healthy", "1 while nothing is wrong: netmend status ends with exit code 0", healthy)
        family = GaugeMetricFamily("netmend_networks", "Networks of the intent, by state", labels=["state"])
        for state, count in counts.items():
            family.add_metric([state.replace(" ", "_")], count)
        yield family
        yield _gauge("netmend_ports", "Ports of the intent", sum(len(network.ports) for network in networks.values()))
        usable = sum(1 for network_id in networks if network_id in node.reconciler.open_namespaces)
        yield _gauge("netmend_namespaces_wanted", "Network namespaces that intent asks for", len(networks))
        yield _gauge("netmend_namespaces_usable", "Of them, those that netmend has entered and holds", usable)
        text = "1 while names of namespaces cannot be made, so that namespaces are held by descriptor only"
        yield _gauge("netmend_pinning_problem", text, node.reconciler.pin_trouble is not None)

    def _reasons(self) -> Iterator[Metric]:
        node, now = self._node, time.monotonic()
        reasons = node.reconciler.resync.all()
        yield _gauge("netmend_resync_reasons", "Reasons why something is not as intent says", len(reasons))
        oldest = max((now - reason.since for reason in reasons), default=0.0)
        yield _gauge(
            "netmend_resync_reason_oldest_seconds", "Age of the oldest resync reason, 0 when there is none", oldest
        )
        ages: dict[str, float] = {}
        for reason in reasons:
            ages[reason.network_id] = max(ages.get(reason.network_id, 0.0), now - reason.since)
        family = GaugeMetricFamily(
            "netmend_resync_reason_age_seconds",
            "Age of a network's oldest resync reason; the networks that are wrong longest",
            labels=["network_id", "network"],
        )
        networks = node.intent.intent.networks
        for network_id, age in sorted(ages.items(), key=lambda pair: -pair[1])[:_NETWORKS]:
            name = printable_line(networks[network_id].name) if network_id in networks else ""
            family.add_metric([network_id, name], age)
        yield family
        yield _counter("netmend_resync_reasons_seen", "Resync reasons that came up", node.journal.new_reasons)

    def _reconciler(self) -> Iterator[Metric]:
        node, journal = self._node, self._node.journal
        state = node.reconciler.breaker.state
        yield _gauge("netmend_breaker_open", "1 while a fault of the host stops the line", state is not None)
        age = time.monotonic() - state.since if state else 0.0
        yield _gauge("netmend_breaker_open_seconds", "For how long the breaker is open, 0 when it is closed", age)
        yield _counter(
            "netmend_breaker_openings",
            "How often the breaker opened, or changed its diagnosis",
            journal.breaker_openings,
        )
        yield _gauge("netmend_mount_faults", "Faults of the host's mounts that the doctor sees", len(node.mount_faults))
        yield _counter("netmend_passes", "Passes over the kernel", node.passes)
        yield _counter("netmend_pass_seconds", "Seconds spent in passes", journal.seconds_in_passes)
        yield _counter("netmend_pass_steps", "Steps that passes planned", journal.steps)
        if journal.last_pass is not None:
            yield _gauge("netmend_last_pass_seconds", "How long the last pass took", journal.last_pass.seconds)
            text = "When the last pass ended, in seconds since the epoch"
            yield _gauge("netmend_last_pass_time_seconds", text, journal.last_pass.at)
        yield _gauge(
            "netmend_plans_in_progress", "Networks whose plan is being carried out", len(node.reconciler.in_progress)
        )

    def _guests(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "netmend_guest",
            "What services count about guests' requests, over all networks: DHCP, DNS, metadata, their sockets",
            labels=["service", "counter", "kind"],
        )
        for labels, count in sorted(self._totals.take(self._node).items()):
            family.add_metric(list(labels), count)
        yield family
        now = GaugeMetricFamily(
            "netmend_guest_now",
            "What services hold for guests at this moment, over all networks",
            labels=["service", "what"],
        )
        for key, count in sorted(self._totals.now.items()):
            now.add_metric(list(key), count)
        yield now

    def _http(self) -> Iterator[Metric]:
        requests = self._node.http
        answered = CounterMetricFamily(
            "netmend_http_requests", "Answered requests to the node's own server", labels=["method", "part", "code"]
        )
        counts: dict[str, int] = {}
        for (method, part, status), count in sorted(requests.answered.items()):
            answered.add_metric([method, part, str(status)], count)
            counts[part] = counts.get(part, 0) + count
        yield answered
        family = HistogramMetricFamily("netmend_http_request_seconds", "How long its answers took", labels=["part"])
        for part, count in counts.items():
            buckets = [(str(bound), requests.within[part, bound]) for bound in BOUNDS]
            family.add_metric([part], [*buckets, ("+Inf", count)], requests.seconds[part])
        yield family
        yield _gauge("netmend_page_watchers", "Browsers that follow the live page", self._watchers())


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, value=value)
