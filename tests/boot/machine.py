"""A machine of QEMU on a tap of netmend's: with Debian's firmware and no disk, so that it can only boot from the
network, or with Debian on a disk.

It is emulated (TCG), also where the host has KVM: it behaves the same everywhere. It takes up to a minute, with Debian
two.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.peers.node import HOME

_TOOLS = Path(__file__).parents[2] / ".tools"
_SYSTEM = _TOOLS / "root" / "usr"
_SHARE = _SYSTEM / "share"
_IPXE = _SYSTEM / "lib" / "ipxe"
_DATA = (_SHARE / "qemu", _SHARE / "seabios", _IPXE / "qemu")
DEBIAN = _TOOLS / "debian-vm"  # made by tools/debian-vm
BINARIES = {"undionly.kpxe": _IPXE / "undionly.kpxe", "ipxe.efi": _SYSTEM.parent / "boot" / "ipxe.efi"}


class Machine:
    """One machine, from power-on until it is left."""

    def __init__(self, tap: str, mac: str, *arguments: str) -> None:
        self._console = HOME / "console"
        (modules,) = _SYSTEM.glob("lib/*-linux-gnu/qemu")
        self._environment = {**os.environ, "QEMU_MODULE_DIR": str(modules)}
        self._command = [
            "qemu-system-x86_64", *(word for path in _DATA for word in ("-L", str(path))),
            "-accel", "tcg,thread=single", "-m", "512", "-display", "none", "-vga", "none", "-no-reboot", "-nodefaults",
            "-serial", f"file:{self._console}", "-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no",
            *(argument.replace("MAC", mac) for argument in arguments),
        ]  # fmt: skip

    def __enter__(self) -> Self:
        with (HOME / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def console(self) -> str:
        """What it has said on its serial console."""
        return self._console.read_text(errors="replace").replace("\r\n", "\n") if self._console.exists() else ""

    def explain(self) -> str:
        """What it has said on its serial console, and QEMU of itself."""
        said = [
            path.read_text(errors="replace")[-4000:] for path in (HOME / "qemu.log", self._console) if path.exists()
        ]
        return "\n".join(said)


def bios(tap: str, mac: str, card: str = "e1000") -> Machine:
    """SeaBIOS, and the boot ROM of the network card, which is iPXE."""
    return Machine(tap, mac, "-machine", "pc,graphics=off", "-device", f"{card},netdev=net,mac=MAC,bootindex=1")


def uefi(tap: str, mac: str, *settings: str) -> Machine:
    """OVMF, with its own PXE and HTTP boot; `settings` are files of fw_cfg, NAME=TEXT."""
    HOME.mkdir(exist_ok=True)
    variables = HOME / "variables"
    variables.write_bytes((_SHARE / "OVMF" / "OVMF_VARS_4M.fd").read_bytes())
    arguments = ["-machine", "q35,graphics=off", "-device", "virtio-rng-pci"]
    arguments += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={_SHARE / 'OVMF' / 'OVMF_CODE_4M.fd'}"]
    arguments += ["-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
    arguments += ["-device", "virtio-net-pci,netdev=net,mac=MAC,romfile=,bootindex=1"]
    for setting in settings:
        name, _, text = setting.partition("=")
        arguments += ["-fw_cfg", f"name={name},string={text}"]
    return Machine(tap, mac, *arguments)


def debian(tap: str, mac: str, smbios: Mapping[str, str]) -> Machine:
    """Debian from tools/debian-vm, as if for the first time. `smbios` says of which cloud it is: fields of type 1."""
    system = ",".join(f"{field}={value}" for field, value in smbios.items())
    return Machine(
        tap, mac, "-machine", "pc,graphics=off", "-device", "virtio-rng-pci",
        "-kernel", str(DEBIAN / "vmlinuz"), "-initrd", str(DEBIAN / "initrd.img"),
        "-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 systemd.show_status=true",
        "-drive", f"file={DEBIAN / 'root.ext4'},if=virtio,format=raw,snapshot=on", "-smbios", f"type=1,{system}",
        "-device", "virtio-net-pci,netdev=net,mac=MAC,romfile=",
    )  # fmt: skip
