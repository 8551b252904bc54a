"""Mistakes are found with their lines in every kind of file, and right files have none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.lint.declared import Unreadable
from netmend.lint.lint_file import declared, lint

COMPOSE = """\
services:
  dhcp:
    image: agent
    privileged: true
    volumes:
      - /run/netns:/run/netns
      - ./etc:/etc/agent:ro
  metadata:
    image: agent
    cap_add: [SYS_ADMIN]
    volumes:
      - type: bind
        source: /var/run/netns
        target: /var/run/netns
        bind:
          propagation: slave
  ovs:
    privileged: true
    volumes:
      - /run:/run:shared
      - /run/netns:/run/netns:shared
"""

QUADLET = """\
# an agent
[Unit]
Description=agent

[Container]
Image=agent
ContainerName=dhcp
PodmanArgs=--network host \\
  --privileged
Volume=/run/netns:/run/netns
"""

MANIFEST = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: plugin}
spec:
  template:
    spec:
      volumes:
        - {name: netns, hostPath: {path: /var/run/netns}}
      containers:
        - name: main
          securityContext: {privileged: false}
          volumeMounts:
            - name: netns
              mountPath: /var/run/netns
            - name: netns
              mountPath: /run/netns
              mountPropagation: Bidirectional
"""

KOLLA = """\
---
neutron_services:
  neutron-dhcp-agent:
    container_name: "neutron_dhcp_agent"
    privileged: True
    volumes: "{{ neutron_dhcp_agent_default_volumes + neutron_dhcp_agent_extra_volumes }}"
neutron_dhcp_agent_default_volumes:
  - "{{ node_config_directory }}/neutron-dhcp-agent/:{{ container_config_directory }}/:ro"
  - "/run:/run"
  - "/run/netns:/run/netns:shared"
"""


def found(file: str, text: str) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.container, finding.check) for finding in lint(file, text)]


def test_compose() -> None:
    assert found("compose.yaml", COMPOSE) == [
        (6, "dhcp", "netns-private"),
        (12, "metadata", "netns-one-way"),
        (20, "ovs", "doubling-mounts"),
    ]


def test_quadlet() -> None:
    assert found("dhcp.container", QUADLET) == [(10, "dhcp", "netns-private")]


def test_kubernetes() -> None:
    assert found("plugin.yaml", MANIFEST) == [
        (13, "plugin/main", "netns-private"),
        (17, "plugin/main", "refused"),
    ]


def test_kolla() -> None:
    assert found("main.yml", KOLLA) == [(9, "neutron_dhcp_agent", "hidden-copy")]


def test_docker_inspect() -> None:
    host = {"Privileged": True, "Binds": ["/run:/hostrun", "/run/netns:/run/netns:rshared"], "Mounts": None}
    text = json.dumps([{"Id": "abc", "Name": "/agent", "HostConfig": host}], indent="\t")
    assert found("-", text) == [(8, "agent", "hidden-copy")]
    host["Mounts"] = [{"Type": "bind", "Source": "/run/netns", "Target": "/n"}]
    host["Binds"] = []
    text = json.dumps([{"Id": "abc", "Name": "/agent", "HostConfig": host}], indent=4)
    assert [check for _, _, check in found("-", text)] == ["netns-private"]


@pytest.mark.parametrize(
    "volumes",
    [
        ["/run/netns:/run/netns:shared"],
        ["/run/netns:/run/netns:rshared", "/run:/run:rslave"],
        ["/run/netns:/run/netns:shared", "/run:/hostrun:rslave"],
        ["/var/lib/x:/var/lib/x", "data:/data", "/run/openvswitch:/run/openvswitch"],
        ["/:/rootfs:ro", "/var/run:/var/run:ro"],
        ["${SOMEWHERE}:/run/netns"],
    ],
)
def test_right_files_have_no_finding(volumes: list[str]) -> None:
    assert found("c.yml", json.dumps({"services": {"a": {"privileged": True, "volumes": volumes}}})) == []


def test_a_refused_option_is_told_in_the_engines_words() -> None:
    text = json.dumps({"services": {"a": {"volumes": ["/run/netns:/run/netns:shred"]}}})
    assert "invalid mode: shred" in lint("c.yml", text)[0].summary


def test_anchors_and_merges_keep_their_lines() -> None:
    text = "x-agent: &agent\n  privileged: true\n  volumes:\n    - /run/netns:/run/netns\n"
    text += "services:\n  a:\n    <<: *agent\n"
    assert found("c.yml", text) == [(4, "a", "netns-private")]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [1", 1), ("just words", 0), ("", 0), ("a: b\n c: d: e\n", 2), ("[" * 1_000_000, 1), ("key: value\n", 0)],
)
def test_what_cannot_be_linted_says_where(text: str, line: int) -> None:
    with pytest.raises(Unreadable) as error:
        lint("x.yml", text)
    assert error.value.line in (line, 0) and error.value.why


def test_a_bomb_of_aliases_is_refused() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(Unreadable):
        lint("x.yml", text + "services: {}\n")


@given(st.text())
def test_any_text_is_linted_or_refused(text: str) -> None:
    for name in ("x.yml", "x.container"):
        try:
            lint(name, text)
        except Unreadable as error:
            assert error.why


@pytest.mark.parametrize("word", ["yes", "on", "true"])
def test_engines_take_yes_for_true(word: str) -> None:
    text = f"services:\n  a:\n    image: x\n    privileged: {word}\n    volumes:\n    - type: bind\n"
    (container,) = declared("compose.yaml", f"{text}      source: /run/a\n      target: /a\n      read_only: {word}\n")
    assert container.privileged
    assert container.mounts[0].request.read_only
    (container,) = declared("compose.yaml", f"{text}      source: /run/a\n      target: /a\n      read_only: no\n")
    assert not container.mounts[0].request.read_only
