"""The part of the shell in which mends are written: what is read, and what is refused."""

import pytest

from netmend.doctor.rehearsal.shell import Loop, NotUnderstood, Sequence, Simple, expand, parse


def test_lists_remarks_and_redirections() -> None:
    found = parse(
        "touch /a && mount --bind /b /a 2>/dev/null || true  # why\n# only a remark\nrm '/x y'; umount -l /z &"
    )
    assert found.parts == (
        (";", Simple(("touch", "/a"))),
        ("&&", Simple(("mount", "--bind", "/b", "/a"))),
        ("||", Simple(("true",), "why")),
        (";", Simple((), "only a remark")),
        (";", Simple(("rm", "/x y"))),
        (";", Simple(("umount", "-l", "/z"), background=True)),
    )


def test_loops() -> None:
    ((_, each), (_, until)) = parse(
        'for n in a b; do rm /x/"$n"; done  # PID: a process of c\nwhile umount /x; do :; done'
    ).parts
    assert isinstance(each, Loop) and (each.variable, each.words, each.remark) == (
        "n",
        ("a", "b"),
        "PID: a process of c",
    )
    assert each.body == Sequence(((";", Simple(("rm", "/x/$n"))),))
    assert isinstance(until, Loop) and until.condition == Sequence(((";", Simple(("umount", "/x"))),))


def test_a_document_and_a_pipeline() -> None:
    text = "ip -force -batch - <<'END'  # all\nlink delete dev a\nlink delete dev b\nEND\n"
    text += "ip -br link show master br | awk '{print}'\n"
    ((_, batch), (_, shown)) = parse(text).parts
    assert isinstance(batch, Simple) and batch.text.split("\n") == ["link delete dev a", "link delete dev b"]
    assert shown == Simple(("ip", "-br", "link", "show", "master", "br"))


def test_what_quotes_keep_is_not_expanded() -> None:
    ((_, command),) = parse("""sh -c 'rm "$x"' "$x" $x""").parts
    assert isinstance(command, Simple)
    assert [expand(word, {"x": "1"}) for word in command.words] == ["sh", "-c", 'rm "$x"', "1", "1"]
    assert expand("$(seq 3)", {}) == "1 2 3"


@pytest.mark.parametrize(
    "text", ["rm 'x", 'rm "x', "for n in a; rm x; done", "while true; do rm x", "rm $(ls", "cat <<END\nx\n"]
)
def test_what_is_not_whole_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(text)
