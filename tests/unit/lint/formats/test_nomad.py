"""Jobs of Nomad with variables, locals, heredocs, dynamic blocks and host volumes."""

import json

import pytest

from netmend.lint.declared import Unreadable
from netmend.lint.lint_file import declared, lint

Found = list[tuple[str, int, str]]


def job(config: str, before: str = "", *, group: str = "", task: str = "") -> str:
    return (
        f'{before}job "agent" {{\n  group "g" {{\n{group}    task "dhcp" {{\n      driver = "docker"\n{task}'
        f"      config {{\n{config}\n      }}\n    }}\n  }}\n}}\n"
    )


def found(text: str) -> Found:
    return [(one.check, one.line, one.container) for one in lint("job.nomad", text)]


def unevaluated(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.text) for container in declared("job.nomad", text) for one in container.unevaluated]


VARIABLE = 'variable "path" {\n  type    = string\n  default = "/run/netns"\n}\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (job('volumes = ["${var.path}:/run/netns"]', VARIABLE), 10),
        (job('volumes = ["${var.path}:${var.path}"]', VARIABLE), 10),
        (job("volumes = var.all", 'variable "all" {\n  default = [\n    "/run/netns:/run/netns"\n  ]\n}\n'), 3),
        (job("volumes = local.all", 'locals {\n  n = "/run/netns"\n  all = ["${local.n}:${local.n}"]\n}\n'), 3),
        (job('volumes = concat(["/a:/a"], [format("%s:%s", var.path, var.path)])', VARIABLE), 10),
        (job('volumes = [join(":", [var.path, var.path])]', VARIABLE), 10),
        (job('volumes = [true ? "/run/netns:/run/netns" : "/x:/x"]'), 6),
        (
            job(
                'volumes = [var.private ? "/run/netns:/run/netns" : "/x:/x"]', 'variable "private" { default = true }\n'
            ),
            7,
        ),
        (job("volumes = [<<EOT\n/run/netns:/run/netns\nEOT\n]"), 6),
        (job("volumes = [trimspace(<<-EOT\n    /run/netns:/run/netns\n    EOT\n)]"), 6),
        (job('volumes = flatten([["/run/netns:/run/netns"]])'), 6),
        (job("volumes = var.o.paths", 'variable "o" { default = { paths = ["/run/netns:/run/netns"], n = 1 } }\n'), 1),
        (job('volumes = var.o["paths"]', 'variable "o" { default = { "paths" : ["/run/netns:/run/netns"] } }\n'), 1),
        (job('mount {\n type = "bind"\n source = var.path\n target = "/run/netns"\n}', VARIABLE), 10),
        (
            job(
                'dynamic "mount" {\n for_each = ["/run/netns"]\n content {\n  type = "bind"\n  source = mount.value\n'
                "  target = mount.value\n }\n}"
            ),
            8,
        ),
        (job('# volumes = ["/a"]\n/* volumes = [\n*/ volumes = ["/run/netns:/run/netns"]'), 8),
    ],
)
def test_what_the_file_says_itself_is_evaluated(text: str, line: int) -> None:
    assert (found(text), unevaluated(text)) == ([("netns-private", line, "dhcp")], [])


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (job('volumes = ["${var.path}:/run/netns"]'), (6, '"${var.path}:/run/netns"')),
        (job("volumes = var.path", 'variable "path" { type = list(string) }\n'), (7, "var.path")),
        (job('volumes = split(",", file("x"))'), (6, 'split(",", file("x"))')),
        (job('volumes = [for p in ["/run/netns"] : "${p}:${p}"]'), (6, '[for p in ["/run/netns"] : "${p}:${p}"]')),
        (
            job('volumes = ["%{ if true }/run/netns:/run/netns%{ endif }"]'),
            (6, '"%{ if true }/run/netns:/run/netns%{ endif }"'),
        ),
        (job("volumes = local.a", "locals {\n a = local.b\n b = local.a\n}\n"), (10, "local.a")),
        (job("privileged = var.p"), (6, "var.p")),
        (job('mount {\n type = "bind"\n source = var.s\n target = "/run/netns"\n}'), (8, "var.s")),
        (job('volumes = ["/a:/a" +]'), (6, '"/a:/a" +')),
        (job('volumes = ["a" * 1000000000]'), (6, '"a" * 1000000000')),
    ],
)
def test_what_the_file_does_not_say_is_named_with_its_line(text: str, at: tuple[int, str]) -> None:
    assert (found(text), unevaluated(text)) == ([], [at])


