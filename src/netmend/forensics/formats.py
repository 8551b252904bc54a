"""One log line to its parts, for every format that the machines of a cloud write. Total: any bytes give a `Line`.

A line may be wrapped: Docker's json-file around oslo.log, the journal around dockerd's logfmt. The wrapping gives
host and service; the text inside gives level and message; the better of the two stamps is taken (one that says its
zone before one that does not, then the inner one, which has a year and a fraction).

Formats: oslo.log (`logging_context_format_string`, `logging_default_format_string`, its JSONFormatter), logfmt and
JSON lines of dockerd and containerd, Docker json-file, `journalctl -o short|short-iso|short-precise|short-unix|json`,
RFC 3164 syslog, dmesg with and without -T, Open vSwitch's vlog, structlog (JSON, console, key=value), and any other
line that has an ISO 8601 stamp near its beginning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from netmend.forensics import services
from netmend.forensics.clocks import ISO, LineClock

Clock = Callable[[bytes], float | None]

ANSI = re.compile(rb"\x1b\[[0-9;]*m")
_OSLO = re.compile(
    rb"(?:[T ]?\s+(?P<pid>\d+))?\s+(?P<level>TRACE|DEBUG|INFO|AUDIT|WARNING|WARN|ERROR|CRITICAL)\s+"
    rb"(?P<logger>[A-Za-z_][\w.\-]*)(?:\s(?P<context>\[[^\]]*\])(?: ?\[instance: [^\]]*\])?)?(?: (?P<message>.*)|$)",
    re.DOTALL,
)
_OVS = re.compile(rb"\|\d+\|(?P<module>[^|]{1,64})\|(?P<level>EMER|ERR|WARN|INFO|DBG)\|(?P<message>.*)", re.DOTALL)
_OVS_SYSLOG = re.compile(
    rb"ovs\|\d+\|(?P<module>[^|]{1,64})\|(?P<level>EMER|ERR|WARN|INFO|DBG)\|(?P<message>.*)", re.DOTALL
)
_CONSOLE = re.compile(
    rb"\s+\[(?P<level>debug|info|warning|warn|error|critical|exception)\s*\]\s+(?P<message>.*)", re.DOTALL
)
_LOGFMT = re.compile(
    rb'time="?[^" ]+"? level=(?P<level>\w+) msg=(?P<message>"(?:[^"\\]|\\.)*"|\S*)(?P<rest>.*)', re.DOTALL
)
_KEY_VALUE = re.compile(rb"\b(?:timestamp|ts|time)='?\d{4}-\d\d-\d\d")
_KV_AGENT = re.compile(rb"\bagent=['\"]?([\w.-]+)")
_KV_LEVEL = re.compile(rb"\blevel='?\"?(\w+)")
_KV_EVENT = re.compile(rb"\b(?:event|msg)=(?:'([^']*)'|\"([^\"]*)\"|(\S+))")
_SHORT = re.compile(
    rb"(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? "
    rb"(?P<host>\S+) (?P<who>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?:(?: |$)(?P<message>.*)",
    re.DOTALL,
)
_SHORT_ISO = re.compile(
    rb"(?P<host>[A-Za-z0-9][\w.\-]*) (?P<who>[A-Za-z_@][^\s:\[]*)(?:\[(?P<pid>\d+)\])?:(?: |$)(?P<message>.*)",
    re.DOTALL,
)
_SHORT_UNIX = re.compile(
    rb"\d{9,11}\.\d{1,9} (?P<host>\S+) (?P<who>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?:(?: |$)(?P<message>.*)", re.DOTALL
)
_EXPORTED = re.compile(rb"@\d+ (?P<priority>\S*) (?P<host>\S*) (?P<who>.*?)\[\d+\]: (?P<message>.*)", re.DOTALL)
_DMESG = re.compile(rb"(?:<(?P<priority>\d{1,3})>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?(?P<message>.*)", re.DOTALL)
_DMESG_T = re.compile(rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] (?P<message>.*)", re.DOTALL)
_WORD = re.compile(
    rb"(?:^|[\s\[(<|])(debug|info|notice|warning|warn|error|err|critical|fatal|panic)(?=[\s\]):|>,]|$)", re.IGNORECASE
)
_EXCEPTION = re.compile(
    r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|NotFound|Timeout|Failure|Interrupted|AlreadyExists|Argument"
    r"|NotReady|Unavailable|Exit|Interrupt|_Remote)(?::|$)"
)

DEEPEST = 3
"""Wrappings within wrappings that are taken off."""

LEVELS = ("", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LEVEL = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "dbg": "DEBUG",
    "info": "INFO",
    "audit": "INFO",
    "notice": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "err": "ERROR",
    "error": "ERROR",
    "exception": "ERROR",
    "fatal": "CRITICAL",
    "panic": "CRITICAL",
    "critical": "CRITICAL",
    "emer": "CRITICAL",
}
_PRIORITY = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")


@dataclass(frozen=True, slots=True)
class _Wrapping:
    """What is around a text: the format's name, how to read its stamp, whether that says its zone, and level and
    service where the wrapping tells them."""

    format: str
    clock: Clock
    zoned: bool
    level: str = ""
    service: str = ""
    who: str = ""
    """The name it gives the writer, for when neither that nor the text inside tells a service."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says. `clock` reads the stamp of any line of the same make; None: the line has no stamp."""

    format: str
    message: str
    clock: Clock | None = None
    level: str = ""
    service: str = ""
    continuation: bool = False
    """Part of the record above: a traceback's line. `message` is then an exception's line, or empty."""
    text: str = ""
    """What the line says where `message` is empty."""
    unknown: bool = False
    """In no known format, and not the look of a traceback's line either."""


