"""Text becomes plain values as YAML 1.2's core schema says, or an error that names the line."""

import json
import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from netmend.ground.document import DocumentError, Mark
from netmend.ground.located_yaml import ALIASED_NODES_MAX, DEPTH_MAX, parse, parse_foreign, parse_json, resolve


def value_of(text: str) -> object:
    return parse(f"key: {text}\n".encode()).root["key"]


@pytest.mark.parametrize(
    "text",
    [
        "12:34:56:11:22:33",  # YAML 1.1: a number in base 60
        "fa:16:3e:00:00:01",
        "no",
        "No",
        "on",
        "off",
        "yes",
        "y",
        "n",
        "2001-01-01",  # YAML 1.1: a date
        "1_000",
        "0b11",
        "10.0.0.1",
        "tRue",
        "=",
        "1.2.3",
        "0o9",
        "-",
        "+",
        ".",
        "e5",
        "guest-web",
    ],
)
def test_what_looks_like_something_else_stays_text(text: str) -> None:
    assert value_of(f"[{text}]" if text == "-" else text) == ([text] if text == "-" else text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1500", 1500),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),  # decimal: YAML 1.1 said octal
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("+.INF", math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ('"1500"', "1500"),
        ("'true'", "true"),
        ("!!str 7", "7"),
        ("! 7", "7"),
        ("'it''s'", "it's"),
        (r'"tab\tend"', "tab\tend"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_of_the_core_schema(text: str, value: object) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


def test_not_a_number() -> None:
    value = value_of(".nan")
    assert isinstance(value, float) and math.isnan(value)


def test_a_number_too_long_to_convert_stays_text() -> None:
    assert value_of("1" * 5000) == "1" * 5000


def test_keys_are_text_as_typed() -> None:
    assert parse(b"{26: a, 007: b, no: c, ~: d}").root == {"26": "a", "007": "b", "no": "c", "~": "d"}


def test_anchors_and_merge_keys() -> None:
    text = b"""
base: &base {mtu: 1, name: b}
other: &other {mtu: 2, id: o}
scalar: [&s web, *s]
one: {<<: *base, name: mine}
two: {<<: [*other, *base]}
plain: {'<<': text}
"""
    root = parse(text).root
    assert root["scalar"] == ["web", "web"]
    assert root["one"] == {"mtu": 1, "name": "mine"}
    assert root["two"] == {"mtu": 2, "id": "o", "name": "b"}
    assert root["plain"] == {"<<": "text"}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3, "'a' is already in this mapping"),
        (b"a:\n\t- b\n", 2, "tab"),
        (b"a: b: c\n", 1, "mapping values are not allowed"),
        (b"a: [1,\nb: 2\n", 3, "not YAML"),
        (b"a: 1\n---\nb: 2\n", 2, "second document"),
        (b"a: *missing\n", 1, "no &missing before"),
        (b"a: &x [*x]\n", 1, "no &x before"),
        (b"a: 1\n*x : 2\n", 2, "no &x before"),
        (b"x: &x a\n*x : 2\n", 2, "not an alias"),
        (b"? [a]\n: b\n", 1, "a key is text"),
        (b"a: !!python/object:os.system x\n", 1, "tag"),
        (b"a: !!set {}\n", 1, "tag"),
        (b"a: {<<: 1}\n", 1, "merge key"),
        (b"{<<: {}, <<: {}}\n", 1, "'<<' is already"),
        (b"a: 1\nb: \x00\n", 2, "control character"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00", 1, "control character"),
        (b"[" * 5000, 1, f"more than {DEPTH_MAX} deep"),
        (b"%FOO\n%YAML 3.0\n---\na\n", 1, "not YAML"),
    ],
)
def test_what_is_no_document_is_told_with_its_line(text: bytes, line: int, why: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(text)
    assert caught.value.faults[0][0] == line
    assert why in caught.value.faults[0][1]


def test_every_duplicate_key_is_told() -> None:
    with pytest.raises(DocumentError) as caught:
        parse(b"a: 1\na: 2\nb:\n  c: 1\n  c: 2\n")
    assert [fault.line for fault in caught.value.faults] == [2, 5]


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"---\n", b"\xef\xbb\xbf"])
def test_a_text_without_content_is_null(text: bytes) -> None:
    assert parse(text).root is None


def test_aliases_cannot_blow_a_document_up() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    with pytest.raises(DocumentError, match=f"more than {ALIASED_NODES_MAX}"):
        parse(bomb.encode())


def test_many_ports_may_share_one_alias() -> None:
    text = "boot: &b {x: 1, y: 2}\nports:\n" + "- {boot: *b}\n" * 1000
    assert len(parse(text.encode()).root["ports"]) == 1000


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
yaml_characters = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff", max_codepoint=0xFFFF
)
yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(yaml_characters),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(yaml_characters), inner, max_size=4),
    max_leaves=12,
)


@given(yaml_values)
def test_json_means_the_same_to_both_parsers(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    assert parse_json(text).root == value
    assert parse(text).root == value


texts_of_both = st.text(yaml_characters).filter(lambda text: isinstance(resolve(text), str))
values_of_both = st.recursive(
    st.none() | st.booleans() | st.integers() | texts_of_both,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts_of_both, inner, max_size=4),
    max_leaves=12,
)