@pytest.mark.parametrize(
    "text",
    [
        job('volumes = ["${NOMAD_ALLOC_DIR}/x:/x", "${meta.data}:/d", "${attr.x}:/y", "$${a}:/z"]'),
        job('volumes = ["${var.path}:/run/netns:shared"]\nprivileged = true', VARIABLE),
        job("image = var.image\nports = [var.port]"),
        job("command = var.c").replace('"docker"', '"exec"'),
    ],
)
def test_right_files_give_nothing(text: str) -> None:
    assert (found(text), unevaluated(text)) == ([], [])


HOST = '    volume "ns" {\n      type   = "host"\n      source = "netns"\n    }\n'


def volume_mount(mode: str) -> str:
    return f'      volume_mount {{\n        volume = "ns"\n        destination = "/run/netns"\n{mode}      }}\n'


@pytest.mark.parametrize(
    ("mode", "want"),
    [
        ("", [("netns-private", 9, "dhcp")]),
        ('        propagation_mode = "private"\n', [("netns-private", 9, "dhcp")]),
        ('        propagation_mode = "host-to-task"\n', [("netns-one-way", 9, "dhcp")]),
        ('        propagation_mode = "bidirectional"\n', []),
        ('        propagation_mode = "bidirectional"\n        read_only = true\n', [("netns-read-only", 9, "dhcp")]),
    ],
)
def test_a_host_volume(mode: str, want: Found) -> None:
    text = job("        privileged = true", group=HOST, task=volume_mount(mode))
    assert found(text) == want


def test_the_mend_of_a_host_volume_and_of_a_mount() -> None:
    (one,) = lint("job.nomad", job("", group=HOST, task=volume_mount("")))
    (other,) = lint("job.nomad", job('mount {\n type = "bind"\n source = "/run/netns"\n target = "/run/netns"\n}'))
    assert (one.mend, other.mend) == (
        'write: propagation_mode = "bidirectional"',
        'write: bind_options { propagation = "rshared" }',
    )


def test_a_volume_of_csi_and_a_destination_elsewhere_are_no_matter() -> None:
    assert found(job("", group=HOST.replace('"host"', '"csi"'), task=volume_mount(""))) == []
    assert found(job("", group=HOST, task=volume_mount("").replace("/run/netns", "/data"))) == []


def test_a_host_volume_in_json() -> None:
    mounted = [{"Volume": "ns", "Destination": "/run/netns", "PropagationMode": "private", "ReadOnly": False}]
    task = {"Name": "t", "Driver": "exec", "Config": {}, "VolumeMounts": mounted}
    group = {"Volumes": {"ns": {"Type": "host", "Source": "netns"}}, "Tasks": [task]}
    assert found(json.dumps({"Job": {"TaskGroups": [group]}})) == [("netns-private", 1, "t")]


def test_how_to_render_a_template_is_said() -> None:
    with pytest.raises(Unreadable, match="nomad-pack render") as refused:
        declared("job.nomad", job("volumes = [[ .my.volumes | toJson ]]"))
    assert (refused.value.line, refused.value.kind) == (6, "template")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (job('volumes = ["/a:/a'), 6, "a string"),
        (job("volumes = [\n"), 6, "a list"),
        ('job "j" {\n  group "g" {\n', 2, "a block"),
        (job("x = " + "[" * 500), 6, "nested"),
        (job("x = " + "(" * 500), 6, "nested"),
    ],
)
def test_what_is_not_closed_is_refused_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(Unreadable, match=why) as refused:
        declared("job.nomad", text)
    assert refused.value.line == line


def test_long_chains_end() -> None:
    chain = "+".join(["1"] * 5000)
    lines = "\n".join(f"  l{n} = concat(local.l{n + 1}, local.l{n + 1})" for n in range(500))
    text = job(f"volumes = [{chain}]\nprivileged = local.l0", f"locals {{\n{lines}\n  l500 = [1]\n}}\n")
    assert len(unevaluated(text)) == 2
