"""JSON log lines by tables of keys: the names under which programs and collectors write level, stamp, text and source.

A key with dots is looked up whole (`log.level`, as ECS writes it) and then as a path (`kubernetes.container_name`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from netmend.forensics import services
from netmend.forensics.clocks import Clock, LineClock
from netmend.forensics.line import PRIORITY, exception, headline, level

RAW = ("log", "line", "textPayload", "Payload", "payload", "full_message", "jsonPayload.log", "_raw", "raw", "original")
"""Keys under which collectors keep a program's line as it was: Docker, fluent-bit, Loki and promtail, GCP, Kolla's
heka and fluentd, GELF, Splunk. Such a text is read again, as a line of its own format."""

TEXT = (
    "event", "message", "msg", "MESSAGE", "short_message", "jsonPayload.message", "jsonPayload.msg",
    "jsonPayload.MESSAGE", "@message", "body", "Body", "Body.stringValue", "body.stringValue", "content", "text",
    "event.original",
)  # fmt: skip
"""structlog, oslo.log, Go's loggers, the journal, GELF, GCP, AWS, OpenTelemetry, ECS."""

LEVEL = (
    "level", "levelname", "severity", "log_level", "loglevel", "lvl", "log.level", "Severity", "SeverityText",
    "severityText", "severity_label", "severity_text", "detected_level", "labels.level", "labels.detected_level",
    "jsonPayload.level", "jsonPayload.severity", "syslog.severity.name", "@l", "PRIORITY", "priority",
    "jsonPayload.PRIORITY", "severityNumber", "SeverityNumber", "levelno",
)  # fmt: skip

TIME = (
    "timestamp", "@timestamp", "time", "ts", "asctime", "created", "date", "Timestamp", "datetime", "eventTime",
    "timeUnixNano", "TimeUnixNano", "_time", "@t", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "t",
    "receiveTimestamp", "observedTimeUnixNano", "timeMillis",
)  # fmt: skip

SOURCE = (
    "service", "agent", "CONTAINER_NAME", "container_name", "kubernetes.container_name", "kubernetes.container.name",
    "container.name", "labels.container", "labels.container_name", "labels.app", "labels.app_kubernetes_io_name",
    "labels.service_name", "resource.labels.container_name", "labels.job", "service.name", "programname", "program",
    "appname", "app_name", "SYSLOG_IDENTIFIER", "ident", "tag", "name", "logger", "python_module", "Logger",
    "log.logger", "kubernetes.pod_name", "kubernetes.pod.name", "labels.pod", "filename", "file", "path",
    "log.file.path", "labels.filename", "_COMM", "_SYSTEMD_UNIT", "unit", "labels.unit", "source",
)  # fmt: skip

_LINE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:\d\d:\d\d|time=\"")
"""The beginnings of a program's line that a collector keeps under one of TEXT (Vector, Filebeat)."""

_SYSLOG_SEVERITY = ("PRIORITY", "priority", "jsonPayload.PRIORITY")
_OTEL_SEVERITY = ("severityNumber", "SeverityNumber")
_DETAIL = ("agent", "namespace", "network", "device", "bridge", "errno", "reason", "exception")
_ERROR = ("error", "err")
_TRACE = ("traceback", "exc_info", "exception", "stack_trace", "error.stack_trace", "exc_text")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one JSON object says. `raw`: the text is a program's line as it was."""

    format: str
    text: str
    raw: bool
    level: str
    clock: Clock | None
    service: str
    writer: str


class _Found(NamedTuple):
    key: str
    value: object


def look_up(entry: dict[str, object], key: str) -> object:
    """The value of a key of the tables, or None."""
    if key in entry:
        return entry[key]
    held: object = entry
    head, dot, rest = key.partition(".")
    while dot:
        held = held.get(head) if isinstance(held, dict) else None
        if held is None:
            return None
        if isinstance(held, dict) and rest in held:
            found: object = held[rest]
            return found
        head, dot, rest = rest.partition(".")
    return None


def _all(entry: dict[str, object], keys: Iterable[str]) -> Iterator[_Found]:
    for key in keys:
        value = look_up(entry, key)
        if value is not None and value != "":
            yield _Found(key, value)


def unwrapped(entry: dict[str, object]) -> dict[str, object]:
    """The document inside what a search engine wraps around it (`_source` of Elasticsearch and OpenSearch)."""
    inside = entry.get("_source")
    return inside if isinstance(inside, dict) else entry


