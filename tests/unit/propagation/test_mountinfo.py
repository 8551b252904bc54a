"""The mountinfo parser and tree, against the format of proc_pid_mountinfo(5)."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import MountinfoError, Parser, parse, parse_pasted, unescape

EXAMPLE = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"


def test_the_man_pages_example() -> None:
    (mount,) = parse(EXAMPLE)
    assert (mount.id, mount.parent_id, mount.device) == (36, 35, "98:0")
    assert (mount.root, mount.mount_point, mount.options) == ("/mnt1", "/mnt2", "rw,noatime")
    assert (mount.master, mount.shared, mount.propagation) == (1, None, "slave")
    assert (mount.fs_type, mount.source, mount.super_options) == ("ext3", "/dev/root", "rw,errors=continue")


@pytest.mark.parametrize(
    ("optional", "propagation"),
    [
        ("", "private"),
        ("shared:7 ", "shared"),
        ("master:7 ", "slave"),
        ("shared:8 master:7 ", "slave+shared"),
        ("master:7 propagate_from:2 ", "slave"),
        ("unbindable ", "unbindable"),
    ],
)
def test_propagation_is_named(optional: str, propagation: str) -> None:
    (mount,) = parse(f"1 0 0:1 / / rw {optional}- tmpfs none rw")
    assert mount.propagation == propagation


def test_all_optional_fields_are_read_up_to_the_dash_and_unknown_ones_kept() -> None:
    (mount,) = parse("1 0 0:1 / / rw shared:3 future:x- master:2 propagate_from:1 frozen - tmpfs - rw")
    fields = mount.fields
    assert (fields.shared, fields.master, fields.propagate_from) == (3, 2, 1)
    assert fields.unknown == ("future:x-", "frozen")
    assert mount.source == "-"


def test_octal_escapes_are_undone_in_every_field() -> None:
    (mount,) = parse(rb"1 0 0:1 /a\040b /c\011\134\012 rw - fuse.x\043y \303\251 rw,dir=/x\040y")
    assert mount.root == "/a b"
    assert mount.mount_point == "/c\t\\\n"
    assert (mount.fs_type, mount.source, mount.super_options) == ("fuse.x#y", "é", "rw,dir=/x y")


def test_what_is_no_octal_escape_stays() -> None:
    assert unescape(r"\9\04\777\x41") == r"\9\04\777\x41"


def test_bytes_that_are_not_utf8_survive() -> None:
    (mount,) = parse(b"1 0 0:1 / /\xff rw - tmpfs t rw")
    assert mount.mount_point.encode("utf-8", "surrogateescape") == b"/\xff"


def test_deleted_roots() -> None:
    gone, named = parse("1 0 0:1 /a//deleted /x rw - tmpfs t rw\n2 0 0:1 /a/deleted /y rw - tmpfs t rw")
    assert (gone.root, gone.deleted) == ("/a", True)
    assert (named.root, named.deleted) == ("/a/deleted", False)


def test_nsfs_root_and_empty_source() -> None:
    (mount,) = parse("9 1 0:4 net:[4026532300] /run/netns/a rw shared:5 - nsfs  rw")
    assert (mount.root, mount.source, mount.super_options) == ("net:[4026532300]", "", "rw")


def test_carriage_returns_and_unicode_separators_are_part_of_a_path() -> None:
    (mount,) = parse("1 0 0:1 / /a\rb\u2028c\x0b rw - tmpfs t rw\n")
    assert mount.mount_point == "/a\rb\u2028c\x0b"


def test_text_from_a_machine_with_crlf_lines() -> None:
    assert [m.super_options for m in parse(f"{EXAMPLE}\r\n{EXAMPLE}\r\n")] == ["rw,errors=continue"] * 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x", "not a line of mountinfo"),
        ("a 0 0:1 / / rw - t t rw", "'a' is not a mount id"),
        ("1 -1 0:1 / / rw - t t rw", "'-1' is not a parent id"),
        ("1 ١ 0:1 / / rw - t t rw", "is not a parent id"),
        ("1 0 01 / / rw - t t rw", "'01' is not major:minor"),
        ("1 0 0:1 / x rw - t t rw", "'x' is not an absolute path"),
        ("1 0 0:1 / / rw shared:1", "no ' - '"),
        ("1 0 0:1 / / rw - t t", "after ' - '"),
        ("1 0 0:1 /", "cut off"),
        ("1 0 0:1  / rw - t t rw", "empty"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_reason(line: str, why: str) -> None:
    with pytest.raises(MountinfoError, match=r"^line 3: ") as caught:
        parse(f"{EXAMPLE}\n\n{line}\n")
    assert caught.value.line == 3
    assert why in caught.value.why


def test_a_pasted_copy_keeps_what_can_be_read() -> None:
    pasted = parse_pasted(f"$ cat /proc/1/mountinfo\n   {EXAMPLE}  \n37 36 0:5 / /run rw shar\n\n")
    assert [m.id for m in pasted.mounts] == [36]
    assert [error.line for error in pasted.skipped] == [1, 3]


def test_a_hundred_thousand_lines() -> None:
    text = "\n".join(f"{n} 1 0:{n} / /m/{n} rw shared:{n} - tmpfs t rw" for n in range(100_000))
    mounts = parse(text)
    assert len(mounts) == 100_000
    assert mounts[99_999].shared == 99_999


names = st.text(string.printable + "é", min_size=1).filter(lambda s: "\0" not in s and "/" not in s)


def mangle(text: str) -> str:
    return "".join(f"\\{ord(c):03o}" if c in " \t\n\\#" else c for c in text)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**40), st.integers(0, 2**40), names, names, names, st.none() | st.integers(0)),
        min_size=1,
    )
)
def test_what_the_kernel_would_write_is_read_back(rows: list[tuple[int, int, str, str, str, int | None]]) -> None:
    text = "".join(
        f"{i} {p} 0:1 /{mangle(root)} /{mangle(point)} rw {f'shared:{group} ' if group is not None else ''}"
        f"- tmpfs {mangle(source)} rw\n"
        for i, p, root, point, source, group in rows
    ).replace("\r\n", "\r \n".strip(" "))
    if "\r\n" in text:
        return  # never written by the kernel: options do not end in a carriage return
    read = [(m.id, m.parent_id, m.root, m.mount_point, m.source, m.shared) for m in Parser().parse(text)]
    assert read == [(i, p, "/" + root, "/" + point, source, group) for i, p, root, point, source, group in rows]


@given(st.text() | st.binary())
def test_no_input_raises_anything_else(data: str | bytes) -> None:
    assert isinstance(parse_pasted(data).mounts, list)
    with contextlib.suppress(MountinfoError):
        parse(data)


def tree(*rows: str) -> MountTree:
    """``id parent mount-point`` each."""
    return MountTree(
        mount
        for row in rows
        for mount in parse(
            "{} {} 0:{} / {} rw - tmpfs t{} rw".format(*row.split()[:2], row.split()[0], row.split()[2], row.split()[0])
        )
    )


def top(mounts: MountTree, path: str) -> int | None:
    found = mounts.topmost(path)
    return found and found.id


def test_the_topmost_of_stacked_mounts_is_found_by_parents_not_by_order() -> None:
    mounts = tree("30 20 /run", "1 0 /", "20 1 /run")
    assert top(mounts, "/run/netns") == 30
    assert [m.id for m in mounts.stack("/run")] == [20, 30]
    assert not mounts.is_visible(mounts.by_id[20])


def test_a_mount_beneath_another_is_hidden_with_all_that_stands_on_it() -> None:
    mounts = tree("1 0 /", "20 1 /run", "21 20 /run/netns", "22 21 /run/netns/a", "30 20 /run")
    assert top(mounts, "/run/netns/a") == 30
    assert mounts.under("/run") == {}
    assert [m.id for m in mounts.at("/run/netns")] == [21]


def test_what_is_mounted_over_the_root_does_not_catch_lookups() -> None:
    mounts = tree("1 0 /", "2 1 /", "3 2 /a", "4 1 /b")
    assert (top(mounts, "/"), top(mounts, "/a"), top(mounts, "/b")) == (1, 1, 4)


def test_under_lists_each_name_with_its_topmost_mount() -> None:
    mounts = tree(
        "1 0 /", "2 1 /run/netns", "3 2 /run/netns/a", "4 3 /run/netns/a", "5 2 /run/netns/b", "6 1 /run/netnsx"
    )
    assert {point: m.id for point, m in mounts.under("/run/netns/").items()} == {"/run/netns/a": 4, "/run/netns/b": 5}


def test_a_partial_file_is_used_as_far_as_it_goes() -> None:
    mounts = tree("100 50 /run/netns", "101 100 /run/netns", "7 50 /run/netns/x")
    assert not mounts.complete
    assert mounts.root is None
    assert top(mounts, "/run/netns/y") == 101
    assert top(mounts, "/etc") is None


def test_a_chroots_file_has_no_root_and_is_still_walked() -> None:
    mounts = tree("5 3 /proc", "6 5 /proc/sys")
    assert (top(mounts, "/proc/sys/net"), top(mounts, "/etc")) == (6, None)


def test_a_loop_stitched_together_by_hand_ends() -> None:
    assert top(tree("1 0 /", "5 6 /a", "6 5 /a"), "/a") in (1, 5, 6)


def test_locate_gives_the_place_in_the_file_system() -> None:
    mounts = MountTree(parse("1 0 0:1 / / rw - t t rw\n2 1 0:2 /sub /run rw - t t rw"))
    place = mounts.locate("/run/netns/x")
    assert place is not None
    assert (place.mount.id, place.inner) == (2, "/sub/netns/x")
    with pytest.raises(ValueError, match="not an absolute path"):
        mounts.locate("run")


def test_an_id_of_more_than_64_bits_is_none() -> None:
    with pytest.raises(MountinfoError, match="is not a mount id"):
        parse(f"{2**64} 1 0:20 / / rw - tmpfs none rw\n")
    (mount,) = parse(f"{10**19 - 1} 1 0:20 / / rw - tmpfs none rw\n")
    assert mount[0] == 10**19 - 1
