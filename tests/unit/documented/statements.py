"""The statements of a document that state a value: rows of tables, and sentences, with a number in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

DOCUMENTS: Final = Path(__file__).parents[3] / "docs"

_NO_VALUES: Final = re.compile(
    r"""
    \]\([^)]*\)                                    # where a link leads
    | \bRFCs?\ [0-9]+(?:(?:,|\ and)\ [0-9]{3,5})*   # documents of others, and places in them
    | §+\ ?[0-9][0-9.]*(?:-[0-9.]+)?
    | \((?:[0-9]{3,4}(?:\ [A-Z])?(?:\ §[0-9.]+)?(?:,\ |\)))+ | \b[0-9]{3,4}\ §[0-9.]+
    | \b(?:IPv|DHCPv|v|IMDSv|EC|ID|HMAC-SHA|HMAC-SHA25|EUI-|OPT_)[0-9.]+\b
    | \b[0-9]{4}-[0-9]{2}-[0-9]{2}\b                # dates, versions of APIs
    | \b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]+)?(?::[0-9]+)?   # addresses
    | \b[0-9a-fA-F]*::?[0-9a-fA-F:]+(?:/[0-9]+)?(?=[\s`,.;)\]]) | \bfe80::/64
    | `[^`]*`                                       # names and examples
    | \b(?:[0-9]+th|0x20|802\.1q)\b
    """,
    re.VERBOSE,
)
_NUMBER: Final = re.compile(r"[0-9]|\b(?:nine|twice|million|half a)\b")
_TEST: Final = re.compile(r"`[\w/]+(?:::\w+)+`|`(?:tests/|peers/)[\w/.]+`|`responder_\w+`|`table`|the fuzzer")


def statements(document: str) -> Iterator[str]:
    """Each row of a table without a test of its own, and each sentence, blanks made one.

    No examples, and no sections that report what a run with others' programs came to.
    """
    text = re.sub(r"(?ms)^```.*?^```$", "\n\n", (DOCUMENTS / document).read_text())
    text = re.sub(r"(?ms)^## (?:Beside|Real clients).*?(?=^## |\Z)", "", text)
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip("\n").split("\n")
        rows = [line for line in lines if line.startswith("|")]
        prose = " ".join(line.strip() for line in lines if not line.startswith(("|", "#")))
        yield from (row for row in rows if not _TEST.search(row) and not set(row) <= set("|- :"))
        for item in re.split(r"(?:^|\s)- (?=[A-Z`*])", prose):
            yield from filter(None, re.split(r"(?<=[.:])\s+(?=[A-Z`*(])", " ".join(item.split())))


def with_values(document: str) -> list[str]:
    """Those of the statements that state a value."""
    return [one for one in statements(document) if _NUMBER.search(_NO_VALUES.sub(" ", one))]