def read(entry: dict[str, object], line: bytes, clock: LineClock) -> Entry:
    """Any JSON object as a log entry; `line` is its text, in which the stamp is found again for lines like it."""
    if isinstance(entry.get("log"), str) and "time" in entry and entry.keys() <= _DOCKER:
        return Entry("docker json-file", _clean(entry["log"]), True, "", clock.docker, *_docker_source(entry))
    journal = "__REALTIME_TIMESTAMP" in entry
    body = unwrapped(entry)
    text, raw = _text(body)
    when = clock.member("__REALTIME_TIMESTAMP") if journal else _clock(body, line, clock)
    service, writer = _source(body, journal)
    return Entry("journal json" if journal else "json", text, raw or journal, _level(body), when, service, writer)


_DOCKER = {"log", "stream", "time", "attrs"}


def _docker_source(entry: dict[str, object]) -> tuple[str, str]:
    attributes = entry.get("attrs")
    return (services.named(str(attributes.get("tag", ""))), "") if isinstance(attributes, dict) else ("", "")


def _text(entry: dict[str, object]) -> tuple[str, bool]:
    for found in _all(entry, RAW):
        if isinstance(found.value, str):
            return _clean(_with_trace(entry, found.value)), True
    for found in _all(entry, TEXT):
        value = found.value
        if isinstance(value, list) and found.key == "MESSAGE" and all(isinstance(b, int) for b in value):
            value = bytes(b & 255 for b in value).decode("utf-8", "replace")
        if not isinstance(value, str | int | float):
            continue
        text = str(value)
        if _LINE.match(text):
            return _clean(_with_trace(entry, text)), True
        if isinstance(error := next((v for _, v in _all(entry, _ERROR)), None), str):
            text = f"{text}: {error}"
        text = headline(_with_trace(entry, text)) if found.key != "MESSAGE" else text
        more = " ".join(f"{k}={v}" for k, v in entry.items() if k in _DETAIL and isinstance(v, str | int))
        return _clean(f"{text} {more}".strip()), False
    return "", False


def _with_trace(entry: dict[str, object], text: str) -> str:
    """The text and, where a member of its own holds the traceback, the exception that this ends in."""
    for _, value in _all(entry, _TRACE):
        lines = value if isinstance(value, list) else str(value).splitlines()
        last = next((said for one in reversed(lines) if (said := exception(str(one).strip()))), "")
        if last and last not in text:
            return f"{text}: {last}"
    return text


def _level(entry: dict[str, object]) -> str:
    for key, value in _all(entry, LEVEL):
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
            if found := _numbered(key, int(float(value))):
                return found
        elif isinstance(value, str) and (found := level(value)):
            return found
    return ""


def _numbered(key: str, number: int) -> str:
    """A level by number: syslog's severities, OpenTelemetry's, Python's `levelno`, or Bunyan's and pino's `level`."""
    if key in _OTEL_SEVERITY:
        return (
            ("DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")[(number - 1) // 4] if 1 <= number <= 24 else ""
        )
    if key in _SYSLOG_SEVERITY or 0 <= number <= 7:
        return PRIORITY[number] if 0 <= number <= 7 else ""
    steps = {10: "DEBUG", 20: "INFO" if key == "levelno" else "DEBUG", 30: "WARNING" if key == "levelno" else "INFO"}
    steps |= {40: "ERROR" if key == "levelno" else "WARNING", 50: "CRITICAL" if key == "levelno" else "ERROR"}
    return (steps | {60: "CRITICAL"}).get(number, "")


def _clock(entry: dict[str, object], line: bytes, clock: LineClock) -> Clock | None:
    """Reads the first of the stamps that can be read, here and in lines like this one."""
    for key, value in _all(entry, TIME):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        true = clock.member("t")(json.dumps({"t": value}).encode())
        if true is None:
            continue
        quick = clock.member(key.rpartition(".")[2])
        if quick(line) == true:
            return quick

        def slow(other: bytes, key: str = key) -> float | None:
            try:
                held = json.loads(other)
            except (ValueError, RecursionError):
                return None
            value = look_up(unwrapped(held), key) if isinstance(held, dict) else None
            return clock.member("t")(json.dumps({"t": value}).encode())

        return slow
    return None


def _source(entry: dict[str, object], journal: bool) -> tuple[str, str]:
    """The service, where a member names it, and the writer's name as it stands there."""
    if journal and entry.get("_TRANSPORT") == "kernel":
        return "kernel", "kernel"
    writer = ""
    for key, value in _all(entry, SOURCE):
        if not isinstance(value, str):
            continue
        if service := services.named(value.rpartition("/")[2] or value) or services.of_logger(value):
            return service, _clean(value)
        if not writer and key not in ("name", "logger", "python_module", "Logger", "log.logger", "source", "tag"):
            writer = _clean(value.rpartition("/")[2] or value)[:60]
    return "", writer


def _clean(text: object) -> str:
    """Without the lone surrogates that JSON can spell and no output can."""
    return str(text).encode("utf-8", "replace").decode("utf-8")
