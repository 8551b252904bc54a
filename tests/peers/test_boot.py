"""A guest that boots from the network is told of the boot file for its architecture (option 93, RFC 4578)."""

import pytest
from tests.peers.clients import Udhcpc
from tests.peers.guests import make_guest, network, port, wait_for_device
from tests.peers.node import Node

BOOT = {
    "tftp_server": "10.20.0.66",
    "bootfile": "undionly.kpxe",
    "by_architecture": [
        {"architectures": ["x64-uefi", 9], "bootfile": "ipxe.efi"},
        {"architectures": ["arm64-uefi"], "bootfile": "ipxe-arm64.efi", "tftp_server": "10.20.0.67"},
    ],
}


@pytest.mark.parametrize(
    ("architecture", "bootfile", "server"),
    [
        ("0000", "undionly.kpxe", "10.20.0.66"),
        ("0007", "ipxe.efi", "10.20.0.66"),
        ("0009", "ipxe.efi", "10.20.0.66"),
        ("000b", "ipxe-arm64.efi", "10.20.0.67"),
        (None, "undionly.kpxe", "10.20.0.66"),
    ],
)
def test_boot_options_by_architecture(architecture: str | None, bootfile: str, server: str) -> None:
    guest = make_guest("guest")
    with Node(network("net", port("guest", "fa:16:3e:00:20:11", "10.20.0.11"), boot=BOOT)):
        wait_for_device(guest)
        client = Udhcpc(guest)
        if architecture is not None:
            client.arguments = ("-x", f"93:{architecture}", "-V", "PXEClient")
        told = client.get().variables
        # udhcpc shows the header's fields as siaddr and boot_file, options 66 and 67 as tftp and bootfile
        assert told.get("siaddr") == server
        assert bootfile in (told.get("boot_file"), told.get("bootfile"))
