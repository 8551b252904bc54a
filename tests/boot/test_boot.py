"""Machines boot from a network of netmend's: from power-on to the second stage, and once."""

from tests.boot import machine
from tests.boot.boot_server import Answer, BootServer
from tests.boot.machine import BINARIES, Machine
from tests.peers.guests import make_guest
from tests.peers.node import Document, Node
from tests.waiting import wait_for

from netmend.intent.names import id_from_name, tap_name

MAC = "52:54:00:30:00:01"
TAP = tap_name(id_from_name("port", "pxe", "vm"))
LIMIT = 240.0  # seconds: it takes 10 to 60, on a machine that does nothing else
SCRIPT = b"""#!ipxe
imgfetch http://10.30.0.66/done?mac=${netX/mac}&ip=${netX/ip} ||
sleep 3600
"""
SCRIPT6 = SCRIPT.replace(b"10.30.0.66", b"[2001:db8:30::66]").replace(b"netX/ip}", b"netX/ip6}")
FOUR = {
    "cidr": "10.30.0.0/24",
    "boot": {
        "tftp_server": "10.30.0.66",
        "bootfile": "undionly.kpxe",
        "by_architecture": [
            {"architectures": ["x64-uefi"], "bootfile": "ipxe.efi"},
            {"architectures": ["x64-uefi-http"], "bootfile": "http://10.30.0.66/ipxe.efi"},
        ],
        "ipxe": "http://10.30.0.66/script",
    },
}
SIX = {
    "cidr": "2001:db8:30::/64",
    "bootfile_url": "tftp://[2001:db8:30::66]/ipxe.efi",
    "ipxe_bootfile_url": "http://[2001:db8:30::66]/script",
}
# OVMF tries PXE over IPv4, PXE over IPv6, HTTP over IPv4, HTTP over IPv6
NO_PXE = ("opt/org.tianocore/IPv4PXESupport=n", "opt/org.tianocore/IPv6PXESupport=n")
ADDRESSES = {"10.30.0.0/24": ("10.30.0.11", "10.30.0.66"), "2001:db8:30::/64": ("2001:db8:30::11", "2001:db8:30::66")}


def intent(*subnets: Document) -> Document:
    of_vm, of_server = zip(*(ADDRESSES[subnet["cidr"]] for subnet in subnets), strict=True)
    ports = [
        {"name": "vm", "mac": MAC, "fixed_ips": list(of_vm), "plug": {"tap": {"owner": 0}}},
        {"name": "server", "fixed_ips": list(of_server), "plug": {"netns": "server"}},
    ]
    return {"name": "pxe", "subnets": list(subnets), "ports": ports}


def boot(vm: Machine, *subnets: Document, script: Answer = SCRIPT) -> tuple[list[str], list[str]]:
    """Power on; the files that TFTP sent, and what HTTP was asked for, until the second stage said that it runs."""
    guest = make_guest("server")
    pages: dict[str, Answer] = {"/script": script, "/done": b"done", "/ipxe.efi": BINARIES["ipxe.efi"].read_bytes()}
    addresses = [f"{ADDRESSES[s['cidr']][1]}/{s['cidr'].partition('/')[2]}" for s in subnets]
    with Node(intent(*subnets)) as node:
        node.wait_until_right()
        with BootServer(guest, addresses, pages) as server, vm:
            wait_for(
                lambda: any(path.startswith("/done") for path in server.pages),
                "the second stage says that it runs",
                lambda: f"{server.explain()}\n{vm.explain()}\n{node.explain()}",
                seconds=LIMIT,
                every=0.5,
            )
            return server.files, server.pages


def test_bios() -> None:
    files, pages = boot(machine.bios(TAP, MAC), FOUR)
    assert (files, pages) == ([], ["/script", f"/done?mac={MAC}&ip=10.30.0.11"])


def test_bios_by_way_of_another_ipxe() -> None:
    """The ROM of the card loads undionly.kpxe, which asks DHCP again."""
    scripts = iter((b"#!ipxe\nchain tftp://10.30.0.66/undionly.kpxe\n", SCRIPT))
    files, pages = boot(machine.bios(TAP, MAC), FOUR, script=lambda: next(scripts))
    assert files == ["undionly.kpxe"]
    assert pages == ["/script", "/script", f"/done?mac={MAC}&ip=10.30.0.11"]


def test_uefi_pxe() -> None:
    files, pages = boot(machine.uefi(TAP, MAC), FOUR)
    assert files == ["ipxe.efi"]
    assert pages == ["/script", f"/done?mac={MAC}&ip=10.30.0.11"]


def test_uefi_http() -> None:
    files, pages = boot(machine.uefi(TAP, MAC, *NO_PXE), FOUR)
    assert files == []
    assert pages == ["/ipxe.efi", "/script", f"/done?mac={MAC}&ip=10.30.0.11"]


def test_uefi_pxe_over_ipv6() -> None:
    files, pages = boot(machine.uefi(TAP, MAC, NO_PXE[0]), SIX, script=SCRIPT6)
    assert files == ["ipxe.efi"]
    assert pages == ["/script", f"/done?mac={MAC}&ip=2001:db8:30::11"]
