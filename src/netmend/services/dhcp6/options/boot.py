"""Network boot: the URL of the boot file (59), RFC 5970 section 3.1. A client that is iPXE already
may get another, which ends the chain. Its parameters (60) are an option of a port or subnet."""

from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.options.facts import Facts, Options


def options(facts: Facts) -> Options:
    url = (facts.ask.ipxe and facts.subnet.ipxe_bootfile_url) or facts.subnet.bootfile_url
    return {wire.BOOTFILE_URL: (url or "").encode()}
