"""Resolves the name given with c-ares, by way of ctypes: `c_ares.py LIBRARY NAME [4|6]`, an address a line. It runs by
itself, in a guest, with the guest's /etc/resolv.conf."""

import ctypes
import select
import socket
import sys

_SOCKETS = 16  # ARES_GETSOCK_MAXNUM


class _Hostent(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("aliases", ctypes.POINTER(ctypes.c_char_p)),
        ("family", ctypes.c_int),
        ("length", ctypes.c_int),
        ("addresses", ctypes.POINTER(ctypes.c_void_p)),
    )


_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Hostent))


def main(library: str, name: str, version: str = "4") -> int:
    ares = ctypes.CDLL(library)
    ares.ares_strerror.restype = ctypes.c_char_p
    channel = ctypes.c_void_p()
    ares.ares_library_init(1)
    ares.ares_init(ctypes.byref(channel))
    said: list[int] = []

    def heard(_: object, status: int, __: int, found: "ctypes._Pointer[_Hostent]") -> None:
        said.append(status)
        if status:
            print(ares.ares_strerror(status).decode(), file=sys.stderr)
            return
        host, at = found.contents, 0
        while host.addresses[at]:
            print(socket.inet_ntop(host.family, ctypes.string_at(host.addresses[at], host.length)))
            at += 1

    callback = _Callback(heard)
    ares.ares_gethostbyname(
        channel, name.encode(), socket.AF_INET if version == "4" else socket.AF_INET6, callback, None
    )
    sockets = (ctypes.c_int * _SOCKETS)()
    while bits := ares.ares_getsock(channel, sockets, _SOCKETS):
        asked = select.poll()
        for at in range(_SOCKETS):
            wanted = select.POLLIN * (bits >> at & 1) | select.POLLOUT * (bits >> (at + _SOCKETS) & 1)
            if wanted:
                asked.register(sockets[at], wanted)
        for one, event in asked.poll(1000) or [(-1, 0)]:
            ares.ares_process_fd(channel, one if event & ~select.POLLOUT else -1, one if event & select.POLLOUT else -1)
    return said[0] if said else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