@given(values_of_both, st.booleans())
def test_what_another_program_writes_is_read_back(value: object, flow: bool) -> None:
    """PyYAML writes YAML 1.1, which leaves the quotes off a few texts that are numbers in 1.2 alone, such as `0E0`."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow, width=60)
    assert parse(text.encode()).root == value


@given(plain_values)
def test_json_without_escapes_of_its_own(value: object) -> None:
    assert parse_json(json.dumps(value).encode()).root == value


@pytest.mark.parametrize("text", [b'{"a": 1, "a": 2}', b"{'a': 1}", b"{", b'{"a": ' + b"1" * 5000 + b"}"])
def test_json_that_is_none_is_left_to_the_other_parser(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


@given(st.binary() | st.text().map(str.encode) | st.text(alphabet="ab:-[]{}&*!|>'\"#%@,?\n\t <~0.").map(str.encode))
@example(b"!")
@example(b"&a")
@example(b"\xff\xfe")
@example(b"a: !<tag:yaml.org,2002:str> [")
def test_any_bytes_are_a_document_or_a_document_error(text: bytes) -> None:
    try:
        root = parse(text).root
    except DocumentError as error:
        assert error.faults
        assert all(1 <= fault.line <= text.count(b"\n") + text.count(b"\r") + 2 for fault in error.faults)
    else:
        assert repr(root) == repr(parse(text, located=True).root)  # a NaN does not equal itself


def test_lines_of_keys_and_items() -> None:
    text = b"""networks:
  - name: blue
    ports:
      - name: a
        mac: x

      - {name: b,
         mac: y}
  -
    name: green
    shared: &s
      inner: 1
    again: *s
"""
    document = parse(text, located=True)
    assert document.line(("networks",)) == 1
    assert document.line(("networks", 0)) == 2
    assert document.line(("networks", 0, "ports", 0)) == 4
    assert document.line(("networks", 0, "ports", 0, "mac")) == 5
    assert document.line(("networks", 0, "ports", 1, "mac")) == 8
    assert document.line(("networks", 1, "name")) == 10
    assert document.line(("networks", 1, "again", "inner")) == 12  # where the value is written
    assert document.line(("networks", 0, "ports", 1, "no such field")) == 7
    assert document.line(("networks", 5, "x")) == 1
    assert document.mark(("networks", 0, "ports", 0, "mac")) == Mark(5, 9)
    assert document.mark(("networks", 0, "ports", 1)) == Mark(7, 9)


def test_merged_keys_have_the_lines_where_they_are_written() -> None:
    document = parse(b"base: &b\n  one: 1\n  two: 2\nhere:\n  <<: *b\n  two: 3\n", located=True)
    assert document.root["here"] == {"one": 1, "two": 3}
    assert [document.line(("here", key)) for key in ("one", "two", "none")] == [2, 6, 4]


def test_json_indented_with_tabs_has_lines() -> None:
    document = parse(b'{\n\t"a": [\n\t\t1,\n\t\t"x y"\n\t]\n}', located=True)
    assert document.root == {"a": [1, "x y"]}
    assert document.mark(("a", 1)) == Mark(4, 3)


def test_aliases_cannot_make_a_document_deep() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000))
    with pytest.raises(DocumentError, match=f"more than {DEPTH_MAX} deep"):
        parse(chain)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_cannot_be_deep(opening: str) -> None:
    closing = {"[": "]", "{": "}"}[opening[0]]
    assert parse_json(opening * DEPTH_MAX + "1" + closing * DEPTH_MAX)
    for depth in (DEPTH_MAX + 1, 900, 100_000):
        with pytest.raises(ValueError):
            parse_json(opening * depth + "1" + closing * depth)


def test_a_text_with_faults_still_tells_what_it_says() -> None:
    with pytest.raises(DocumentError) as caught:
        parse("a: *gone\nb: !odd x\nc: 1\nc: 2\nd: {<<: 7, e: 1}\n")
    assert [fault.line for fault in caught.value.faults] == [1, 2, 4, 5]
    assert caught.value.document is not None
    assert caught.value.document.root == {"a": None, "b": "x", "c": 2, "d": {"e": 1}}


def test_files_of_other_programs() -> None:
    text = """
a: !vault |
  secret
b: {x: 1, x: 1.10}
c: [yes, true, null, 007]
---
- second
"""
    first, second = parse_foreign(text)
    assert first.root == {"a": "secret\n", "b": {"x": "1.10"}, "c": ["yes", True, None, "007"]}
    assert first.root.line_of("c") == 5
    assert second.root == ["second"]
    assert second.line((0,)) == 7


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_of_another_program(text: bytes) -> None:
    try:
        list(parse_foreign(text))
    except DocumentError as error:
        assert error.faults


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(DocumentError):
        parse("a: \ud800\n")


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers() | st.text("xyz"), min_size=1), min_size=1))
def test_the_line_of_every_item_in_block_style(items: list[dict[str, object]]) -> None:
    text = yaml.safe_dump(items, default_flow_style=False, sort_keys=False)
    document = parse(text.encode(), located=True)
    line = 1
    for index, item in enumerate(items):
        assert document.line((index,)) == line
        for key in item:
            assert document.line((index, key)) == line
            line += 1
