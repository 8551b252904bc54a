"""Numbers of the protocol (RFC 1035 section 4, RFC 6895; IANA, "Domain Name System (DNS) Parameters")."""

from typing import Final

PORT: Final = 53
HEADER_SIZE: Final = 12
QUESTION_TAIL: Final = 4  # type and class behind the name
NAME_MAX: Final = 255  # octets of a name in wire form
LABEL_MAX: Final = 63
LABELS_MAX: Final = 127

# Sizes of UDP payloads. 1232 goes through any network of IPv6 without a fragment (RFC 9715 section 3.1).
PLAIN_SIZE: Final = 512  # RFC 1035 section 4.2.1
EDNS_SIZE: Final = 1232
MESSAGE_MAX: Final = 65_535

QR: Final = 0x8000
OPCODE: Final = 0x7800
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
CD: Final = 0x0010
RCODE: Final = 0x000F
DO: Final = 0x8000  # of the OPT record's flags (RFC 6891 section 6.1.4)

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
BADVERS: Final = 16  # upper bits are in the OPT record

IN: Final = 1

A: Final = 1
NS: Final = 2
SOA: Final = 6
PTR: Final = 12
HINFO: Final = 13
AAAA: Final = 28
OPT: Final = 41
DS: Final = 43
DNSKEY: Final = 48
SVCB: Final = 64
HTTPS: Final = 65
TKEY: Final = 249
TSIG: Final = 250
IXFR: Final = 251
AXFR: Final = 252
MAILB: Final = 253
MAILA: Final = 254
ANY: Final = 255

# Extended errors (RFC 8914 section 4), which go with an answer to a guest that speaks EDNS.
EDE_OPTION: Final = 15
EDE_BLOCKED: Final = 15
EDE_PROHIBITED: Final = 18
EDE_NOT_SUPPORTED: Final = 21
EDE_NO_REACHABLE_AUTHORITY: Final = 22
