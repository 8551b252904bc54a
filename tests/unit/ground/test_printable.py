"""What is shown of text from outside: never a character that a terminal obeys, or that hides what is there."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.ground.printable import printable, printable_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31m", r"\x9b31m"),  # CSI as one character
        ("title\x07", r"title\x07"),
        ("back\x08space", r"back\x08space"),
        ("over\rwritten", r"over\rwritten"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("a\u2066b\u2069", r"a\u2066b\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028separator\u2029", r"line\u2028separator\u2029"),
        ("tag\U000e0041", r"tag\U000e0041"),
        (b"bytes \xff\xfe".decode(errors="surrogateescape"), r"bytes \udcff\udcfe"),
        ("plain, Größe, 網路, Сеть, שלום, 😀", "plain, Größe, 網路, Сеть, שלום, 😀"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_line_stays_one_line() -> None:
    assert printable_line("name\nERROR: all is lost\t\x1b[2J") == r"name\nERROR: all is lost\t\x1b[2J"


@given(st.text(st.characters(exclude_categories=[])))
def test_nothing_that_controls_or_formats_is_left(text: str) -> None:
    left = {one for one in printable(text) if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert {one for one in left if one not in "\t\n" and not _is_joined_script_sign(one)} == set()


def _is_joined_script_sign(character: str) -> bool:
    """Hints of numbers and texts that are visible, though Unicode counts them among format characters (Cf)."""
    return "\u0600" <= character <= "\u08e2" or character in "\U000110bd\U000110cd" or character >= "\U00013430"


@given(st.text())
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    assert "\n" not in printable_line(text)
