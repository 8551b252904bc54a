"""Coverage-guided fuzzing of the parser of /proc/PID/mountinfo (proc_pid_mountinfo(5)).

PYTHONPATH=. python tests/fuzz/fuzz_mountinfo.py [libFuzzer options, such as -max_total_time=60]

An input is a file: any octets. Found are exceptions but the parser's own, fields that cannot be read of a mount that
was taken, and inputs that take too long.
"""

import atheris

with atheris.instrument_imports(include=["netmend.propagation"]):
    from netmend.doctor.pasted import BadCopy, observe_copies

from tests.fuzz.campaign import run

from netmend.doctor.diagnose import diagnose
from netmend.doctor.report import to_json, to_text

SEEDS = [
    b"21 1 0:20 / / rw,relatime shared:1 - tmpfs none rw\n22 21 0:21 / /run/netns rw - tmpfs tmpfs rw\n",
    b"23 22 0:4 net:[4026532000] /run/netns/qdhcp-x rw shared:5 master:2 propagate_from:1 - nsfs nsfs rw\n",
    b"24 22 0:4 net:[4026532001] /run/netns/qdhcp-y//deleted rw unbindable - nsfs nsfs rw\n",
    b"25 22 8:1 /a\\040b\\011c\\134d /mnt/a\\040b ro - ext4 /dev/sda1 rw,errors=remount-ro\n",
]


def one_input(data: bytes) -> None:
    half = data.find(b"\xff")
    copies = {"host": ("one", data[:half] if half >= 0 else data)}
    if half >= 0:
        copies["other"] = ("two", data[half + 1 :])
    try:
        observation = observe_copies(copies)
    except BadCopy:
        return
    findings = diagnose(observation)
    to_json(observation, findings)
    list(to_text(observation, findings))


if __name__ == "__main__":
    whole = b"".join(SEEDS)
    run(one_input, [*SEEDS, whole, whole + b"\xff" + whole.replace(b"shared:1", b"master:1")])
