"""Network boot: `siaddr`, `sname` and `file` of the header, options 66 and 67 (RFC 2132 sections 9.4-9.5), by the
client's architecture (option 93, RFC 4578 section 2.1), and the vendor class that UEFI HTTP boot wants back (60).

Options 66 and 67 among a port's own are taken for the header as well, as dnsmasq does and boot ROMs expect.
"""

from ipaddress import AddressValueError, IPv4Address

from msgspec import Struct

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options


class BootChoice(Struct, frozen=True):
    """The server and the file for one client; empty when there is none."""

    server: bytes = b""
    bootfile: bytes = b""
    next_server: bytes = b""

    @property
    def siaddr(self) -> bytes:
        """The next server's address (RFC 2131 section 2): the given one, else the server, if that is an address."""
        return _packed(self.next_server or self.server)

    @property
    def is_in_siaddr(self) -> bool:
        return self.siaddr != wire.NO_ADDRESS and not self.next_server

    @property
    def sname(self) -> bytes:
        """The server's name for the header, empty when its address is there or the name does not fit."""
        return self.server if not self.is_in_siaddr and len(self.server) < wire.SNAME_SIZE else b""

    @property
    def file(self) -> bytes:
        """The boot file for the header, empty when it does not fit (it then goes out as option 67 in any case)."""
        return self.bootfile if len(self.bootfile) < wire.FILE_SIZE else b""


def _packed(address: bytes) -> bytes:
    try:
        return IPv4Address(address.decode("ascii", "replace")).packed
    except AddressValueError:
        return wire.NO_ADDRESS


def choose(facts: Facts) -> BootChoice:
    """The port's own options, else the boot file of iPXE, else that of the first of the client's architectures that has
    one, else that of HTTP boot, else the default."""
    server = bootfile = None
    if facts.boot:
        server, bootfile = facts.boot.tftp_server, facts.boot.bootfile
        by_architecture = {number: by for by in reversed(facts.boot.by_architecture) for number in by.architectures}
        sent = facts.ask.architectures or b""
        if facts.ask.http_boot and facts.boot.http:
            bootfile = facts.boot.http
        for at in range(0, len(sent) - 1, 2):
            if by := by_architecture.get(int.from_bytes(sent[at : at + 2], "big")):
                server, bootfile = by.tftp_server or server, by.bootfile
                break
        if facts.ask.ipxe and facts.boot.ipxe:
            server, bootfile = facts.boot.tftp_server, facts.boot.ipxe
    return BootChoice(
        facts.explicit.get(wire.TFTP_SERVER_NAME, (server or "").encode()),
        facts.explicit.get(wire.BOOTFILE_NAME, (bootfile or "").encode()),
        ((facts.boot and facts.boot.next_server) or "").encode(),
    )


def options(facts: Facts) -> Options:
    choice = choose(facts)
    result = {wire.TFTP_SERVER_NAME: choice.server, wire.BOOTFILE_NAME: choice.bootfile}
    if facts.ask.http_boot and choice.bootfile.startswith((b"http://", b"https://")):
        result[wire.VENDOR_CLASS] = b"HTTPClient"
    return result
