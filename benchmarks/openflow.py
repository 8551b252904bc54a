"""What reading flows costs: netmend's codec beside os-ken's, the library of Neutron's agent.

    python -m benchmarks.openflow [FLOWS]

Prints, for each codec in a process of its own: seconds and memory of loading it, and of decoding so many flows as
Neutron's firewall writes them, from the octets that a switch sends. os-ken is no dependency; where it is not installed,
only netmend's numbers come.
"""

import resource
import struct
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

_PART = 250  # flows a message: below 64 KiB


def answer(count: int) -> list[bytes]:
    """The switch's answer: rules of many ports, with conntrack and registers."""
    from netmend.ground.openflow.actions import Conjunction, Ct, Load, Resubmit, Span
    from netmend.ground.openflow.fields import BY_TITLE
    from netmend.ground.openflow.flow import Flow
    from netmend.kernel.openflow.actions import encode_instructions
    from netmend.kernel.openflow.messages import VERSION_1_4
    from netmend.kernel.openflow.oxm import encode_match

    register = Span(BY_TITLE["NXM_NX_REG5"], 0, 32)
    zone = Span(BY_TITLE["NXM_NX_REG6"], 0, 16)
    whole = 0xFFFFFFFF
    bodies = []
    for number in range(count):
        match = {"eth_type": (0x800, 0xFFFF), "reg5": (number, whole), "ct_state": (0x21, 0x21), "nw_proto": (6, 255)}
        match |= {"nw_src": (number, whole), "tp_dst": (number & 0xFFF0, 0xFFF0)}
        actions = ((Ct(table=72, zone=zone),), (Load(number, register), Resubmit(81)), (Conjunction(number, 1, 2),))
        flow = Flow(72, 77, match, actions[number % 3])
        body = encode_match(flow.match) + encode_instructions(flow.actions)
        head = struct.pack("!HBxIIHHHHHxxQQQ", 48 + len(body), 72, 0, 0, 77, 0, 0, 0, 0, 17, 0, 0)
        bodies.append(head + body)
    parts = []
    for start in range(0, count, _PART):
        body = b"".join(bodies[start : start + _PART])
        parts.append(struct.pack("!BBHIHH4x", VERSION_1_4, 19, 16 + len(body), 1, 1, 0) + body)
    return parts


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(parts: list[bytes]) -> int:
    from netmend.kernel.openflow.messages import decode_flows

    return len([flow for part in parts for flow in decode_flows(part, 16, len(part))])


def os_kens(parts: list[bytes]) -> int:
    parser, protocol, version = (
        import_module(f"os_ken.ofproto.{name}") for name in ("ofproto_parser", "ofproto_protocol", "ofproto_v1_4")
    )
    import_module("os_ken.ofproto.ofproto_v1_4_parser")  # it registers itself
    datapath = protocol.ProtocolDesc(version=version.OFP_VERSION)
    kept: list[Any] = []
    for part in parts:
        kept += parser.msg(datapath, *parser.header(part), part).body
    return len(kept)


def measure(name: str, count: int) -> None:
    """In this process."""
    read = {"netmend": ours, "os-ken": os_kens}[name]
    before, began = megabytes(), time.process_time()
    read([])
    loaded, loading = megabytes(), time.process_time() - began
    parts = answer(count)
    with_answer, began = megabytes(), time.process_time()
    assert read(parts) == count
    took = time.process_time() - began
    print(
        f"{name}: loaded in {loading:.2f} s and {loaded - before:.0f} MB; "
        f"{count:,} flows in {took:.2f} s and {megabytes() - with_answer:.0f} MB"
    )


def main() -> None:
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    count = sys.argv[1] if len(sys.argv) == 2 else "10000"
    for name in ("netmend", "os-ken"):
        done = subprocess.run([sys.executable, "-m", "benchmarks.openflow", name, count], check=False)
        if done.returncode:
            print(f"{name}: it could not be measured; is it installed?")


if __name__ == "__main__":
    main()
