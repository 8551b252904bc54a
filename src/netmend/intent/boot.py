"""What a guest that boots from the network is told (RFC 2132 sections 9.4-9.5, RFC 4578)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BootByArchitecture:
    """A boot file for guests that name one of `architectures` in option 93 (RFC 4578 section 2.1)."""

    architectures: frozenset[int]
    bootfile: str
    tftp_server: str | None = None  # None: the server of the Boot it belongs to


@dataclass(frozen=True, slots=True)
class Boot:
    """Boot options: option 66/`siaddr` (TFTP server, an address or a name) and option 67/`file` (boot file)."""

    tftp_server: str | None = None
    bootfile: str | None = None  # None: no boot file for guests of other architectures
    by_architecture: tuple[BootByArchitecture, ...] = ()
    next_server: str | None = None  # the address for `siaddr`, where it is not the TFTP server's
