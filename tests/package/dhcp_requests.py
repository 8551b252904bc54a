"""A guest that asks for its address ten times a second, at the host's end of a DHCP port.

python -m tests.package.dhcp_requests DEVICE MAC ADDRESS SECONDS

Prints JSON: how many DISCOVERs were `sent`, how many of them nobody answered, not even late (`lost`), and the longest
time without an answer (`gap`), in seconds. A client asks again after 4 s (RFC 2131 section 4.1).
"""

import json
import sys
import time
from itertools import pairwise

from benchmarks.guests import Guests

EVERY = 0.1  # seconds
LATE = 5.0  # seconds that the last answers may take


def ask(device: str, mac: str, address: str, seconds: float) -> dict[str, float]:
    """Ask for so many seconds."""
    guest = Guests([device], [mac], [address])
    start = time.monotonic()
    sent, answers = 0, [start]

    def hear(until: float) -> None:
        while guest.hear(until) is not None:
            answers.append(time.monotonic())

    while (now := time.monotonic()) < start + seconds:
        guest.send(0)
        sent += 1
        hear(now + EVERY)
    end = time.monotonic()
    hear(end + LATE)
    gap = max(later - earlier for earlier, later in pairwise([*answers, max(end, answers[-1])]))
    return {"sent": sent, "lost": sent - (len(answers) - 1), "gap": round(gap, 2)}


if __name__ == "__main__":
    print(json.dumps(ask(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))))