def level(word: str) -> str:
    """One of LEVELS for any spelling."""
    return _LEVEL.get(word.lower(), "")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()


class Parser:
    """Parses lines of one file. `bracketed`: the file's oslo.log records carry `[request id]`, so those at level ERROR
    that do not are lines of a traceback (`logging_exception_prefix`)."""

    def __init__(self, clock: LineClock, bracketed: bool = True) -> None:
        self.clock = clock
        self.bracketed = bracketed

    def parse(self, line: bytes) -> Line:
        """Any bytes (one line, without its end)."""
        if b"\x1b" in line:
            line = ANSI.sub(b"", line)
        return self._parse(line, 0)

    def _parse(self, line: bytes, depth: int) -> Line:
        first = line[:1]
        if first == b"{" and depth < DEEPEST:
            return self._json(line, depth)
        if first == b"@" and (match := _EXPORTED.match(line)):
            priority = match["priority"]
            found = _PRIORITY[int(priority)] if priority.isdigit() and int(priority) < 8 else ""
            return self._wrapped(_Wrapping("journal export", self.clock.microseconds, True, found), match, depth)
        if first in (b"[", b"<") and (match := _DMESG_T.match(line)):
            return Line("dmesg -T", _text(match["message"]), self.clock.ctime, "", "kernel")
        if first in (b"[", b"<") and (match := _DMESG.match(line)):
            priority = match["priority"]
            found = _PRIORITY[int(priority) & 7] if priority else ""
            return Line("dmesg", _text(match["message"]), self.clock.boot, found, "kernel")
        if match := _SHORT.match(line):
            return self._wrapped(_Wrapping("syslog", self.clock.syslog, False), match, depth)
        if first.isdigit() and (match := _SHORT_UNIX.match(line)):
            return self._wrapped(_Wrapping("journal short-unix", self.clock.epoch, True), match, depth)
        if line.startswith(b"time=") and (match := _LOGFMT.match(line)):
            message = f"{_unquote(match['message'])} {_text(match['rest'])}"
            return Line("logfmt", message.strip(), self.clock.iso, level(_text(match["level"])))
        if match := _OVS_SYSLOG.match(line):
            return Line("ovs", _text(match["message"]), None, level(_text(match["level"])), "")
        return self._stamped(line, depth)

    def _stamped(self, line: bytes, depth: int) -> Line:
        stamp = ISO.search(line[:64])
        if stamp is None or line[:1] in (b" ", b"\t"):
            return Line("", _exception(_text(line)), None, continuation=True, unknown=not _is_trace_line(line))
        rest, clock = line[stamp.end() :], self.clock.best_iso(stamp)
        if stamp.start() == 0 or not line[: stamp.start()].strip(b"[(\"' "):
            if match := _OVS.match(rest):
                return Line("ovs", _text(match["message"]), clock, level(_text(match["level"])))
            if match := _OSLO.match(rest):
                return self._oslo(match, clock)
            if match := _CONSOLE.match(rest):
                said = match["message"]
                return Line("structlog console", _text(said), clock, level(_text(match["level"])), _agent(said))
            if match := _SHORT_ISO.match(rest.lstrip()):
                return self._wrapped(_Wrapping("journal short-iso", clock, bool(stamp[5])), match, depth)
        if _KEY_VALUE.search(line[:200]):
            found, event = _KV_LEVEL.search(line), _KV_EVENT.search(line)
            message = _text(next((g for g in event.groups() if g), b"")) if event else ""
            rest_text = _text(line) if not message else f"{message} {_text(line)}"
            return Line("key=value", rest_text, clock, level(_text(found[1])) if found else "", _agent(line))
        word = _WORD.search(rest[:60])
        return Line("stamped", _text(rest), clock, level(_text(word[1])) if word else "")

    def _oslo(self, match: re.Match[bytes], clock: Clock) -> Line:
        message = _text(match["message"] or b"")
        found = match["level"]
        service = services.of_logger(match["logger"].decode("ascii", "replace"))
        if match["context"] is None and found in (b"ERROR", b"TRACE", b"CRITICAL"):
            raw = match["message"] or b""
            if self.bracketed or not message or raw[:1] in (b" ", b"\t") or _is_trace(message):
                return Line("oslo.log", "", clock, "ERROR", service, True, message)
        return Line("oslo.log", message, clock, level(_text(found)), service)

    def _wrapped(self, around: _Wrapping, match: re.Match[bytes], depth: int) -> Line:
        who = _text(match["who"])[:60]
        service = services.named(who)
        message: bytes = match["message"]
        if service == "kernel" or depth >= DEEPEST:
            if inner := _DMESG.match(message):
                message = inner["message"]
            return Line(around.format, _text(message), around.clock, around.level, service or who)
        return self._around(replace(around, service=service, who=who), message, depth)

    def _around(self, around: _Wrapping, message: bytes, depth: int) -> Line:
        """The line that `message` makes inside a wrapping."""
        within = self._parse(message, depth + 1)
        clock, service = around.clock, around.service or within.service or around.who
        if not within.format:
            # Docker and the journal stamp every line, so a traceback's lines are told by their look.
            text = _text(message)
            part = _is_trace_line(message)
            said = _exception(text) if part else text
            return Line(around.format, said, clock, around.level, service, part, text)
        stamp = ISO.search(message[:80])
        if within.clock is not None and not around.zoned and stamp is not None:
            clock = self.clock.iso_zoned if stamp[5] else self.clock.iso
        found = within.level or around.level
        name = f"{around.format} / {within.format}"
        return Line(name, within.message, clock, found, service, within.continuation, within.text)

    def _json(self, line: bytes, depth: int) -> Line:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return self._stamped(line, depth)
        if not isinstance(entry, dict):
            return Line("", "", None, continuation=True, unknown=True)
        if isinstance(entry.get("log"), str) and "time" in entry:
            inner = entry["log"].encode("utf-8", "replace").rstrip(b"\r\n")
            around = _Wrapping("docker json-file", self.clock.docker, True, "", _docker_name(entry))
            return self._around(around, inner, depth)
        if "__REALTIME_TIMESTAMP" in entry:
            return self._journal(entry, depth)
        return self._event(entry)

    def _journal(self, entry: dict[str, object], depth: int) -> Line:
        raw = entry.get("MESSAGE")
        if isinstance(raw, list) and all(isinstance(b, int) and 0 <= b < 256 for b in raw):
            raw = bytes(raw).decode("utf-8", "replace")
        message = raw if isinstance(raw, str) else ""
        who = next(
            (str(entry[k]) for k in ("CONTAINER_NAME", "SYSLOG_IDENTIFIER", "_COMM", "_SYSTEMD_UNIT") if entry.get(k)),
            "",
        )
        if entry.get("_TRANSPORT") == "kernel":
            who = "kernel"
        priority = str(entry.get("PRIORITY", ""))
        found = _PRIORITY[int(priority)] if priority in tuple("01234567") else ""
        service = services.named(who)
        encoded = message.encode("utf-8", "replace")
        message = encoded.decode("utf-8")
        if service == "kernel" or depth >= DEEPEST:
            return Line("journal json", message, self.clock.journal_json, found, service or _clean(who))
        return self._around(
            _Wrapping("journal json", self.clock.journal_json, True, found, service, _clean(who)[:60]), encoded, depth
        )

    def _event(self, entry: dict[str, object]) -> Line:
        """JSON lines of structlog, oslo.log's JSONFormatter, dockerd and containerd."""
        text = next((str(entry[k]) for k in ("event", "message", "msg", "MESSAGE") if entry.get(k)), "")
        found = next((level(str(entry[k])) for k in ("level", "levelname", "severity") if entry.get(k)), "")
        when = next(
            (entry[k] for k in ("timestamp", "@timestamp", "time", "ts", "asctime", "created") if k in entry), None
        )
        number = isinstance(when, int | float)
        clock = None if when is None else self.clock.epoch if number else self.clock.json_stamp
        if text and isinstance(entry.get("error"), str):
            text = f"{text}: {entry['error']}"
        more = " ".join(f"{k}={v}" for k, v in entry.items() if k in _TOLD and isinstance(v, str | int))
        source = entry.get("service") or entry.get("agent") or entry.get("name") or entry.get("logger") or ""
        service = services.named(str(source)) or services.of_logger(str(source)) or str(entry.get("agent") or "")
        return Line("json", _clean(f"{text} {more}".strip()), clock, found, _clean(service))


_TOLD = ("agent", "namespace", "network", "device", "bridge", "errno", "reason", "exception")


def _docker_name(entry: dict[str, object]) -> str:
    attributes = entry.get("attrs")
    return services.named(str(attributes.get("tag", ""))) if isinstance(attributes, dict) else ""


def _clean(text: str) -> str:
    """Without the lone surrogates that JSON can spell and no output can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _agent(data: bytes) -> str:
    """The service that a field `agent=NAME` names."""
    found = _KV_AGENT.search(data)
    name = _text(found[1]) if found else ""
    return services.named(name) or name


def _unquote(data: bytes) -> str:
    text = _text(data)
    if len(text) >= 2 and text[0] == '"' == text[-1]:
        return text[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    return text


def _exception(text: str) -> str:
    """The text when it is an exception's own line, `module.Name: what`; else empty."""
    return text if _EXCEPTION.match(text) else ""


def _is_trace(text: str) -> bool:
    return text.startswith(
        ("Traceback (most recent call last)", "During handling of", "The above exception was", "~", "^")
    ) or bool(_EXCEPTION.match(text))


def _is_trace_line(raw: bytes) -> bool:
    text = _text(raw)
    return not text or raw[:1] in (b" ", b"\t") or _is_trace(text)
