"""An option, explained: what the runtime will call, what then travels which way, and what to look out for."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netmend.propagation.engine_messages import recognise
from netmend.propagation.options import calls, docker, kubernetes, mount8, oci, podman, systemd, unshare
from netmend.propagation.options.calls import MountCall
from netmend.propagation.options.request import MountRequest, OptionError
from netmend.propagation.options.run_flags import RUN, flags
from netmend.propagation.pitfalls import Pitfall, pitfalls

ENGINES = ("docker", "podman", "compose", "quadlet", "oci", "kubernetes", "systemd", "mount", "unshare", "message")
_WORD: Final = re.compile(
    r"""\s*(?:-\s+)?["']?(?:(?:bind[-_.])?propagation["']?\s*[:=]\s*)?["']?(r?(?:shared|slave|private))["']?\s*,?\s*""",
    re.I,
)
"""A word alone, or behind its key, as in a compose file, `--mount`, `docker inspect`, Incus, Nomad's `bind_options`."""
_NOMAD: Final = re.compile(r"""\s*["']?propagation_?mode["']?\s*[:=]\s*["']?([\w-]+)["']?\s*,?\s*""", re.I)
_NOMADS_WORDS: Final = {"private": "rprivate", "host-to-task": "rslave", "bidirectional": "rshared"}
_SYSTEMD = ("MountFlags", "PrivateMounts", "BindPaths", "BindReadOnlyPaths", *systemd.IMPLIES_NAMESPACE)


@dataclass(frozen=True, slots=True)
class Explanation:
    """``requests`` is empty where the options do not mount into a container (systemd, mount(8))."""

    engine: str
    options: tuple[str, ...]
    requests: tuple[MountRequest, ...]
    calls: tuple[MountCall, ...]
    travels: tuple[str, ...]
    pitfalls: tuple[Pitfall, ...]

    def as_json(self) -> dict[str, Any]:
        """The shape of ``--json``; see docs/propagation.md."""
        return {
            "engine": self.engine,
            "options": list(self.options),
            "mounts": [
                {
                    "source": request.source,
                    "target": request.target,
                    "kind": request.kind,
                    "propagation": request.propagation,
                    "asked": request.asked,
                    "read_only": request.read_only,
                    "recursive": request.recursive,
                    "host_to_container": request.direction != "none",
                    "container_to_host": request.direction == "both",
                }
                for request in self.requests
            ],
            "calls": [
                {
                    "call": call.spelled,
                    "source": call.source,
                    "target": call.target,
                    "flags": call.flags.spelled.split("|"),
                    "only_if_shared": call.only_if_shared,
                    "why": call.why,
                }
                for call in self.calls
            ],
            "travels": list(self.travels),
            "pitfalls": [{"id": p.id, "text": p.text, "mend": p.mend} for p in self.pitfalls],
        }


def guess_engine(option: str) -> str:
    """Whose words these are, by their form; ``docker`` where nothing else shows."""
    if option.lstrip().startswith("unshare"):
        return "unshare"
    if _propagation_mode(option) is not None:
        return "kubernetes"
    if recognise(option) is not None:
        return "message"
    word = option.split("=", 1)[0].strip()
    if option.lstrip().startswith("{"):
        keys = _mapping(option)
        return "kubernetes" if "mountPath" in keys else "oci" if "destination" in keys else "compose"
    if option.startswith(("mount ", "--make-", "--bind", "--rbind")):
        return "mount"
    if word in ("Volume", "Mount"):
        return "quadlet"
    if word in _SYSTEMD:
        return "systemd"
    return "kubernetes" if option in kubernetes.MODES else "docker"


def explain(options: Sequence[str], engine: str | None = None) -> Explanation:
    """Options of one container, service or command. Raises OptionError, in the words of the engine where it has any."""
    run = RUN.search(" ".join(options) + " ")
    options = options_in(options)
    if not options:
        raise OptionError("", "no option given")
    named = engine or ("podman" if run is not None and run[1] == "podman" else guess_engine(options[0]))
    if named not in ENGINES:
        raise OptionError(named, f"no engine {named!r}; there are {', '.join(ENGINES)}")
    if named == "mount":
        return _explain_mount(options)
    if named == "systemd":
        return _explain_systemd(options)
    if named == "unshare":
        return _explain_unshare(options)
    if named == "message":
        return _explain_message(options)
    requests = tuple(_PARSERS[named](option.strip()) for option in options)
    root = docker.root_propagation(requests)
    return Explanation(
        named,
        tuple(options),
        requests,
        tuple(calls.sequence(requests, root)),
        tuple(line for request in requests for line in travel(request)),
        tuple(pitfalls(requests, "podman" if named == "quadlet" else named)),
    )


