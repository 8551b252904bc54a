"""Options of every engine: what is understood, what is refused and in which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from netmend.propagation.flags import WORDS, MountFlag, flag_of
from netmend.propagation.mountinfo import parse
from netmend.propagation.options import calls, docker, kubernetes, mount8, oci, podman, systemd
from netmend.propagation.options.request import MountRequest, OptionError


@pytest.mark.parametrize("word", docker.PROPAGATION)
def test_each_propagation_word_reaches_the_runtime(word: str) -> None:
    for request in (
        docker.parse_volume(f"/run/netns:/run/netns:{word}"),
        docker.parse_volume(f"/run/netns:/run/netns:ro,{word},z"),
        docker.parse_mount(f"type=bind,source=/run/netns,target=/run/netns,bind-propagation={word}"),
        docker.parse_compose({"type": "bind", "source": "/r", "target": "/r", "bind": {"propagation": word}}),
        podman.parse_volume(f"/run/netns:/run/netns:{word},rw"),
        podman.parse_mount(f"type=bind,src=/run/netns,dst=/run/netns,{word}"),
        podman.parse_quadlet("Volume", f"/run/netns:/run/netns:{word}"),
        oci.parse_mount({"destination": "/r", "type": "bind", "source": "/r", "options": ["rbind", word]}),
    ):
        assert (request.propagation, request.asked) == (word, True)
        assert calls.binding(request)[-1].flags == request.flag


def test_every_word_has_its_flags() -> None:
    assert {word: flag_of(word).spelled for word in WORDS} == {
        "private": "MS_PRIVATE",
        "rprivate": "MS_PRIVATE|MS_REC",
        "shared": "MS_SHARED",
        "rshared": "MS_SHARED|MS_REC",
        "slave": "MS_SLAVE",
        "rslave": "MS_SLAVE|MS_REC",
        "unbindable": "MS_UNBINDABLE",
        "runbindable": "MS_UNBINDABLE|MS_REC",
    }


def test_what_is_not_said_is_private_all_the_way_down() -> None:
    for request in (
        docker.parse_volume("/a:/b"),
        docker.parse_volume("/a:/b:ro"),
        docker.parse_mount("type=bind,source=/a,target=/b"),
        docker.parse_compose("/a:/b"),
        podman.parse_volume("/a:/b"),
    ):
        assert (request.propagation, request.asked, request.recursive) == ("rprivate", False, True)
    alone = podman.parse_volume("/a:/b:bind")
    assert (alone.propagation, alone.recursive) == ("private", False)


@pytest.mark.parametrize(
    ("parser", "option", "words"),
    [
        (docker.parse_volume, "/a:/b:sharde", "invalid mode: sharde"),
        (docker.parse_volume, "/a:/b:shared,private", "invalid mode: shared,private"),
        (docker.parse_volume, "/a:/b:runbindable", "invalid mode: runbindable"),
        (docker.parse_volume, "/a:/b:ro:z", "invalid volume specification: '/a:/b:ro:z'"),
        (docker.parse_volume, "/a:rw", "invalid volume specification: '/a:rw'"),
        (docker.parse_volume, ":/b", "invalid volume specification: ':/b'"),
        (docker.parse_volume, "/a:/", "destination can't be '/'"),
        (docker.parse_volume, "/a:b", "mount path must be absolute"),
        (docker.parse_mount, "type=bind,source=/a,target=/b,bind-propagation=x", "invalid propagation mode: x"),
        (docker.parse_mount, "type=bind,target=/b", "field Source must not be empty"),
        (docker.parse_mount, "type=bind,source=/a", "field Target must not be empty"),
        (docker.parse_mount, "type=bind,source=a,target=/b", "mount path must be absolute"),
        (docker.parse_mount, "type=volume,target=/b,bind-propagation=shared", "cannot mix 'bind-*' options"),
        (docker.parse_mount, "type=bind,source=/a,target=/b,shared", "must be a key=value pair"),
        (docker.parse_mount, "type=bind,source=/a,target=/b,propagation=shared", "unknown option 'propagation'"),
        (docker.parse_mount, "type=nfs,target=/b", "mount type unknown"),
        (docker.parse_mount, "type=bind,source=/a,target=/b,ro=maybe", "invalid value for ro: maybe"),
        (docker.parse_compose, {"type": "bind", "target": "/b", "propagation": "x"}, "Additional property propagation"),
        (podman.parse_volume, "/a:/b:sharde", 'invalid option type "sharde"'),
        (podman.parse_volume, "/a:/b:shared,rslave", "can only specify 1 '[r]shared'"),
        (podman.parse_volume, "/a:/b:ro:z", "incorrect volume format"),
        (podman.parse_volume, "/a:b", "must be an absolute path"),
        (podman.parse_mount, "type=bind,src=/a,dst=/b,bind-propagation=x", 'invalid value "x"'),
        (podman.parse_mount, "type=bind,src=/a,dst=/b,shared,slave", "only one root propagation mode can be used"),
        (podman.parse_mount, "type=bind,src=/a", "must set volume destination"),
        (podman.parse_mount, "type=bind,src=/a,dst=/b,foo=1", "foo: invalid mount option"),
        (oci.parse_mount, {"destination": "b"}, "is not absolute"),
        (oci.parse_mount, {}, "destination not specified"),
        (oci.parse_root_propagation, {"linux": {"rootfsPropagation": "x"}}, "rootfsPropagation=x is not supported"),
        (systemd.parse_service, {"MountFlags": "x"}, "Failed to parse mount flag x"),
        (systemd.parse_service, {"PrivateMounts": "x"}, "Failed to parse boolean value"),
        (systemd.parse_bind_paths, "/a:b", "path is not absolute"),
        (systemd.parse_bind_paths, "/a:/b:x", "Invalid option string"),
        (mount8.parse, "mount --make-foo /", "unrecognized option '--make-foo'"),
        (mount8.parse, "mount --make-shared", "bad usage"),
        (mount8.parse, "mount /a /b", "nothing about propagation"),
    ],
)
def test_refusals_are_in_the_engines_words(parser: Callable[[Any], object], option: Any, words: str) -> None:
    with pytest.raises(OptionError) as refused:
        parser(option)
    assert words in str(refused.value)


def test_kubernetes_modes() -> None:
    def mount(mode: str | None, privileged: bool = False) -> MountRequest:
        fields: Mapping[str, object] = {"name": "n", "mountPath": "/run/netns", "mountPropagation": mode}
        return kubernetes.parse_volume_mount(fields, "/run/netns", privileged=privileged)

    assert [mount(m).propagation for m in (None, "None", "HostToContainer")] == ["rprivate", "rprivate", "rslave"]
    assert mount("Bidirectional", privileged=True).propagation == "rshared"
    with pytest.raises(OptionError, match="available only to privileged containers"):
        mount("Bidirectional")
    with pytest.raises(OptionError, match="Unsupported value"):
        mount("Shared")


def test_systemd_services_with_and_without_mounts_of_their_own() -> None:
    assert systemd.parse_service({"MountFlags": "shared"}).sends_to_host
    for settings in ({"MountFlags": "slave"}, {"PrivateMounts": "yes"}, {"PrivateTmp": "true"}, {"BindPaths": "/a:/b"}):
        service = systemd.parse_service(settings)
        assert not service.sends_to_host
        assert systemd.calls(service)[0].flags == MountFlag.MS_SLAVE | MountFlag.MS_REC
    (bind,) = systemd.parse_service({"BindPaths": ["/a:/b:norbind"]}).binds
    assert (bind.source, bind.target, bind.recursive) == ("/a", "/b", False)


def test_mount8_makes_two_calls_for_a_bind_that_is_also_made_shared() -> None:
    assert [call.spelled for call in mount8.parse("mount --rbind /a /b --make-rshared")] == [
        'mount("/a", "/b", NULL, MS_BIND|MS_REC, NULL)',
        'mount(NULL, "/b", NULL, MS_SHARED|MS_REC, NULL)',
    ]


def test_the_sequence_of_a_container() -> None:
    requests = [docker.parse_volume("/run/netns:/run/netns:shared"), docker.parse_volume("/x:/y:ro")]
    assert docker.root_propagation(requests) == "shared"
    assert [call.spelled for call in calls.sequence(requests, "shared")] == [
        'mount(NULL, "/", NULL, MS_SHARED, NULL)',
        'mount(NULL, "ROOTFS", NULL, MS_PRIVATE, NULL)',
        'mount("ROOTFS", "ROOTFS", NULL, MS_BIND|MS_REC, NULL)',
        'mount("/x", "ROOTFS/y", NULL, MS_BIND|MS_REC, NULL)',
        'mount(NULL, "ROOTFS/y", NULL, MS_RDONLY|MS_REMOUNT|MS_BIND|MS_REC, NULL)',
        'mount(NULL, "ROOTFS/y", NULL, MS_PRIVATE|MS_REC, NULL)',
        'mount("/run/netns", "ROOTFS/run/netns", NULL, MS_BIND|MS_REC, NULL)',
        'mount(NULL, "ROOTFS/run/netns", NULL, MS_SHARED, NULL)',
    ]


def test_docker_refuses_by_the_first_line_of_the_longest_mount_point() -> None:
    mounts = parse(
        "1 0 8:1 / / rw shared:1 - ext4 d rw\n"
        "2 1 0:2 / /run rw - tmpfs t rw\n"
        "3 2 0:2 /netns /run/netns rw master:4 - tmpfs t rw\n"
        "4 3 0:2 /netns /run/netns rw shared:9 - tmpfs t rw\n"
    )
    where = "path /run/netns is mounted on /run/netns but it is not a shared"
    assert docker.refusal(mounts, "/run/netns", "shared") == f"{where} mount"
    assert docker.refusal(mounts, "/run/netns", "rslave") is None
    assert (
        docker.refusal(mounts, "/run/x", "slave")
        == "path /run/x is mounted on /run but it is not a shared or slave mount"
    )
    assert docker.refusal(mounts, "/etc", "rshared") is None
    assert docker.refusal(mounts, "/run/x", "rprivate") is None
