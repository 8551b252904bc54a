"""Text from outside, made safe to show: names of tenants, containers and files, lines of logs, words of guests.

A terminal obeys control characters (ECMA-48), and a bidirectional control makes a line read in another order than it is
stored (Unicode Standard Annex #9; CVE-2021-42574). Neither is ever shown raw: each such character is shown as its
escape, as Python writes it.
"""

import re
from typing import Final

_HOSTILE: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible: soft hyphen, marks and fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"  # of no width, bidi
    "\ud800-\udfff"  # halves of surrogate pairs: bytes that are no text
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # invisible: tags and variation selectors
    "]"
)
_LINE_BREAKS: Final = re.compile("[\t\n]")


def printable(text: str) -> str:
    """`text` with every character escaped that a terminal or a reader could be misled by; tab and newline stay."""
    return _HOSTILE.sub(_escaped, text)


def printable_line(text: str) -> str:
    """The same on one line: tab and newline are escaped too."""
    return _LINE_BREAKS.sub(_escaped, printable(text))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
