"""The zone that a file's stamps are in: rules from the command line, names of zones, abbreviations in a line."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from fnmatch import fnmatch
from pathlib import PurePath
from typing import TypeVar
from zoneinfo import ZoneInfo

ABBREVIATIONS = {
    b"UTC": 0, b"GMT": 0, b"Z": 0, b"WET": 0, b"WEST": 60, b"CET": 60, b"CEST": 120, b"EET": 120, b"EEST": 180,
    b"MSK": 180, b"EST": -300, b"EDT": -240, b"CDT": -300, b"MST": -420, b"MDT": -360, b"PST": -480, b"PDT": -420,
    b"JST": 540, b"KST": 540, b"AEST": 600, b"AEDT": 660,
}  # fmt: skip
"""Minutes east of UTC, for abbreviations that stand for one zone only (CST and IST stand for several)."""

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?")
_EXAMPLE = {"--tz": "Europe/Berlin", "--offset": "-3.5"}

V = TypeVar("V")


class BadRule(ValueError):
    """A `--tz` or `--offset` argument cannot be understood; the message is a sentence."""


def parse_zone(text: str) -> tzinfo:
    """A zone by IANA name (`Europe/Berlin`), offset (`+02:00`) or `UTC`.

    Raises:
        BadRule: there is no such zone.
    """
    if text.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if match := _OFFSET.fullmatch(text):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError) as error:
        raise BadRule(f"{text!r} is no time zone: give a name like Europe/Berlin, or an offset like +02:00") from error


def split_rule(option: str, rule: str) -> tuple[str, str]:
    """`GLOB=VALUE` as a pair.

    Raises:
        BadRule: there is no `=`, or one side is empty.
    """
    glob, equals, value = rule.rpartition("=")
    if not (equals and glob and value):
        raise BadRule(f"{option} {rule!r}: expected FILE_GLOB=VALUE, for instance '{option} *dhcp*={_EXAMPLE[option]}'")
    return glob, value


def rule_for(path: str, rules: list[tuple[str, V]]) -> V | None:
    """The value of the last rule with a glob that matches the path, or the path's last component."""
    found = None
    for glob, value in rules:
        if fnmatch(path, glob) or fnmatch(PurePath(path).name, glob):
            found = value
    return found
