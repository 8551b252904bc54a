"""One log line to its parts, for every format that the machines of a cloud write. Total: any bytes give a `Line`.

A line may be wrapped: Docker's json-file around oslo.log, the journal around dockerd's logfmt, a container runtime's
stamp around anything. The wrapping gives host and service; the text inside gives level and message; the better of the
two stamps is taken (one that says its zone before one that does not, then the inner one, which has a year and a
fraction). `docs/timeline.md` lists the formats.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from netmend.forensics import json_lines, patterns, services
from netmend.forensics.clocks import CLF, HUMAN, ISO, ISO_ABBREVIATED, ISO_SHORT_HOUR, Clock, LineClock
from netmend.forensics.line import (
    Line,
    Wrapping,
    exception,
    headline,
    is_trace,
    is_trace_line,
    level,
    priority_level,
    speaks_of_failure,
    text_of,
)

DEEPEST = 4
"""Wrappings within wrappings that are taken off."""

PREFIXES = 200
"""Prefixes of tools remembered per file."""


class Parser:
    """Parses lines of one file. `bracketed`: the file's oslo.log records carry `[request id]`, so those at level ERROR
    that do not are lines of a traceback (`logging_exception_prefix`)."""

    def __init__(self, clock: LineClock, bracketed: bool = True) -> None:
        self.clock = clock
        self.bracketed = bracketed
        self._prefixes: set[bytes] = set()
        """Prefixes after which a known format was seen: what follows them later is a line too, whatever it looks."""

    def parse(self, line: bytes) -> Line:
        """Any bytes (one line, without its end)."""
        if b"\x1b" in line:
            line = patterns.ANSI.sub(b"", line)
        return self._parse(line, 0)

    def _parse(self, line: bytes, depth: int) -> Line:
        first = line[:1]
        if first == b"{" and depth < DEEPEST:
            return self._json(line, depth)
        if first in b"@[<=" and first and (found := self._marked(line, depth)) is not None:
            return found
        if match := patterns.SHORT.match(line):
            found_level = priority_level(match["priority"] or b"")
            return self._wrapped(Wrapping("syslog", self.clock.syslog, False, found_level), match, depth)
        if first.isdigit() and (match := patterns.SHORT_UNIX.match(line)):
            return self._wrapped(Wrapping("journal short-unix", self.clock.epoch, True), match, depth)
        if first.isdigit() and b" " in line[:8] and (found := self._rfc5424(line, depth)) is not None:
            return found
        if first.isalpha() and (found := self._worded(line, depth)) is not None:
            return found
        found = self._stamped(line, depth)
        if found.clock is not None and found.format != "stamped":
            return found
        if depth >= DEEPEST or not (self._prefixes or patterns.STAMP.search(line[:600])):
            return found
        inner = self._prefixed(line, depth)
        return found if inner is None else inner

    def _marked(self, line: bytes, depth: int) -> Line | None:
        """Formats that begin with a mark: exported journals, the kernel's ring buffer, syslog priorities, Erlang."""
        if match := patterns.EXPORTED.match(line):
            return self._wrapped(
                Wrapping("journal export", self.clock.microseconds, True, priority_level(match["priority"])),
                match,
                depth,
            )
        if match := patterns.APACHE.match(line):
            around = Wrapping("apache", self.clock.ctime, False, level(text_of(match["module"].rpartition(b":")[2])))
            return self._around(around, match["message"], depth)
        if match := patterns.DMESG_T.match(line):
            return _said("dmesg -T", match, self.clock.ctime, "kernel")
        if HUMAN.match(line) or patterns.DMESG_H.match(line):
            return Line("dmesg -H", text_of(line.partition(b"] ")[2]), self.clock.human, "", "kernel")
        if match := patterns.DMESG.match(line):
            if inner := patterns.MONOTONIC.match(match["message"]):
                return self._wrapped(Wrapping("journal short-monotonic", self.clock.boot, False), inner, depth)
            severity = priority_level(match["priority"] or b"")
            return Line("dmesg", text_of(match["message"]), self.clock.boot, severity, "kernel")
        if (found := self._rfc5424(line, depth)) is not None:
            return found
        if match := patterns.ERLANG.match(line):
            return _said("rabbitmq", match, self.clock.erlang, "rabbitmq")
        if (match := patterns.PRIORITY.match(line)) and depth < DEEPEST:
            within = self._parse(line[match.end() :], depth + 1)
            if within.format:
                return replace(
                    within, level=within.level or priority_level(match["priority"]), clock=self._moved(within.clock)
                )
        return None

    def _rfc5424(self, line: bytes, depth: int) -> Line | None:
        """RFC 5424, also with the length that TCP puts before it (RFC 6587), or without its priority."""
        match = patterns.RFC5424.match(line)
        if match is None:
            return None
        stamp = ISO.match(match["stamp"])
        clock = None if stamp is None else self.clock.iso_zoned if stamp[5] else self.clock.iso
        found = priority_level(match["priority"] or b"")
        return self._wrapped(
            Wrapping("syslog rfc5424", clock, stamp is not None and bool(stamp[5]), found), match, depth
        )

    def _worded(self, line: bytes, depth: int) -> Line | None:
        """Formats that begin with a word: logfmt, Open vSwitch in syslog, klog, `short-full`, keepalived."""
        if line.startswith(b"time=") and (match := patterns.LOGFMT.match(line)):
            message = f"{_unquote(match['message'])} {text_of(match['rest'])}"
            return Line("logfmt", message.strip(), self.clock.iso, level(text_of(match["level"])))
        if match := patterns.OVS_SYSLOG.match(line):
            return _said("ovs", match, None)
        if match := patterns.KLOG.match(line):
            return Line("klog", text_of(match["message"]), self.clock.klog, level(text_of(line[:1])))
        if (match := patterns.SHORT_FULL.match(line)) and (stamp := ISO_ABBREVIATED.search(line)):
            clock = self.clock.iso if stamp[5] == b"UTC" else self.clock.iso_abbreviated
            return self._wrapped(Wrapping("journal short-full", clock, True), match, depth)
        if match := patterns.KEEPALIVED.match(line):
            return _said("keepalived", match, self.clock.ctime, "keepalived")
        if match := patterns.PYTHON.match(line):
            service = services.of_logger(match["logger"].decode("ascii", "replace"))
            return _said("python", match, None, service)
        if (match := patterns.DECODED.match(line)) and depth < DEEPEST:
            within = self._parse(line[match.end() :], depth + 1)
            if within.format:
                return replace(
                    within,
                    level=level(text_of(match["level"])),
                    service="kernel",
                    clock=self._moved(within.clock),
                )
        return None

    def _stamped(self, line: bytes, depth: int) -> Line:
        stamp = ISO.search(line[:64])
        if stamp is None or line[:1] in (b" ", b"\t"):
            return self._unstamped(line)
        rest, clock = line[stamp.end() :], self.clock.best_iso(stamp)
        if stamp.start() == 0 or not line[: stamp.start()].strip(b"[(\"' "):
            if match := patterns.OVS.match(rest):
                return _said("ovs", match, clock)
            if match := patterns.OSLO.match(rest):
                return self._oslo(match, clock)
            if match := patterns.LAGER.match(rest):
                said = headline(match["message"].decode("utf-8", "replace"))
                return Line("rabbitmq", said, clock, level(text_of(match["level"])), "rabbitmq")
            if match := patterns.CONSOLE.match(rest):
                said = text_of(match["message"])
                return Line("structlog console", said, clock, level(text_of(match["level"])), _agent(match["message"]))
            if match := patterns.CRI.match(rest):
                return self._around(Wrapping("cri", clock, bool(stamp[5])), match["message"], depth)
            if match := patterns.SHORT_ISO.match(rest.lstrip()):
                return self._wrapped(Wrapping("journal short-iso", clock, bool(stamp[5])), match, depth)
            if match := patterns.MARIADB.match(rest):
                return _said("mariadb", match, clock, "mariadb")
            if match := patterns.DMESG_ISO.match(line):
                return _said("dmesg iso", match, clock, "kernel")
            if (match := patterns.LOGCLI.match(rest)) and depth < DEEPEST:
                writer = next((text_of(name) for name in patterns.LABEL.findall(match["labels"])), "")
                around = Wrapping("loki", clock, bool(stamp[5]), "", services.named(writer), writer[:60])
                return self._around(around, match["message"], depth)
            if (match := patterns.FLUENTD.match(rest)) and depth < DEEPEST:
                return self._wrapped(Wrapping("fluentd", clock, bool(stamp[5])), match, depth)
            if stamp[5] and line[10:11] == b"T" and rest[:1] in (b" ", b"\t") and depth < DEEPEST:
                within = self._parse(rest[1:], depth + 1)
                if within.clock is not None or (within.format and within.format != "stamped"):
                    return self._around(Wrapping("timestamps", clock, True), rest[1:], depth)
                if within.continuation and not within.unknown:
                    return Line("timestamps", within.message, clock, "", "", True, text_of(rest))
        if patterns.KEY_VALUE.search(line[:200]):
            return self._key_value(line, clock)
        word = patterns.WORD.search(rest[:60])
        return Line("stamped", text_of(rest), clock, level(text_of(word[1])) if word else "")

    def _unstamped(self, line: bytes) -> Line:
        """A line without an ISO 8601 stamp near its beginning."""
        if (match := ISO_SHORT_HOUR.match(line)) and (said := patterns.MARIADB.match(line[match.end() :])):
            return _said("mariadb", said, self.clock.iso_short_hour, "mariadb")
        if line[:1] not in (b" ", b"\t"):
            if (match := patterns.ACCESS.match(line[:400])) and CLF.match(match["stamp"]):
                return Line("access log", text_of(line[match.start("message") :]), self.clock.clf)
            if patterns.NOTE.match(line):
                return Line("note of a tool", "", None)
        if patterns.EVENTS_HEAD.match(line):
            return Line("note of a tool", "", None)
        if (match := patterns.EVENT.match(line.lstrip())) and (match["age"] or match["age_after"]):
            around = Wrapping("kubernetes event", self.clock.age, True, level(text_of(match["type"])))
            return self._wrapped(around, match, DEEPEST)
        text = text_of(line)
        if line.startswith((b"panic: ", b"fatal error: ")):
            return Line("go", text, None, "CRITICAL")
        if is_trace_line(line):
            return Line("", exception(text), None, continuation=True)
        if speaks_of_failure(text[:400]):
            return Line("", text, None, unknown=True)
        return Line("", "", None, continuation=True, unknown=True)

    def _key_value(self, line: bytes, clock: Clock) -> Line:
        found, event = patterns.KV_LEVEL.search(line), patterns.KV_EVENT.search(line)
        message = text_of(next((g for g in event.groups() if g), b"")) if event else ""
        text = text_of(line) if not message else f"{message} {text_of(line)}"
        return Line("key=value", text, clock, level(text_of(found[1])) if found else "", _agent(line))

    def _oslo(self, match: re.Match[bytes], clock: Clock) -> Line:
        message = text_of(match["message"] or b"")
        found = match["level"]
        service = services.of_logger(match["logger"].decode("ascii", "replace"))
        if match["context"] is None and found in (b"ERROR", b"TRACE", b"CRITICAL"):
            raw = match["message"] or b""
            if self.bracketed or not message or raw[:1] in (b" ", b"\t") or is_trace(message):
                return Line("oslo.log", "", clock, "ERROR", service, True, message)
        return Line("oslo.log", message, clock, level(text_of(found)), service)

    def _prefixed(self, line: bytes, depth: int) -> Line | None:
        """The line behind what a tool has put before it; None where nothing known follows."""
        for expression in patterns.PREFIXES:
            match = expression.match(line)
            if match is None:
                continue
            groups = match.groupdict()
            names = [text_of(groups[name])[:120] for name in ("writer", "pod") if groups.get(name)]
            prefix = line[: match.start("message")]
            within = self._parse(match["message"], depth + 1)
            # A format without a stamp of its own (Python's default) is no proof that what stands before it is a prefix.
            if within.clock is not None and within.format != "stamped":
                if len(self._prefixes) < PREFIXES:
                    self._prefixes.add(prefix)
            elif prefix not in self._prefixes:
                continue
            service = next((found for name in names if (found := services.named(name.rpartition("/")[2]))), "")
            writer = names[0].rpartition("/")[2][:60] if names else ""
            around = Wrapping("prefix", None, False, "", service, writer)
            return self._around(around, match["message"], depth)
        return None

    def _wrapped(self, around: Wrapping, match: re.Match[bytes], depth: int) -> Line:
        writer = text_of(match["writer"])[:60]
        service = services.named(writer)
        message: bytes = match["message"] or b""
        if message.startswith(b"message repeated ") and (repeated := patterns.REPEATED.match(message)):
            message = repeated["message"]
        if service == "kernel" or depth >= DEEPEST:
            found = ""
            if inner := patterns.DMESG.match(message):
                found, message = priority_level(inner["priority"] or b""), inner["message"]
            return Line(around.format, text_of(message), around.clock, around.level or found, service or writer)
        return self._around(replace(around, service=service, writer=writer), message, depth)

    def _around(self, around: Wrapping, message: bytes, depth: int) -> Line:
        """The line that `message` makes inside a wrapping."""
        within = self._parse(message, depth + 1)
        clock, service = around.clock, around.service or within.service or around.writer
        if not within.format:
            # Container runtimes and the journal stamp every line, so a traceback's lines are known by their look.
            text = text_of(message)
            part = is_trace_line(message)
            said = exception(text) if part else headline(text)
            return Line(around.format, said, clock, around.level, service, part, text)
        stamp = ISO.search(message[:80])
        if around.clock is None:
            clock = self._moved(within.clock)
        elif within.clock is not None and not around.zoned and stamp is not None:
            clock = self.clock.iso_zoned if stamp[5] else self.clock.iso
        found = within.level or around.level
        name = f"{around.format} / {within.format}"
        return Line(name, within.message, clock, found, service, within.continuation, within.text)

    def _moved(self, clock: Clock | None) -> Clock | None:
        """The clock for the same stamp when it does not stand at the line's beginning."""
        return self.clock.iso if clock in (self.clock.iso_utc, self.clock.iso_local) else clock

    def _json(self, line: bytes, depth: int) -> Line:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return self._stamped(line, depth)
        if not isinstance(entry, dict):
            return Line("", "", None, continuation=True, unknown=True)
        found = json_lines.read(entry, line, self.clock)
        if not found.text:
            # An object that says neither what nor when is no log line that we know.
            known = found.clock is not None or found.level != ""
            name = "json" if known else ""
            return Line(name, "", found.clock, found.level, found.service, not known, unknown=not known)
        message = found.text.encode("utf-8", "replace")
        if not found.raw or found.service == "kernel" or depth >= DEEPEST:
            return Line(found.format, headline(found.text), found.clock, found.level, found.service or found.writer)
        around = Wrapping(found.format, found.clock, True, found.level, found.service, found.writer)
        return self._around(around, message.rstrip(b"\r\n"), depth)


def _said(name: str, match: re.Match[bytes], clock: Clock | None, service: str = "") -> Line:
    """The line for a match with a group `message`, and a group `level` where the format has levels."""
    found = level(text_of(match["level"])) if "level" in match.re.groupindex else ""
    return Line(name, text_of(match["message"]), clock, found, service)


def _agent(data: bytes) -> str:
    """The service that a field `agent=NAME` names."""
    found = patterns.KV_AGENT.search(data)
    name = text_of(found[1]) if found else ""
    return services.named(name) or name


def _unquote(data: bytes) -> str:
    text = text_of(data)
    if len(text) >= 2 and text[0] == '"' == text[-1]:
        return text[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    return text
