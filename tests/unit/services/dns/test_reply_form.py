"""Headers, EDNS, sizes and errors: what a query's form alone decides."""

from typing import Any

import dns.edns
import dns.flags
import dns.message
import pytest
from tests.unit.services.dns.asker import Server, code, data, network, port, subnet

from netmend.intent import Dns


def query(name: str = "web.office.example.", rdtype: str = "A") -> bytearray:
    return bytearray(dns.message.make_query(name, rdtype, use_edns=False).to_wire())


def rcode_of(answer: bytes | None) -> int:
    assert answer is not None
    assert answer[2] & 0x80
    return answer[3] & 15


class TestHeader:
    def test_what_is_too_short_is_met_with_silence(self) -> None:
        for size in range(12):
            assert Server().raw(bytes(query()[:size])) is None

    def test_an_answer_is_never_answered(self) -> None:
        message = query()
        message[2] |= 0x80
        assert Server().raw(bytes(message)) is None

    @pytest.mark.parametrize("opcode", range(1, 16))
    def test_other_operations_are_not_implemented(self, opcode: int) -> None:
        message = query()
        message[2] |= opcode << 3
        answer = Server().raw(bytes(message))
        assert rcode_of(answer) == 4
        assert answer is not None and answer[:2] == message[:2] and answer[2] >> 3 & 15 == opcode

    @pytest.mark.parametrize(
        "counts", [b"\0\0\0\0\0\0\0\0", b"\0\2\0\0\0\0\0\0", b"\0\1\0\1\0\0\0\0", b"\0\1\0\0\0\1\0\0"]
    )
    def test_counts_that_no_query_has_are_malformed_rfc9619(self, counts: bytes) -> None:
        message = query()
        message[4:12] = counts
        assert rcode_of(Server().raw(bytes(message))) == 1

    def test_octets_behind_the_end_are_malformed(self) -> None:
        assert rcode_of(Server().raw(bytes(query()) + b"\0")) == 1

    def test_a_compressed_question_is_malformed(self) -> None:
        assert rcode_of(Server().raw(bytes(query()[:12]) + b"\xc0\x0c\0\1\0\1")) == 1

    def test_recursion_is_available_where_something_is_forwarded(self) -> None:
        assert Server().ask("web.").flags & dns.flags.RA
        assert not Server(network(dns=Dns(forward=False))).ask("web.").flags & dns.flags.RA

    def test_flags_of_the_query_are_copied(self) -> None:
        answer = Server().ask("web.", flags=dns.flags.RD | dns.flags.CD | dns.flags.AD)
        assert answer.flags & dns.flags.CD and answer.flags & dns.flags.RD and not answer.flags & dns.flags.AD
        assert not Server().ask("web.", flags=0).flags & dns.flags.RD


class TestTypesAndClasses:
    @pytest.mark.parametrize("rdclass", ["CH", "HS", "NONE", "ANY"])
    def test_other_classes_are_refused(self, rdclass: str) -> None:
        assert code(Server().ask("version.bind.", "TXT", rdclass=rdclass)) == "REFUSED"

    @pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
    def test_zones_are_not_transferred(self, rdtype: str) -> None:
        assert code(Server().ask("office.example.", rdtype, use_edns=False)) == "REFUSED"

    def test_types_of_old(self) -> None:
        assert code(Server().ask("web.", "MAILA")) == "NOTIMP"
        assert rcode_of(Server().raw(bytes(query()[:-4]) + b"\0\x29\0\1")) == 1


class TestEdns:
    def test_the_size_that_is_told(self) -> None:
        assert Server().ask("web.", use_edns=0).payload == 1232

    def test_do_is_copied(self) -> None:
        assert Server().ask("web.", want_dnssec=True).ednsflags & 0x8000

    def test_other_versions_are_told_ours_rfc6891(self) -> None:
        answer = Server().ask("web.", use_edns=1)
        assert (code(answer), answer.edns) == ("BADVERS", 0)

    def test_unknown_options_do_not_matter(self) -> None:
        cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")
        assert data(Server().ask("web.", options=[cookie])) == ["10.0.0.10"]

    def test_two_opt_records_are_malformed(self) -> None:
        opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
        message = query()
        message[11] = 2
        assert rcode_of(Server().raw(bytes(message) + opt + opt)) == 1

    def test_other_additional_records_do_not_matter(self) -> None:
        message = query()
        message[11] = 1
        assert rcode_of(Server().raw(bytes(message) + b"\0\0\x10\0\1\0\0\0\0\0\1\0")) == 0

    def test_options_that_run_over_are_malformed(self) -> None:
        message = query()
        message[11] = 1
        assert rcode_of(Server().raw(bytes(message) + b"\0\0\x29\x04\xd0\0\0\0\0\0\4\0\x0a\0\1")) == 1


class TestSizes:
    @pytest.mark.parametrize(
        ("fields", "limit"),
        [({"use_edns": False}, 512), ({"payload": 1000}, 1000), ({"payload": 100}, 512), ({"payload": 4096}, 1232)],
    )
    def test_more_than_the_asker_takes_is_truncated(self, fields: dict[str, Any], limit: int) -> None:
        ports = [port("many", f"10.0.0.{n}", name=str(n)) for n in range(3, 255)]
        server = Server(network(*ports))
        wire = server.raw(dns.message.make_query("many.office.example.", "A", **fields).to_wire())
        assert wire is not None and len(wire) <= limit
        answer = dns.message.from_wire(wire)
        assert answer.flags & dns.flags.TC and not answer.answer
        whole = server.ask("many.office.example.", tcp=True)
        assert not whole.flags & dns.flags.TC and len(data(whole)) == 252

    @pytest.mark.parametrize("count", [20, 29, 30, 70, 74, 75])
    def test_what_fits_is_not(self, count: int) -> None:
        ports = [port("many", f"10.0.0.{n}", name=str(n)) for n in range(3, 3 + count)]
        for edns, limit in ((False, 512), (0, 1232)):
            wire = Server(network(*ports)).raw(dns.message.make_query("many.", "A", use_edns=edns).to_wire())
            assert wire is not None
            whole = 12 + 10 + 16 * count + (0 if edns is False else 11)
            assert (len(wire) == whole) == (whole <= limit)


def test_a_name_that_is_too_long_with_its_domain_has_no_reverse() -> None:
    long = ".".join(["x" * 60] * 4)
    server = Server(network(port(long, "10.0.0.10"), subnets=(subnet(),)))
    assert data(server.ask("10.0.0.10.in-addr.arpa.", "PTR")) == []
