"""Nothing living is ever deleted: living devices of all kinds among many that are dead, in random mixes.

NETMEND_SWEEP_MIXES, NETMEND_SWEEP_DEAD and NETMEND_SWEEP_LIVING set the number of mixes and of devices in each; every
night: 200, 10000, 1000.
"""

import os
import random
from pathlib import Path

import pytest
from tests.kernel.sweep.host import DEAD, LIVING, Host, device_states, has_tun

from netmend.sweep import sweep
from netmend.sweep.kinds import KINDS
from netmend.sweep.known import Known

MIXES = int(os.environ.get("NETMEND_SWEEP_MIXES", "4"))
DEAD_DEVICES = int(os.environ.get("NETMEND_SWEEP_DEAD", "300"))
LIVING_DEVICES = int(os.environ.get("NETMEND_SWEEP_LIVING", "60"))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("mix", range(MIXES))
def test_no_living_device_is_deleted(mix: int) -> None:
    if not has_tun():
        pytest.skip("needs /dev/net/tun")
    chance = random.Random(mix)
    host = Host(chance)
    host.other.link("set", index=1, state="up")  # or no route may lead anywhere
    living: set[str] = set()
    dead: set[str] = set()
    every = list(LIVING)
    while len(dead) < DEAD_DEVICES or len(living) < LIVING_DEVICES:
        if len(living) < LIVING_DEVICES and chance.random() < 0.3:
            living.update((every.pop() if every else chance.choice(LIVING))(host))
        elif len(dead) < DEAD_DEVICES:
            dead.update(chance.choice(DEAD)(host))
    before = {key: state for key, state in device_states().items() if key[1] not in dead}
    options = sweep.Options(
        kinds=tuple(KINDS),
        min_age=0,
        known=Known(frozenset(host.known)),
        assume_all_seen=True,
        state=Path("/run/state"),
    )
    findings = sweep.find(options)
    result = sweep.carry_out(options, findings, lambda count: None)
    after = device_states()
    assert {key: state for key, state in after.items() if key in before} == before, "a living device was touched"
    assert not dead & {name for _, name in after}, "a dead device was kept"
    assert result.outcome.deleted == len(dead)
    assert not result.outcome.failed and not result.outcome.spared
