"""Programs that set-up made come first on `PATH`, also when pytest is started by hand (tools/README.md); property tests
are not timed, for the machine may be busy with other things."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

PROGRAMS = Path(__file__).parents[1] / ".tools" / "bin"

if str(PROGRAMS) not in os.environ["PATH"].split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])

settings.register_profile("netmend", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("netmend")
