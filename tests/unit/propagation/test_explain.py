"""What `netmend explain` says, and how it ends."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from netmend.cli.command import command as make_command
from netmend.cli.explain import explain as command
from netmend.propagation.explain import ENGINES, explain, guess_engine
from netmend.propagation.options.request import OptionError

app = make_command(command)
runner = CliRunner()


@pytest.mark.parametrize(
    ("option", "into", "out", "expected"),
    [
        ("/run/netns:/run/netns", False, False, {"private"}),
        ("/run/netns:/run/netns:rprivate", False, False, {"private"}),
        ("/run/netns:/run/netns:slave", True, False, {"one-way", "busy", "host-not-shared", "shared-proves-nothing"}),
        ("/run/netns:/run/netns:shared", True, True, {"host-not-shared", "shared-proves-nothing"}),
        ("/run/netns:/run/netns:ro,rshared", True, True, {"host-not-shared", "shared-proves-nothing", "read-only"}),
        ("/etc/hosts:/etc/hosts", False, False, set()),
    ],
)
def test_direction_and_pitfalls(option: str, into: bool, out: bool, expected: set[str]) -> None:
    found = explain([option]).as_json()
    (mount,) = found["mounts"]
    assert (mount["host_to_container"], mount["container_to_host"]) == (into, out)
    assert {pitfall["id"] for pitfall in found["pitfalls"]} == expected


def test_two_ways_to_the_same_namespaces_are_found() -> None:
    def ids(*options: str) -> set[str]:
        return {pitfall.id for pitfall in explain(options).pitfalls}

    assert {"hidden-copy", "doubling"} <= ids("/run:/run:shared", "/run/netns:/run/netns")
    assert "hidden-copy" in ids("/run/netns:/run/netns:shared", "/run:/hostrun")
    assert "doubling" not in ids("/run/netns:/run/netns:shared", "/run:/hostrun")
    assert "hidden-copy" not in ids("/run/netns:/run/netns:shared", "/run/lock:/run/lock")


def test_podman_is_not_said_to_refuse() -> None:
    (docker,) = [p for p in explain(["/run/netns:/run/netns:shared"]).pitfalls if p.id == "host-not-shared"]
    (podman,) = [p for p in explain(["/run/netns:/run/netns:shared"], "podman").pitfalls if p.id == "host-not-shared"]
    assert "does not start" in docker.text
    assert "starts the container all the same" in podman.text


@pytest.mark.parametrize(
    ("option", "engine"),
    [
        ("/a:/b:shared", "docker"),
        ("type=bind,src=/a,dst=/b", "docker"),
        ("Volume=/a:/b", "quadlet"),
        ("MountFlags=slave", "systemd"),
        ("mount --make-rshared /", "mount"),
        ("HostToContainer", "kubernetes"),
        ('{"destination": "/a", "options": ["rbind", "rslave"]}', "oci"),
        ('{"mountPath": "/a", "mountPropagation": "None"}', "kubernetes"),
        ('{"type": "bind", "source": "/a", "target": "/b"}', "compose"),
    ],
)
def test_the_form_tells_the_engine(option: str, engine: str) -> None:
    assert guess_engine(option) == engine
    assert explain([option]).engine == engine


def test_the_printed_page() -> None:
    done = runner.invoke(app, ["/run/netns:/run/netns:shared"])
    assert done.exit_code == 0
    assert 'mount("/run/netns", "ROOTFS/run/netns", NULL, MS_BIND|MS_REC, NULL)' in done.output
    assert 'mount(NULL, "ROOTFS/run/netns", NULL, MS_SHARED, NULL)' in done.output
    assert "a mount made in the container under /run/netns appears on the host" in done.output


def test_json_has_the_documented_keys() -> None:
    found = json.loads(runner.invoke(app, ["--json", "/run/netns:/run/netns:slave"]).output)
    assert set(found) == {"engine", "options", "mounts", "calls", "travels", "pitfalls"}
    assert found["calls"][-1]["flags"] == ["MS_SLAVE"]


def test_a_bad_option_ends_with_2_and_the_engines_words() -> None:
    done = runner.invoke(app, ["/run/netns:/run/netns:sharde"])
    assert done.exit_code == 2
    assert "/run/netns:/run/netns:sharde: invalid mode: sharde" in done.output


@given(st.lists(st.text(max_size=60), max_size=3), st.sampled_from([None, *ENGINES]))
def test_no_input_raises_anything_else(options: list[str], engine: str | None) -> None:
    try:
        json.dumps(explain(options, engine).as_json())
    except OptionError as refused:
        assert str(refused)


_keys = st.sampled_from(
    [
        "type",
        "source",
        "target",
        "bind",
        "propagation",
        "destination",
        "options",
        "mountPath",
        "mountPropagation",
        "subPath",
    ]
)
_words = st.sampled_from(["bind", "/a", "", "rslave", "Bidirectional", "volume", "rbind"]) | st.text(max_size=4)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_keys, _values, max_size=5))
def test_no_mapping_raises_anything_else(value: dict[str, object]) -> None:
    for engine in (None, "compose", "oci", "kubernetes"):
        try:
            json.dumps(explain([json.dumps(value)], engine).as_json())
        except OptionError as refused:
            assert str(refused)


@pytest.mark.parametrize(
    ("given", "engine", "has"),
    [
        (["-v", "/run/netns:/run/netns"], "docker", "private"),
        (["-v/run/netns:/run/netns:rslave"], "docker", "one-way"),
        (["--volume=/run/netns:/run/netns:shared"], "docker", "host-not-shared"),
        (["--mount", "type=bind,src=/run/netns,dst=/run/netns"], "docker", "private"),
        (["docker run -v /run:/run:shared -v /run/netns:/run/netns:shared x"], "docker", "doubling"),
        (["docker", "run", "--privileged", "-v", "/run/netns:/run/netns", "x"], "docker", "private"),
        (["podman run -v /run/netns:/run/netns x"], "podman", "private"),
        (["mountPropagation: Bidirectional"], "kubernetes", "host-not-shared"),
        (["mountPropagation:", "HostToContainer"], "kubernetes", "one-way"),
        (["PROPAGATION_HOST_TO_CONTAINER"], "kubernetes", "one-way"),
        (["propagation: PROPAGATION_PRIVATE"], "kubernetes", "private"),
        (["unshare --propagation slave"], "unshare", "own-namespace"),
        (["unshare", "-m", "sh"], "unshare", "own-namespace"),
        (["path / is mounted on / but it is not a shared or slave mount"], "message", "host-not-shared"),
        (['spec: path "/sys" is mounted on "/sys" but it is not a shared mount'], "message", "host-not-shared"),
        (['unknown FS magic on "/var/run/netns/cni-1": 1021994'], "message", "plain-file"),
        (['Cannot remove namespace file "/run/netns/x": Device or resource busy'], "message", "busy"),
        (["Can't find mount point of /run/netns"], "message", "no-mount-point"),
        (
            ["Forbidden: Bidirectional mount propagation is available only to privileged containers"],
            "message",
            "privileged-needed",
        ),
        (["invalid mode: shred"], "message", "no-such-word"),
        (["rslave"], "docker", "one-way"),
        (["propagation:", "rprivate"], "docker", "private"),
        (["bind-propagation=rslave"], "docker", "one-way"),
        (['"Propagation": "rprivate",'], "docker", "private"),
        (["propagation: Shared"], "docker", "host-not-shared"),
        (['propagation_mode = "host-to-task"'], "docker", "one-way"),
        (["open /run/netns/cni-1: invalid argument"], "message", "plain-file"),
        (['failed to Statfs "/var/run/netns/cni-1": no such file or directory'], "message", "no-file"),
        (['Cannot open network namespace "qdhcp-1": No such file or directory'], "message", "no-file"),
    ],
)
def test_what_people_have_in_hand_is_taken(given: list[str], engine: str, has: str) -> None:
    found = explain(given)
    assert found.engine == engine and has in {pitfall.id for pitfall in found.pitfalls}
    assert found.as_json()["pitfalls"]


@pytest.mark.parametrize(
    "given",
    [["unshare --propagation sideways"], ["docker run x"], ["mountPropagation: Both"], ['propagation_mode = "x"']],
)
def test_what_is_wrong_in_it_is_said(given: list[str]) -> None:
    with pytest.raises(OptionError):
        explain(given)
