"""Scenarios of every kind, the same ones for the same seed: one a line.

python -m tests.engine.scenarios.generate SEED COUNT >FILE.jsonl
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

OPTIONS = ("", ":private", ":rprivate", ":shared", ":rshared", ":slave", ":rslave", ":ro", ":ro,shared", ":rslave,z")
SETS = (
    ("/run/netns:/run/netns{0}",),
    ("/run/netns:/run/netns{0}",),
    ("/run/netns:/run/netns{0}",),
    ("/var/run/netns:/var/run/netns{0}",),
    ("/run:/run{0}",),
    ("/run:/hostrun{0}",),
    ("/run:/run{0}", "/run/netns:/run/netns{1}"),
    ("/run/netns:/run/netns{0}", "/run:/hostrun{1}"),
    ("/run/netns:/run/netns{0}", "/run/netns:/mnt/netns{1}"),
    ("/run/netns:/run/netns{0}", "/run/new:/run/netns/new{1}"),
    (),
)
MOUNTS = ("type=bind,source=/run/netns,target=/run/netns{0}", "type=bind,src=/run,dst=/run,bind-nonrecursive{0}")
NAMES = ("t0", "t1", "t2")
PATHS = ("/run/netns", "/run/netns/t0", "/run/other")  # not /run: containerd's own sockets are there


def scenario(seed: int, number: int) -> dict[str, Any]:
    rng = random.Random(f"{seed}/{number}")
    names = ["a", "b", "c"][: rng.choice([1, 2, 2, 2, 3])]
    containers = {name: _container(rng) for name in names}
    steps: list[dict[str, Any]] = [{"start": name} for name in names[: rng.randint(1, len(names))]]
    steps += [step for _ in range(rng.randint(8, 16)) for step in _steps(rng, names)]
    return {
        "name": f"G{seed}-{number}",
        "engine": "docker",
        "host": {
            "run": rng.choice(["shared", "shared", "shared", "private"]),
            "netns_mount": rng.choice(["none", "none", "none", "bind", "shared", "private", "slave", "rshared"]),
        },
        "containers": containers,
        "steps": steps,
    }


def _container(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.1:
        propagation = rng.choice(["", "private", "rshared", "slave"])
        return {"mounts": [rng.choice(MOUNTS).format(f",bind-propagation={propagation}" if propagation else "")]}
    return {"volumes": [volume.format(*rng.choices(OPTIONS, k=2)) for volume in rng.choice(SETS)]}


def _steps(rng: random.Random, names: list[str]) -> list[dict[str, Any]]:
    place = rng.choice([*names, "host"])
    netns = rng.choice(NAMES)
    kind = rng.random()
    if kind < 0.35:
        return [{"add": {"in": place, "netns": netns}}, {"probe": netns}]
    if kind < 0.5:
        return [{"delete": {"in": place, "netns": netns}}, {"probe": netns}]
    if kind < 0.62:
        return [{rng.choice(["start", "restart", "restart", "stop"]): rng.choice(names)}, {"probe": netns}]
    if kind < 0.66:
        return [{"rm": rng.choice(names)}]
    if kind < 0.72:
        return [{"rm": {"in": place, "netns": netns}}, {"probe": netns}]
    if kind < 0.8:
        path = rng.choice(PATHS)
        return [{"umount": {"in": place, "path": path, "lazy": rng.random() < 0.7}}, {"probe": netns}]
    if kind < 0.9:
        word = rng.choice(["private", "shared", "slave", "rshared", "rslave", "rprivate", "unbindable"])
        return [{"make": {"in": place, "path": rng.choice(PATHS), "propagation": word}}, {"probe": netns}]
    source, path = rng.choice(
        [("/run/netns", "/run/netns"), ("/run", "/run/other"), ("/run/netns/t0", "/run/netns/t1")]
    )
    step: dict[str, Any] = {"in": place, "source": source, "path": path, "recursive": rng.random() < 0.5}
    if rng.random() < 0.3:
        step["propagation"] = rng.choice(["private", "rshared", "slave"])
    return [{"mount": step}, {"probe": netns}]


def main() -> None:
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    for number in range(count):
        print(json.dumps(scenario(seed, number)))


if __name__ == "__main__":
    main()
