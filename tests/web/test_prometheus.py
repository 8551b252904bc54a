"""What /metrics says, read by a real Prometheus; alerts by promtool; the dashboard by Grafana's own SDK."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.waiting import wait_for
from tests.web.host import Host, host, networks

TOP = Path(__file__).parents[2]
ALERTS = TOP / "examples" / "prometheus" / "netmend-alerts.yaml"
DASHBOARD = TOP / "examples" / "grafana" / "netmend.json"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
PROMETHEUS = "http://127.0.0.1:9090"
# These answer nothing where nobody asked anything, or nothing is wrong.
MAY_BE_EMPTY = ("dns|metadata", "messages", "dropped", "limited", "reason_age", "openings")


def promtool(*arguments: str) -> str:
    run = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_promtool_finds_the_examples_good() -> None:
    assert "9 rules found" in promtool("check", "rules", str(ALERTS))
    promtool("check", "config", str(ALERTS.with_name("prometheus.yml")))
    assert "SUCCESS" in promtool("test", "rules", str(ALERTS.with_name("netmend-alerts-test.yaml")))


def test_every_alert_has_a_test() -> None:
    alerts = {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}
    tests = yaml.safe_load(ALERTS.with_name("netmend-alerts-test.yaml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert fired == alerts


def test_names_types_and_labels_are_those_of_the_document() -> None:
    intent = networks(3, 2)
    intent["networks"][0]["ports"][0]["plug"] = {"netns": "guest-not-there"}
    with host(intent) as found:
        found.get("view/overview")
        wait_for(lambda: b"\nnetmend_devices_found " in found.get("metrics"), "the first count of devices")
        told = found.get("metrics", OPENMETRICS).decode()
        promtool_lint(found)
        assert found.get("metrics").startswith(b"# HELP")  # the older text, too
    parsed = text_string_to_metric_families(told)  # type: ignore[no-untyped-call]
    families = [family for family in parsed if family.name.startswith("netmend_")]
    shown = {}
    for family in families:
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = {label for sample in family.samples for label in sample.labels}
        shown[family.name + suffix] = ("gauge" if family.type == "info" else family.type, labels)
    rows = re.findall(r"^\| `(netmend_\w+)` \| (\w+) \| (.*?) \|", (TOP / "docs" / "metrics.md").read_text(), re.M)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", labels.split(":")[0]))) for name, kind, labels in rows}
    shown["netmend_guest_now"] = "gauge", {"service", "what"}  # only where DNS or metadata is served
    shown["netmend_guest_total"] = shown["netmend_guest_total"][0], {"service", "counter", "kind"}
    assert shown == documented


def promtool_lint(found: Host) -> None:
    """promtool's own opinion of the names, on the older text."""
    run = subprocess.run(["promtool", "check", "metrics"], input=found.get("metrics"), capture_output=True, check=False)
    complaints = [line for line in run.stderr.decode().splitlines() if line.startswith("netmend_")]
    assert not complaints, complaints


def test_grafanas_own_sdk_reads_the_dashboard_and_writes_it_again_without_loss() -> None:
    plugins.register_default_plugins()
    given = json.loads(DASHBOARD.read_text())
    written = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(given)))
    assert list(lost(given, written)) == []


def lost(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where `other` lacks what `one` says; empty values may be left out."""
    if isinstance(one, dict):
        for key, value in one.items():
            if not isinstance(other, dict) or (key not in other and value not in (None, "", [], {})):
                yield f"{path}/{key}"
            elif key in other:
                yield from lost(value, other[key], f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (value, same) in enumerate(zip(one, other, strict=True)):
            yield from lost(value, same, f"{path}/{index}")
    elif one != other:
        yield path


def test_a_real_prometheus_scrapes_the_node_and_answers_every_query_of_alerts_and_dashboard() -> None:
    with host(networks(5, 3)) as found, prometheus(found.directory):
        wait_for(
            lambda: query('up{job="netmend"} == 1') and len(query("netmend_passes_total[1m]")[0]["values"]) >= 4,
            "Prometheus has looked four times",
            every=0.5,
        )
        assert query("sum(netmend_networks{state='served'})")[0]["value"][1] == "5"
        assert query("netmend_devices_found - netmend_devices_wanted")[0]["value"][1] == "0"
        for expression in expressions():
            answer = query(expression)
            empty_is_right = any(word in expression for word in MAY_BE_EMPTY)
            assert answer or empty_is_right, expression
        for rule in (rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]):
            assert query(rule["expr"]) == [], rule["alert"]  # all is well
            for name in set(re.findall(r"netmend_\w+", rule["expr"])):
                assert query(name), f"{rule['alert']}: no series {name}"


def expressions() -> list[str]:
    """Of the dashboard, with its variables filled in."""
    dashboard = json.loads(DASHBOARD.read_text())
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    targets += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    return [target.replace("$instance", ".*").replace("[5m]", "[1m]") for target in targets]


def query(expression: str) -> list[dict[str, Any]]:
    address = f"{PROMETHEUS}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        found = json.loads(answer.read())
    assert found["status"] == "success", found
    result: list[dict[str, Any]] = found["data"]["result"]
    return result


@contextmanager
def prometheus(directory: Path) -> Iterator[None]:
    """Debian's Prometheus with the example's configuration, scraping each second."""
    program = shutil.which("prometheus")
    assert program is not None, "there is no prometheus; make test-web sets it up"
    config = yaml.safe_load(ALERTS.with_name("prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(ALERTS)]
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program, f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                "--web.listen-address=127.0.0.1:9090",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:

        def ready() -> bool:
            try:
                urllib.request.urlopen(f"{PROMETHEUS}/-/ready", timeout=5)
            except OSError:
                assert process.poll() is None, (directory / "prometheus.log").read_text()
                return False
            return True

        wait_for(ready, "Prometheus is ready", every=0.1)
        yield
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(20)
