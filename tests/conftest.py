"""Programs that set-up made come first on `PATH`, also when pytest is started by hand (tools/README.md)."""

import os
from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / ".tools" / "bin"

if str(PROGRAMS) not in os.environ["PATH"].split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
