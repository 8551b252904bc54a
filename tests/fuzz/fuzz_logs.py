"""Coverage-guided fuzzing of the readers of logs: framing, formats, clocks and signatures.

PYTHONPATH=. python tests/fuzz/fuzz_logs.py [libFuzzer options, such as -max_total_time=60]

An input is a log file: any octets. Found are exceptions but the reader's own, reports that cannot be printed, and
inputs that take too long.
"""

import json
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["netmend.forensics"]):
    from netmend.forensics import console, page, reading, report
    from netmend.forensics.report_json import to_json

from io import StringIO

from rich.console import Console
from tests.fuzz.campaign import run

SEEDS = [
    b"2026-01-01 00:00:01.123 7 ERROR neutron.agent.linux.utils [-] Exit code: 1; Stdin: ; Stderr: failed\n",
    b"Jan  1 00:00:02 host neutron-dhcp-agent[12]: WARNING text\n<13>1 2026-01-01T00:00:03Z h a 1 - - m\n",
    b'{"log":"line\\n","stream":"stderr","time":"2026-01-01T00:00:04.1Z"}\n{"a":1,"message":"x"}\n',
    b"2026-01-01T00:00:05.000000001Z stderr P part\n2026-01-01T00:00:05.000000002Z stderr F rest\n",
    b'{"__REALTIME_TIMESTAMP":"1767225600000000","MESSAGE":"m","PRIORITY":"3"}\n',
    b"__REALTIME_TIMESTAMP=1767225600000000\nMESSAGE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=3\n\n",
    b'[    1.234567] oom-killer: invoked\nlevel=error ts=2026-01-01T00:00:06Z msg="x y"\nTraceback (most recent\n',
    b'[{"stream":{"a":"b"},"values":[["1767225600000000000","line"]]}]\n',
]
PATH = Path(tempfile.mkdtemp()) / "log"


def one_input(data: bytes) -> None:
    PATH.write_bytes(data)
    try:
        found = report.read([str(PATH)], (), (), (), None)
    except reading.UnreadableLog:
        return
    Console(file=StringIO(), width=100).print(console.render(found))
    json.dumps(to_json(found))
    page.render(found)


if __name__ == "__main__":
    run(one_input, [*SEEDS, b"".join(SEEDS)])