def options_in(words: Sequence[str]) -> list[str]:
    """The options among words of a command line: `-v X`, `--mount=X`, a whole `docker run …`, or the words as they are.

    The words of a message, or of another command, that a shell has taken apart are one again.
    """
    whole = " ".join(words)
    run = RUN.search(whole + " ")
    if run is not None or any(word in ("-v", "--volume", "--mount") for word in words):
        try:
            parts = shlex.split(whole[run.end() :]) if run is not None else list(words)
        except ValueError:
            parts = whole.split()
        found = [said for key, said in flags(parts) if key in ("volume", "mount")]
        if found:
            return found
        raise OptionError(whole, "no -v, --volume or --mount in it")
    if len(words) > 1 and (words[0] in ("unshare", "mountPropagation:", "mount") or recognise(whole) is not None):
        return [whole]
    if len(words) > 1 and _word_alone(whole) is not None:  # a shell has taken it apart
        return [whole]
    found = []
    for word in words:
        said = [value for key, value in flags([word]) if key in ("volume", "mount")]
        found += said or [word]
    return found


def travel(request: MountRequest) -> list[str]:
    """Which way mounts travel once the container runs, in plain words."""
    if request.kind != "bind":
        return [f"{request.target}: no directory of the host, so nothing travels"]
    place = f"{request.source} → {request.target}"
    into = f"{place}: a mount made later under {request.source} on the host"
    out = f"{place}: a mount made in the container under {request.target}"
    match request.direction:
        case "both":
            return [
                f"{into} appears in the container",
                f"{out} appears on the host, and in every other container that shares or receives from there",
            ]
        case "in":
            return [f"{into} appears in the container", f"{out} stays in the container"]
    return [f"{into} does not appear in the container", f"{out} stays in the container"]


def _flags_off(option: str) -> str:
    for flag in ("-v", "--volume", "--mount"):
        if option.startswith((f"{flag} ", f"{flag}=")):
            return option[len(flag) + 1 :].strip()
    return option


def _word_alone(option: str) -> str | None:
    """The propagation that a word alone asks for, or the line of a file that has nothing else; None for other text."""
    if (found := _NOMAD.fullmatch(option)) is not None:
        return _NOMADS_WORDS.get(found[1].lower())
    found = _WORD.fullmatch(option)
    return found[1].lower() if found is not None else None


def _is_mount(option: str) -> bool:
    return not option.startswith("/") and option.partition("=")[0] in (
        "type",
        "source",
        "src",
        "target",
        "dst",
        "destination",
    )


def _docker(option: str) -> MountRequest:
    option = _flags_off(option)
    if (word := _word_alone(option)) is not None:
        option = f"/run/netns:/run/netns:{word}"
    return docker.parse_mount(option) if _is_mount(option) else docker.parse_volume(option)


def _podman(option: str) -> MountRequest:
    option = _flags_off(option)
    return podman.parse_mount(option) if _is_mount(option) else podman.parse_volume(option)


def _mapping(option: str) -> Mapping[str, object]:
    try:
        value = json.loads(option)
    except (ValueError, RecursionError):
        raise OptionError(option, "not JSON, though it begins with {") from None
    return value if isinstance(value, Mapping) else {}


def _compose(option: str) -> MountRequest:
    return docker.parse_compose(_mapping(option) if option.startswith("{") else option)


def _propagation_mode(option: str) -> str | None:
    """Kubernetes' word in a line of a manifest (`mountPropagation: X`), or in the CRI's words; None for other text."""
    text = option.strip().removeprefix("- ")
    if text.startswith("mountPropagation"):
        return text.partition(":")[2].strip().strip("\"'")
    return kubernetes.CRI_MODES.get(text.rpartition(" ")[2].strip("\"',"))


