"""Small made-up shapes of what projects ship and operators have: right ones give nothing, wrong ones their mistake.

Each wrong shape has a right one beside it that differs in the one word that counts.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmend.ground.finding import Severity
from netmend.lint.declared import Unreadable
from netmend.lint.lint_file import declared, lint


def pod(container: str, volumes: str, kind: str = "DaemonSet") -> str:
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: agent}}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n{container}      volumes:\n{volumes}"
    )


def mount(name: str, path: str, mode: str = "", *, read_only: bool = False) -> str:
    more = (f", mountPropagation: {mode}" if mode else "") + (", readOnly: true" if read_only else "")
    return f"        - {{name: {name}, mountPath: {path}{more}}}\n"


def host(name: str, path: str) -> str:
    return f"      - {{name: {name}, hostPath: {{path: {path}}}}}\n"


MAIN = "      - name: main\n        securityContext: {privileged: true}\n        volumeMounts:\n"
NETNS = host("ns", "/run/netns")

RIGHT = {
    "inspect, binds alone": '["/run/netns:/run/netns:shared", "/v:/v"]',
    "inspect, podman's binds alone": '["/run/netns:/run/netns:rw,rshared,rbind"]',
    "inspect, mounts alone": (
        '[{"Type": "bind", "Source": "/run/netns", "Destination": "/n", "RW": true, "Propagation": "rslave"}]'
    ),
    "multus thick": pod(
        MAIN
        + mount("run", "/host/run")
        + mount("ns", "/run/netns", "HostToContainer")
        + mount("root", "/hostroot", "HostToContainer"),
        host("run", "/run") + NETNS + host("root", "/"),
    ),
    "node agent of ovn-kubernetes": pod(
        MAIN + mount("root", "/host", read_only=True) + mount("ns", "/run/netns", "HostToContainer", read_only=True),
        host("root", "/") + NETNS,
    ),
    "a CNI daemon that makes namespaces": pod(MAIN + mount("ns", "/var/run/netns", "Bidirectional"), NETNS),
    "an init container": pod("      - name: main\n        image: x\n", NETNS).replace(
        "      containers:", "      initContainers:\n" + MAIN + mount("ns", "/run/netns") + "      containers:"
    ),
    "a socket directory beside": pod(MAIN + mount("sock", "/run/openvswitch"), host("sock", "/run/openvswitch")),
    "node exporter": pod(MAIN + mount("root", "/rootfs", "HostToContainer", read_only=True), host("root", "/")),
    "compose, relative sources of the long form": (
        "services:\n  web:\n    volumes:\n"
        + "".join(
            f"    - {{type: bind, source: {path}, target: /x{n}}}\n" for n, path in enumerate(("./a", "~/b", "../c"))
        )
    ),
    "compose, words of podman-compose and paths of Windows": (
        "services:\n  web:\n    volumes:\n    - ./data:/data:U\n    - ./over:/over:O\n    - 'C:\\data:/c'\n"
        "    - {type: npipe, source: '\\\\.\\pipe\\docker_engine', target: '\\\\.\\pipe\\docker_engine'}\n"
    ),
    "compose, variables": "services:\n  a:\n    volumes: ['${RUN}/netns:/run/netns', '$HOME:/h:ro']\n",
    "quadlet, templates of Jinja": (
        "[Container]\nPodmanArgs=--privileged\n{% for vol in volumes -%}\nVolume={{ vol }}\n{% endfor -%}\n"
        "Volume={{ m.src }}:{{ m.dest }}:{{ m.options | default('ro') }}\n"
    ),
    "quadlet, shared": "[Container]\nImage=x\nVolume=/run/netns:/run/netns:shared\n",
    "a pod of podman": "[Pod]\nPodName=p\nVolume=/run/netns:/run/netns:rshared\n",
    "kube of podman": "[Kube]\nYaml=deploy.yml\n",
    "podman inspect, shared": json.dumps(
        [
            {
                "Id": "0f",
                "Name": "agent",
                "HostConfig": {
                    "Binds": [
                        "/run/netns:/run/netns:shared,rw,nosuid,nodev,rbind",
                        "logs:/logs:z,rw,rprivate,nosuid,nodev,rbind",
                    ],
                    "Privileged": True,
                },
            }
        ]
    ),
    "docker inspect, no binds": json.dumps([{"Id": "1", "Name": "/a", "HostConfig": {"Binds": None, "Mounts": None}}]),
    "docker service inspect, shared": json.dumps(
        [
            {
                "ID": "s",
                "Spec": {
                    "Name": "agent",
                    "TaskTemplate": {
                        "ContainerSpec": {
                            "Mounts": [
                                {
                                    "Type": "bind",
                                    "Source": "/run/netns",
                                    "Target": "/run/netns",
                                    "BindOptions": {"Propagation": "rshared"},
                                }
                            ]
                        }
                    },
                },
            }
        ]
    ),
    "crictl inspect, from the host": json.dumps(
        {
            "status": {
                "metadata": {"name": "c"},
                "mounts": [
                    {
                        "containerPath": "/run/netns",
                        "hostPath": "/run/netns",
                        "propagation": "PROPAGATION_HOST_TO_CONTAINER",
                    }
                ],
            },
            "info": {"privileged": True},
        }
    ),
    "config.json, slave": json.dumps(
        {
            "ociVersion": "1.0.2",
            "mounts": [
                {"destination": "/run/netns", "source": "/run/netns", "type": "bind", "options": ["rbind", "rslave"]}
            ],
        }
    ),
    "ansible, shared": (
        "- hosts: all\n  tasks:\n  - name: agent\n    community.docker.docker_container:\n      name: agent\n"
        "      privileged: true\n      volumes: ['/run/netns:/run/netns:shared', '{{ x }}:/y']\n"
    ),
    "ansible, nothing of containers": "- hosts: all\n  tasks:\n  - debug: {msg: hello}\n",
    "kolla, group variables": "log_volumes: ['logs:/var/log']\n"
    "run_default_volumes_docker: ['/run/netns:/run/netns:shared']\n",
    "a unit with docker run": (
        "[Unit]\nDescription=agent\n[Service]\nExecStart=/usr/bin/docker run --rm --name agent --privileged \\\n"
        "  -v /run/netns:/run/netns:shared \\\n  -v /lib/modules:/lib/modules:ro image\n"
    ),
    "a script with variables": "#!/bin/sh\ndocker run -v $PWD:/x -v ${DIR}/netns:/run/netns --privileged image\n",
    "a page of documentation": "docker run -v <directory>:/data image\n",
    "nomad, hcl": (
        'job "agent" {\n  group "g" {\n    task "dhcp" {\n      driver = "docker"\n      config {\n'
        '        image = "x"\n        privileged = true\n'
        '        volumes = ["/run/netns:/run/netns:rshared", "${NOMAD_DIR}:/d"]\n'
        "      }\n    }\n  }\n}\n"
    ),
    "lxc, all of it": "lxc.uts.name = c1\nlxc.mount.entry = /run/netns run/netns none rbind,create=dir 0 0\n",
    "incus, shared": (
        "name: c1\nconfig: {security.privileged: 'true'}\ndevices:\n"
        "  ns: {type: disk, source: /run/netns, path: /run/netns, propagation: rshared, recursive: 'true'}\n"
    ),
    "ignition, a Quadlet": json.dumps(
        {
            "ignition": {"version": "3.4.0"},
            "storage": {
                "files": [
                    {
                        "path": "/etc/containers/systemd/a.container",
                        "contents": {
                            "source": "data:,%5BContainer%5D%0AVolume%3D%2Frun%2Fnetns%3A%2Frun%2Fnetns%3Ashared%0A"
                        },
                    }
                ]
            },
        }
    ),
    "alerts with templates in text": (
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: r}\nspec:\n  groups:\n"
        "  - name: g\n    rules: [{alert: A, annotations: {summary: '{{ $labels.instance }} is down'}}]\n"
    ),
}

WRONG: dict[str, tuple[str, list[tuple[str, int, str]]]] = {
    "kubernetes, no propagation": (pod(MAIN + mount("ns", "/run/netns"), NETNS), [("netns-private", 11, "agent/main")]),
    "a second copy that deletions meet": (
        pod(MAIN + mount("run", "/host/run") + mount("ns", "/run/netns", "Bidirectional"), host("run", "/run") + NETNS),
        [("hidden-copy", 11, "agent/main")],
    ),
    "a sidecar that is an init container": (
        pod("      - {name: main, image: x}\n", NETNS).replace(
            "      containers:",
            "      initContainers:\n"
            + MAIN.replace("name: main", "name: side\n        restartPolicy: Always")
            + mount("ns", "/run/netns")
            + "      containers:",
        ),
        [("netns-private", 12, "agent/side")],
    ),
    "a list of pods": (
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "PodList",
                "items": [
                    {
                        "metadata": {"name": "p"},
                        "spec": {
                            "containers": [{"name": "c", "volumeMounts": [{"name": "n", "mountPath": "/run/netns"}]}],
                            "volumes": [{"name": "n", "hostPath": {"path": "/run/netns"}}],
                        },
                    }
                ],
            }
        ),
        [],
    ),
    "a template of pods": (
        "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: t}\ntemplate:\n  spec:\n    containers:\n    - name: c\n"
        "      volumeMounts:\n      - {name: n, mountPath: /run/netns}\n    volumes:\n"
        "    - {name: n, hostPath: {path: /run/netns}}\n",
        [("netns-private", 9, "t/c")],
    ),
    "the engine's own directory": (
        "services:\n  probe:\n    privileged: true\n    volumes:\n    - /var/run/docker/netns:/var/run/docker/netns\n",
        [("netns-private", 5, "probe")],
    ),
    "compose, relative source and a mode that is none": (
        "services:\n  a:\n    volumes:\n    - {type: bind, source: ./x, target: /y, bind: {propagation: shred}}\n",
        [("refused", 4, "a")],
    ),
    "podman inspect, private": (
        json.dumps(
            [{"Name": "agent", "HostConfig": {"Binds": ["/run/netns:/run/netns:rw,rprivate,nosuid,nodev,rbind"]}}]
        ),
        [("netns-private", 1, "agent")],
    ),
    "docker inspect, one object": (
        json.dumps({"Name": "/a", "HostConfig": {"Binds": ["/run/netns:/run/netns"]}}),
        [("netns-private", 1, "a")],
    ),
    "docker inspect, one a line": (
        '{"Name": "/a", "HostConfig": {"Binds": null}}\n'
        '{"Name": "/b", "HostConfig": {"Binds": ["/run/netns:/run/netns:rw"]}}\n',
        [("netns-private", 2, "b")],
    ),
    "docker service inspect": (
        json.dumps(
            [
                {
                    "Spec": {
                        "Name": "agent",
                        "TaskTemplate": {
                            "ContainerSpec": {
                                "Mounts": [{"Type": "bind", "Source": "/run/netns", "Target": "/run/netns"}]
                            }
                        },
                    }
                }
            ]
        ),
        [("netns-private", 1, "agent")],
    ),
    "crictl inspect": (
        json.dumps(
            {
                "status": {
                    "metadata": {"name": "c"},
                    "labels": {"io.kubernetes.pod.name": "p"},
                    "mounts": [
                        {"containerPath": "/run/netns", "hostPath": "/run/netns", "propagation": "PROPAGATION_PRIVATE"}
                    ],
                }
            }
        ),
        [("netns-private", 1, "p/c")],
    ),
    "config.json, private": (
        json.dumps(
            {
                "ociVersion": "1.0.2",
                "hostname": "h",
                "mounts": [
                    {
                        "destination": "/run/netns",
                        "source": "/run/netns",
                        "type": "bind",
                        "options": ["rbind", "rprivate"],
                    }
                ],
            }
        ),
        [("netns-private", 1, "h")],
    ),
    "config.json, not recursive": (
        json.dumps(
            {
                "ociVersion": "1.0.2",
                "hostname": "h",
                "mounts": [
                    {"destination": "/run/netns", "source": "/run/netns", "type": "bind", "options": ["bind", "rslave"]}
                ],
            }
        ),
        [("netns-not-recursive", 1, "h")],
    ),
    "ansible, podman": (
        "- name: run\n  containers.podman.podman_container:\n    name: dhcp\n    privileged: true\n    volumes:\n"
        "    - /run/netns:/run/netns\n",
        [("netns-private", 6, "dhcp")],
    ),
    "ansible, a long mount in a block": (
        "- block:\n  - docker_container:\n      name: dhcp\n      mounts:\n"
        "      - {type: bind, source: /run/netns, target: /run/netns}\n",
        [("netns-private", 5, "dhcp")],
    ),
    "ansible, a command": (
        "- name: start\n  command: docker run --name dhcp -v /run/netns:/run/netns image\n",
        [("netns-private", 2, "dhcp")],
    ),
    "kolla's fake computes": (
        "- kolla_container:\n    name: fake\n    privileged: true\n    volumes:\n    - /run:/run:shared\n"
        "    - /run/netns:/run/netns:shared\n",
        [("doubling-mounts", 5, "fake")],
    ),
    "kolla, group variables for podman": (
        "run_default_volumes_podman:\n  - '/run/netns:/run/netns'\n",
        [("netns-private", 2, "run")],
    ),
    "quadlet, arguments of podman": (
        "[Container]\nImage=x\nPodmanArgs=--privileged -v /run/netns:/run/netns\n"
        "PodmanArgs=--volume=/run/netns:/run/netns\n",
        [("netns-private", 3, "a"), ("netns-private", 4, "a")],
    ),
    "a pod of podman, private": ("[Pod]\nPodName=p\nVolume=/run/netns:/run/netns\n", [("netns-private", 3, "p")]),
    "a unit with podman run": (
        "[Service]\nExecStart=/usr/bin/podman run --name agent \\\n  --privileged \\\n"
        "  -v /run/netns:/run/netns image\n",
        [("netns-private", 4, "agent")],
    ),
    "a script, --mount": (
        "#!/bin/sh\nset -e\ndocker run -d --name a --mount type=bind,src=/run/netns,dst=/run/netns image && echo\n",
        [("netns-private", 3, "a")],
    ),
    "nomad, hcl": (
        'job "j" {\n  group "g" {\n    task "dhcp" {\n      driver = "docker"\n      config {\n'
        "        privileged = true\n"
        '        mount {\n          type   = "bind"\n          source = "/run/netns"\n          target = "/run/netns"\n'
        '          bind_options { propagation = "rprivate" }\n        }\n      }\n    }\n  }\n}\n',
        [("netns-private", 7, "dhcp")],
    ),
    "inspect, binds alone": (
        '["/lib/modules:/lib/modules:ro",\n"/run/netns:/run/netns"]',
        [("netns-private", 2, "container")],
    ),
    "inspect, podman's binds alone": (
        '["/run/netns:/run/netns:rw,rprivate,rbind"]',
        [("netns-private", 1, "container")],
    ),
    "inspect, HostConfig alone": (
        '{"Binds": ["/run/netns:/run/netns"], "NetworkMode": "host"}',
        [("netns-private", 1, "container")],
    ),
    "inspect, mounts alone": (
        '[{"Type": "volume", "Source": "/v", "Destination": "/v", "Propagation": ""},\n'
        '{"Type": "bind", "Source": "/run/netns", "Destination": "/run/netns", "RW": true, "Propagation": "rprivate"}]',
        [("netns-private", 2, "container")],
    ),
    "ansible, compose in a task": (
        "- community.docker.docker_compose_v2:\n    definition:\n      services:\n        dhcp:\n          volumes:\n"
        "          - /run/netns:/run/netns\n",
        [("netns-private", 6, "dhcp")],
    ),
    "ansible, arguments in a line": (
        "- docker_container: name=a image=x volumes=/run/netns:/run/netns\n",
        [("netns-private", 1, "a")],
    ),
    "nomad, variables": (
        'variable "p" { default = "/run/netns" }\nlocals {\n  all = concat([format("%s:%s", var.p, var.p)], [<<-E\n'
        '    /a:/a\n    E\n  ])\n}\njob "j" {\n  group "g" {\n    task "dhcp" {\n      driver = "docker"\n'
        '      config {\n        volumes = local.all\n        privileged = (1 + 2 == 3 && !false) ? true : var.x["y"]\n'
        '        dynamic "mount" {\n          for_each = { k = "v" }\n          content { type = mount.value }\n'
        "        }\n      }\n    }\n  }\n}\n",
        [("netns-private", 3, "dhcp")],
    ),
    "nomad, json": (
        json.dumps(
            {
                "Job": {
                    "TaskGroups": [
                        {"Tasks": [{"Name": "t", "Driver": "podman", "Config": {"volumes": ["/run/netns:/run/netns"]}}]}
                    ]
                }
            }
        ),
        [("netns-private", 1, "t")],
    ),
    "lxc, without what is in it": (
        "lxc.uts.name = c1\nlxc.mount.entry = /run/netns run/netns none bind,create=dir 0 0\n",
        [("netns-not-recursive", 2, "c1")],
    ),
    "lxc, private": (
        "lxc.uts.name = c1\nlxc.mount.entry = /run/netns run/netns none rbind,rprivate 0 0\n",
        [("netns-private", 2, "c1")],
    ),
    "incus, as it comes": (
        "name: c1\ndevices:\n  ns: {type: disk, source: /run/netns, path: /run/netns}\n",
        [("netns-not-recursive", 3, "c1")],
    ),
    "a machine's configuration": (
        "apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfig\nmetadata: {name: m}\nspec:\n  config:\n"
        "    systemd:\n      units:\n      - name: a.service\n"
        '        contents: "[Service]\\nExecStart=podman run --name a -v /run/netns:/run/netns x"\n',
        [("netns-private", 9, "a")],
    ),
    "ignition, base64": (
        json.dumps(
            {
                "ignition": {"version": "3.4.0"},
                "storage": {
                    "files": [
                        {
                            "path": "/etc/containers/systemd/dhcp.container",
                            "contents": {
                                "source": "data:;base64,"
                                + base64.b64encode(b"[Container]\nVolume=/run/netns:/run/netns\n").decode()
                            },
                        }
                    ]
                },
            }
        ),
        [("netns-private", 1, "dhcp")],
    ),
}

PIECES = [
    "null",
    "[]",
    "{}",
    '"x"',
    "1",
    "- a",
    "true",
    "~",
    "[1, [2]]",
    ":",
    "\n",
    "  ",
    "{",
    "}",
    '"',
    "'",
    "\t",
    "=",
    "",
]


@pytest.mark.parametrize("shape", RIGHT)
def test_what_is_right_gives_nothing(shape: str) -> None:
    name = "a.container" if "quadlet" in shape else "a.yaml"
    assert [f for f in lint(name, RIGHT[shape]) if f.severity > Severity.NOTE] == []


@pytest.mark.parametrize("shape", [name for name, (_, found) in WRONG.items() if found])
def test_what_is_wrong_is_found_at_its_line(shape: str) -> None:
    text, expected = WRONG[shape]
    name = "a.container" if "quadlet" in shape else "a.yaml"
    assert [(f.check, f.line, f.container) for f in lint(name, text)] == expected


def test_a_list_of_pods_is_read() -> None:
    (found,) = lint("-", WRONG["a list of pods"][0])
    assert (found.check, found.container) == ("netns-private", "p/c")


def test_a_list_of_machine_configurations_is_read() -> None:
    one = WRONG["a machine's configuration"][0]
    listed = "apiVersion: v1\nkind: List\nitems:\n- " + one.replace("\n", "\n  ").rstrip() + "\n"
    assert [(found.check, found.container) for found in lint("-", listed)] == [("netns-private", "a")]


def test_a_service_of_a_swarm_by_ansible() -> None:
    text = (
        "- community.docker.docker_swarm_service:\n    name: agent\n    mounts:\n"
        "    - {type: bind, source: /run/netns, target: /run/netns}\n"
    )
    assert [(found.check, found.line, found.container) for found in lint("-", text)] == [("netns-private", 4, "agent")]


def test_run_for_a_socket_is_a_note() -> None:
    (found,) = lint("-", pod(MAIN + mount("run", "/var/run"), host("run", "/var/run")))
    assert (found.check, found.severity, "HostToContainer" in found.mend) == ("netns-private", Severity.NOTE, True)


@pytest.mark.parametrize(
    "text",
    [
        "{{- if .Values.on }}\nkind: DaemonSet\n{{- end }}\n",
        "kind: DaemonSet\nspec:\n{{ tuple . | include `x` | indent 8 }}\n",
        "services:\n  a:\n    <% if x %>\n    volumes: []\n",
        "services:\n{% for s in services %}\n  {{ s }}:\n{% endfor %}\n",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n",
    ],
)
def test_how_to_render_a_template_is_said(text: str) -> None:
    with pytest.raises(Unreadable, match="helm template CHART") as refused:
        declared("a.yaml", text)
    assert refused.value.kind == "template"


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ("docker service inspect", "--mount type=bind"),
        ("crictl inspect", "mountPropagation: Bidirectional"),
        ("config.json, private", '"options": ["rbind", "rshared"]'),
        ("nomad, json", '"/run/netns:/run/netns:shared" in volumes'),
        ("lxc, private", "lxc.mount.entry = /run/netns run/netns none rbind,rshared,create=dir 0 0"),
        ("the engine's own directory", "- /var/run/docker/netns:/var/run/docker/netns:rslave"),
        ("a pod of podman, private", "Volume=/run/netns:/run/netns:shared"),
    ],
)
def test_the_mend_is_written_as_the_file_would_have_it(shape: str, word: str) -> None:
    assert word in lint("a.yaml", WRONG[shape][0])[0].mend


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([*RIGHT.values(), *(text for text, _ in WRONG.values())]),
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=4),
    st.sampled_from(["a.yaml", "a.container", "a.service", "-"]),
)
def test_a_damaged_file_is_read_or_refused(text: str, damages: list[tuple[int, int, str]], name: str) -> None:
    for place, length, piece in damages:
        text = text[: place % (len(text) + 1)] + piece + text[place % (len(text) + 1) + length :]
    with suppress(Unreadable):
        lint(name, text)
