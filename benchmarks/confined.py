"""Runs a measurement in a sandbox of its own and brings back what it found."""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from netmend.kernel import links, sandbox
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns


class MeasurementFailed(Exception):
    """What went on in the sandbox ended badly; the traceback is on standard error."""


def confined(measure: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What `measure` returns for these arguments, run as uid 0 in a sandbox; it must be JSON.

    Nothing of it is left when this returns. As root, the sandbox stays in the user namespace of the host, as a node
    on a host is; else it has its own. The kernel takes namespaces apart after their last user has gone, in a thread of
    its own and for a long time when they are many; this waits for that, so that it does not fall on the next
    measurement.
    Raises MeasurementFailed, SandboxUnavailable.
    """
    answer = os.memfd_create("measurement")

    def run() -> int:
        try:
            found = measure(*arguments, **options)
        except BaseException:
            traceback.print_exc()
            return 70
        with os.fdopen(os.dup(answer), "w") as out:
            json.dump(found, out)
        return 0

    try:
        sys.stdout.flush()
        code = sandbox.run(run, user_namespace=os.geteuid() != 0)
        wait_for_kernel()
        if code != 0:
            raise MeasurementFailed(f"the measurement ended with code {code}")
        os.lseek(answer, 0, os.SEEK_SET)
        with os.fdopen(os.dup(answer)) as found:
            return json.load(found)
    finally:
        os.close(answer)


def wait_for_kernel() -> None:
    """Until all network namespaces that are no longer used have been taken apart.

    The kernel does that in order, in batches (net/core/net_namespace.c, cleanup_net): once one of our own is gone
    that came after the others, so are they. Its end shows in its veth's near end. The first may have joined the batch
    of the others; the second comes after it.
    """
    sandbox.run(_see_two_end, user_namespace=os.geteuid() != 0)


def _see_two_end() -> int:
    with RouteSocket() as route:
        for number in range(2):
            name = f"end{number}"
            with Netns.create(name) as made, made:
                links.create_veth(route, VethEnd(name, 1500, 0), VethEnd("far", 1500, 0), made)
            while links.find_link(route, name) is not None:
                time.sleep(0.02)
    return 0