def _kubernetes(option: str) -> MountRequest:
    option = _propagation_mode(option) or option
    if option.startswith("{"):
        mount = dict(_mapping(option))
        return kubernetes.parse_volume_mount(
            mount, str(mount.get("hostPath", mount.get("mountPath", ""))), privileged=True
        )
    mount = {"name": "netns", "mountPath": "/run/netns", "mountPropagation": option}
    return kubernetes.parse_volume_mount(mount, "/run/netns", privileged=True)


def _quadlet(option: str) -> MountRequest:
    key, _, value = option.partition("=")
    return podman.parse_quadlet(key.strip(), value.strip())


_PARSERS: dict[str, Callable[[str], MountRequest]] = {
    "docker": _docker,
    "podman": _podman,
    "compose": _compose,
    "quadlet": _quadlet,
    "oci": lambda option: oci.parse_mount(_mapping(option)),
    "kubernetes": _kubernetes,
}


def _explain_mount(options: Sequence[str]) -> Explanation:
    made = tuple(call for option in options for call in mount8.parse(option))
    words = {
        "MS_SHARED": "{}: mounts made on it, and on every copy made of it from now on, travel between them both ways",
        "MS_SLAVE": "{}: it receives from those it was shared with, and sends nothing; if private, it stays so",
        "MS_PRIVATE": "{}: it neither sends nor receives; copies that exist keep what they have",
        "MS_UNBINDABLE": "{}: it neither sends nor receives, and cannot be bound elsewhere",
    }
    travels = [
        words[name].format(call.target + (" and all mounts below it" if "MS_REC" in call.flags.spelled else ""))
        for call in made
        for name in words
        if name in call.flags.spelled
    ]
    return Explanation("mount", tuple(options), (), made, tuple(travels), ())


def _explain_unshare(options: Sequence[str]) -> Explanation:
    made: list[MountCall] = []
    travels: list[str] = []
    found: list[Pitfall] = []
    for option in options:
        word, called = unshare.parse(option)
        made += called
        travels += {
            "private": ["nothing travels either way: what the host mounts later is not seen, nor the other way round"],
            "slave": ["what the host mounts later appears in the new namespace; what is mounted there stays there"],
            "shared": ["mounts travel both ways where the host's are shared; the others become shared, with nobody"],
            "unchanged": ["each mount stays as it was: a peer of the host's where that is shared"],
        }[word]
        if word in ("private", "slave"):
            found.append(
                Pitfall(
                    "own-namespace",
                    f"namespaces made under /run/netns by what runs there are plain files for everybody else "
                    f"({'the default' if 'propagation' not in option else word}).",
                    "unshare --mount --propagation shared, or make namespaces from the host",
                )
            )
    return Explanation("unshare", tuple(options), (), tuple(made), tuple(travels), tuple(found))


def _explain_message(options: Sequence[str]) -> Explanation:
    found = [pitfall for option in options if (pitfall := recognise(option)) is not None]
    if not found:
        raise OptionError(options[0], "not a message that is known to be about mounts of namespaces")
    return Explanation("message", tuple(options), (), (), (), tuple(found))


def _explain_systemd(options: Sequence[str]) -> Explanation:
    settings: dict[str, list[str]] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or name.strip() not in _SYSTEMD:
            raise OptionError(option, f"{name.strip()}= has no part in mount propagation")
        settings.setdefault(name.strip(), []).append(value.strip())
    service = systemd.parse_service(settings)
    if not service.own_namespace:
        lines = ["the service shares the host's mount namespace: what it mounts, the host has"]
        return Explanation("systemd", tuple(options), service.binds, (), tuple(lines), ())
    lines = [
        f"the service has mounts of its own, because of {', '.join(service.because)}",
        "what the host mounts later appears in the service",
        "what the service mounts, and namespaces that it makes, appear neither on the host nor in other services",
    ]
    found = Pitfall(
        "own-namespace",
        "namespaces that the service makes under /run/netns are plain files for everybody else. If the service "
        "is a container engine, its containers agree with each other and not with the host.",
        f"take out {', '.join(service.because)}, or make namespaces from the host",
    )
    return Explanation("systemd", tuple(options), service.binds, tuple(systemd.calls(service)), tuple(lines), (found,))
