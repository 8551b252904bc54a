"""The fast parser gives what libyaml's gives, or nothing; and it does know the files that are large."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import event, example, given
from hypothesis import strategies as st

from netmend.sources.file.document import DEPTH_MAX, parse
from netmend.sources.file.plain_yaml import parse_plain

EXAMPLES = Path(__file__).parents[4] / "examples"


def check_same(text: bytes) -> bool:
    """Whether the fast parser knows `text`; what it makes of it must be what the other makes."""
    mapping = parse_plain(text)
    if mapping is None:
        return False
    assert repr(mapping) == repr(parse(text).root)  # types too, and NaN
    return True


PLAIN = [
    """networks:
- name: a
  mtu: 1500
  subnets:
  - cidr: 10.0.0.0/24
    pools: [1.2.3.4]
  ports:
  - name: x
    plug: {netns: g}
    fixed_ips:
    - 10.0.0.1
    - 10.0.0.2
- name: b
""",
    """networks:
  - name: a # c
    mac: fa:16:3e:00:00:01
    ips: [a, 'b c', "d"]

  - name: 'q'
    plug:
      netns: x
    boot: {a: b, c: 1}
  # c
other:
  a:
  b: ''
""",
]
# What means something to YAML, so that what it gets into is often nearly right.
PIECES = (
    *("a", "b", "no", "1", "007", "1.5", "0x1f", "true", "null", ".inf", "...", "---", "/x", "a:b", "fa:16", "::", "~"),
    *("- ", "-", "-\t", ": ", ":", " :", "a: ", "b: ", "a:\n", "b:\n", "\n", "\n\n", " ", "  ", "    ", "      "),
    *("- a: ", "- b:\n", "- a\n", "[", "]", "{", "}", ", ", ",", "[a, b]", "{a: b}", "[]", "{}", "# x", " # x\n", "#"),
    *('"', "'", '""', "''", '"a b"', "'a: b'", '"\\n"', "&x ", "*x", "!", "|", ">", "?", "@", "%", "é", "\r", "\\"),
)
pieces = st.sampled_from(PIECES)


@st.composite
def nearly_plain(draw: st.DrawFn) -> str:
    """A plain document to which something was done: a piece put in or cut out, a line moved or repeated."""
    text = draw(st.sampled_from(PLAIN))
    for _ in range(draw(st.integers(1, 3))):
        change = draw(st.sampled_from(["insert", "cut", "indent", "repeat"]))
        lines = text.split("\n")
        number = draw(st.integers(0, len(lines) - 1))
        at = draw(st.integers(0, len(text)))
        if change == "insert":
            text = text[:at] + draw(pieces) + text[at:]
        elif change == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 3)) :]
        elif change == "indent":
            lines[number] = " " * draw(st.integers(0, 6)) + lines[number].lstrip()
            text = "\n".join(lines)
        else:
            lines.insert(draw(st.integers(0, len(lines))), lines[number])
            text = "\n".join(lines)
    return text


@given(nearly_plain())
@example("a: 'b\nc'\n")
@example('a: [b, "\nc"]\n')
def test_a_plain_document_that_was_changed(text: str) -> None:
    event(f"known: {check_same(text.encode())}")


@given(st.lists(pieces, max_size=12).map("".join))
@example("a: b\n  c\n")
@example("a: b\n  - c\n")
@example("- a\n  - b\n")
@example("a:\n  - b:\n    - c\n    d: 1\n- e\n")
@example("a:\n- b: 1\n  c:\n  - d\nb:\n")
@example("a:\n- b\n c: d\n")
@example("a: [x\n]")
@example("a: {b: c, b: d}")
@example("a: {b: c,}")
@example("a: [b: c]")
@example("a: [/a:/b, a::b, .:., 1:1]")
@example("a: ...\nb: .\nc: a...\n")
@example("a: ---\nb: a#b\n")
@example("a: {b: ::}\n")
@example("? a\n: b\n")
def test_whatever_the_fast_parser_knows_it_knows_rightly(text: str) -> None:
    event(f"known: {check_same(text.encode())}")


@given(st.binary())
def test_any_bytes(text: bytes) -> None:
    check_same(text)


words = st.from_regex(r"[A-Za-z][A-Za-z0-9._/-]{0,8}(?<!-)", fullmatch=True) | st.sampled_from(
    [
        "fa:16:3e:00:00:01",
        "10.0.0.1",
        "10.0.0.0/24",
        "10.0.0.1 - 10.0.0.9",
        "no",
        "007",
        "1e3",
        "null",
        "a b",
        "",
        "~",
        "-",
    ]
)
keys = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
trees = st.recursive(
    words | st.integers(0, 1 << 40) | st.booleans(),
    lambda inner: st.lists(inner, min_size=1, max_size=4) | st.dictionaries(keys, inner, min_size=1, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(keys, trees, min_size=1), st.sampled_from([False, None]))
def test_what_programs_write(root: dict[str, Any], flow: bool | None) -> None:
    event(f"known: {check_same(yaml.safe_dump(root, default_flow_style=flow, sort_keys=False).encode())}")


@pytest.mark.parametrize("flow", [False, None])
def test_it_knows_the_demo_and_what_programs_write_of_it(flow: bool | None) -> None:
    text = (EXAMPLES / "two-networks.yaml").read_bytes()
    assert check_same(text)
    assert check_same(yaml.safe_dump(yaml.safe_load(text), default_flow_style=flow).encode())


@pytest.mark.parametrize("levels", range(8, 40))
def test_depth(levels: int) -> None:
    blocks = "".join(f"{' ' * level}a:\n" for level in range(levels)) + " " * levels + "b: [c]\n"
    lists = "".join(f"{' ' * 3 * level}- a:\n" for level in range(levels)).replace("- a:", "a:", 1)
    assert check_same(blocks.encode()) or levels > DEPTH_MAX - 6
    check_same(lists.encode())


def test_long_lines() -> None:
    assert check_same(f"a: [{', '.join(['x'] * 3000)}]\nb: '{'y' * 5000}'\nc: {'z' * 5000}\n".encode())
