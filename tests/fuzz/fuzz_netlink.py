"""Coverage-guided fuzzing of the readers of netlink's messages and of what a switch's database answers.

PYTHONPATH=. python tests/fuzz/fuzz_netlink.py [libFuzzer options, such as -max_total_time=60]

An input begins with an octet that chooses the reader; the rest is what it reads: a datagram of netlink, attributes, or
a stream of JSON messages (RFC 7047). Found are exceptions but KernelError, and inputs that take too long.
"""

import json
import socket
import time

import atheris

with atheris.instrument_imports(include=["netmend.kernel"]):
    from netmend.kernel import netlink
    from netmend.kernel.errors import KernelError
    from netmend.kernel.ovsdb.stream import Stream

from tests.fuzz.campaign import run

ADDRESS = "\0netmend-fuzz"


def one_input(data: bytes) -> None:
    kind, rest = data[:1] or b"\0", data[1:]
    match kind[0] % 3:
        case 0:
            for message in netlink.messages(rest):
                assert len(message) == 4
            list(netlink.notifications(rest))
        case 1:
            for value in netlink.parse_attributes(rest).values():
                netlink.parse_attributes(value)
        case _:
            stream(rest)


def stream(data: bytes) -> None:
    """Have a stream read these octets, after which the other side closes."""
    made = object.__new__(Stream)
    ours, theirs = socket.socketpair()
    made._remote, made._timeout, made._raw, made._socket = "unix:/x", 0.2, bytearray(), ours
    made._decoder = json.JSONDecoder()
    try:
        theirs.sendall(data[:60_000])
        theirs.close()
        while True:
            made.receive(time.monotonic() + 0.2)
    except KernelError:
        pass
    finally:
        ours.close()


def seeds() -> list[bytes]:
    link = b"\x2c\0\0\0\x10\0\0\0\1\0\0\0\0\0\0\0" + bytes(16) + netlink.text(3, "tapx") + netlink.u32(4, 1500)
    nested = netlink.nested(18, netlink.text(1, "veth"), netlink.nested(2, netlink.u32(1, 7)))
    row = b'{"id":1,"error":null,"result":[{"rows":[{"_uuid":["uuid","x"],"name":"a"}]}]}'
    return [
        b"\0" + link,
        b"\1" + nested + netlink.text(3, "x"),
        b"\2" + row,
        b"\2" + row + b'{"method":"echo","id":"e","params":[]}',
    ]


if __name__ == "__main__":
    run(one_input, seeds())
