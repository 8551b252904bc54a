"""Auto-configure (116): RFC 2563. Answered in an OFFER to a client that sent it.

"May auto-configure" (1), unless the port's own options say otherwise. Together with an address its value is moot; a
port without an address here and with `auto-config: false` is told to stay without one (see `exchange`).
"""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.options.facts import Facts, Options

DO_NOT, MAY = b"\x00", b"\x01"


def options(facts: Facts) -> Options:
    return {wire.AUTO_CONFIGURE: MAY}
