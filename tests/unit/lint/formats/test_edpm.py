"""OVN's metadata agent as EDPM, TripleO, Kolla-Ansible and OpenStack-Helm start it: right files give nothing."""

import json

import pytest

from netmend.lint.declared import Unreadable
from netmend.lint.lint_file import declared, lint

RIGHT = "/run/netns:/run/netns:shared"
FILE = "/var/lib/openstack/config/containers/ovn_metadata_agent.json"
HAPROXY = "/var/lib/neutron/ovn_metadata_haproxy_wrapper:/usr/local/bin/haproxy:ro"

EDPM = f"""\
image: quay.io/podified/openstack-neutron-metadata-agent-ovn:current
net: host
pid: host
cgroupns: host
privileged: true
user: root
restart: always
volumes: ['/run/openvswitch:/run/openvswitch:z', '{RIGHT}', '/var/lib/neutron:/var/lib/neutron:shared,z', '{HAPROXY}']
environment:
  KOLLA_CONFIG_STRATEGY: COPY_ALWAYS
"""
TRIPLEO = f"""\
outputs:
  role_data:
    value:
      docker_config:
        step_4:
          ovn_metadata_agent:
            image: {{get_attr: [RoleParametersValue, value, ContainerOvnMetadataImage]}}
            net: host
            privileged: true
            volumes:
              list_concat:
                - {{get_attr: [ContainersCommon, volumes]}}
                - - {RIGHT}
                  - /run/openvswitch:/run/openvswitch:shared,z
"""
QUADLET = f"""\
[Container]
ContainerName=ovn_metadata_agent
Network=host
PodmanArgs=--privileged --log-driver=journald
PodmanArgs=--pid=host
Volume={RIGHT}
Volume={HAPROXY}
"""
KOLLA = f"""\
neutron_services:
  neutron-ovn-metadata-agent:
    container_name: "neutron_ovn_metadata_agent"
    privileged: true
    volumes: "{{{{ neutron_ovn_metadata_agent_default_volumes + neutron_ovn_metadata_agent_extra_volumes }}}}"
  neutron-ovn-vpn-agent:
    container_name: "neutron_ovn_vpn_agent"
    privileged: false
    cap_add: [NET_ADMIN, SYS_ADMIN]
    volumes: "{{{{ neutron_ovn_vpn_agent_default_volumes }}}}"
neutron_ovn_metadata_agent_default_volumes:
  - "neutron_metadata_socket:/var/lib/neutron/kolla/"
  - "/run/openvswitch:/run/openvswitch:shared"
  - "{RIGHT}"
neutron_ovn_vpn_agent_default_volumes:
  - "{RIGHT}"
"""
HELM = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: neutron-ovn-metadata-agent}
spec:
  template:
    spec:
      containers:
        - name: neutron-ovn-metadata-agent
          securityContext: {privileged: true}
          volumeMounts:
            - {name: host-run-netns, mountPath: /run/netns, mountPropagation: Bidirectional}
            - {name: run-openvswitch, mountPath: /run/openvswitch}
      volumes:
        - {name: host-run-netns, hostPath: {path: /run/netns}}
        - {name: run-openvswitch, hostPath: {path: /run/openvswitch}}
"""
WRAPPER = """\
#!/bin/bash
if [[ -S "/var/run/docker.sock" ]]; then
    CLI="docker"
elif [[ -S "/run/podman/podman.sock" ]]; then
    CLI="nsenter --net=/run/netns/${NETNS} --preserve-credentials -m -t 1 podman"
fi
LIST=$($CLI ps -a --filter name=${KOLLA_NAME}_haproxy_ | awk '{print $1}')
$CLI run --rm --detach -v /run/netns:/run/netns:shared --net host --pid host --privileged \\
    --name ${KOLLA_NAME}_haproxy_${NETNS} ${KOLLA_IMAGE} haproxy
"""
FILES = [
    ("ovn_metadata_agent.yaml", EDPM, "ovn_metadata_agent"),
    ("ovn-metadata-container-puppet.yaml", TRIPLEO, "ovn_metadata_agent"),
    ("ovn_metadata_agent.container", QUADLET, "ovn_metadata_agent"),
    ("main.yml", KOLLA, "neutron_ovn_metadata_agent"),
    ("daemonset.yaml", HELM, "neutron-ovn-metadata-agent"),
]


@pytest.mark.parametrize(("file", "text", "name"), FILES, ids=[file for file, _, _ in FILES])
def test_right_definitions_give_nothing_and_are_looked_at(file: str, text: str, name: str) -> None:
    assert lint(file, text) == []
    assert any(one.name.endswith(name) and one.privileged and one.mounts for one in declared(file, text))


@pytest.mark.parametrize(("file", "text", "name"), FILES, ids=[file for file, _, _ in FILES])
def test_a_private_directory_is_named_with_its_line(file: str, text: str, name: str) -> None:
    wrong = text.replace(RIGHT, "/run/netns:/run/netns").replace(", mountPropagation: Bidirectional", "")
    found = next(one for one in lint(file, wrong) if one.container.endswith(name))
    assert found.check == "netns-private"
    assert "/run/netns" in wrong.splitlines()[found.line - 1] and "mountPropagation" not in wrong


def test_a_slave_in_a_container_with_the_capability_alone_is_told_too() -> None:
    wrong = KOLLA.replace(RIGHT, "/run/netns:/run/netns:slave")
    found = [(one.container, one.check) for one in lint("main.yml", wrong)]
    assert found == [("neutron_ovn_metadata_agent", "netns-one-way"), ("neutron_ovn_vpn_agent", "netns-one-way")]


def test_a_container_alone_is_called_after_its_file_and_others_by_name() -> None:
    import yaml

    one = yaml.safe_load(EDPM.replace(RIGHT, "/run/netns:/run/netns"))
    assert [found.container for found in lint(FILE, json.dumps(one, indent=1))] == ["ovn_metadata_agent"]
    several = {"ovn_controller": one | {"volumes": ["/run:/run"]}, "ovn_metadata_agent": one}
    assert [found.container for found in lint("step_4.json", json.dumps(several)) if found.check == "netns-private"][
        -1:
    ] == ["ovn_metadata_agent"]


def test_the_wrapper_of_a_sibling_haproxy() -> None:
    assert lint("haproxy", WRAPPER) == []
    wrong = WRAPPER.replace(":shared", "")
    for script in (wrong, wrong.replace('    CLI="docker"\n', "    true\n").replace("$CLI run", "${CLI} run")):
        (found,) = lint("haproxy", script)
        assert found.check == "netns-private" and "-v /run/netns" in script.splitlines()[found.line - 1]


@pytest.mark.parametrize(
    "text", ["image: a\nvolumes: [/run/netns:/run/netns]\n", "image: a\nnet: host\n", "a: {b: 1}\n"]
)
def test_what_is_no_definition_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(Unreadable):
        declared("a.yaml", text)
