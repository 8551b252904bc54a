"""Network boot: the URL of the boot file (59), RFC 5970 section 3.1. Its parameters (60) are a port's own option."""

from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.options.facts import Facts, Options


def options(facts: Facts) -> Options:
    return {wire.BOOTFILE_URL: (facts.subnet.bootfile_url or "").encode()}
