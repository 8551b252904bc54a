"""What guests call themselves, and who holds which address now."""

import pytest

from netmend.services.leases.names import LeasedNames, label_of, label_of_fqdn, label_of_wire

ONE, TWO = bytes((10, 0, 0, 100)), bytes((10, 0, 0, 101))
A, B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        (b"Laptop", b"laptop"),
        (b"laptop\0", b"laptop"),
        (b"laptop.lan.example", b"laptop"),
        (b"a" * 63, b"a" * 63),
        (b"a" * 64, b""),
        (b"", b""),
        (b"-a", b""),
        (b"a-", b""),
        (b"a_b", b""),
        (b"a b", b""),
        (b"\xc3\xa4", b""),
        (b"localhost", b""),
        (b"WPAD", b""),
        (b"isatap.lan.example", b""),
    ],
)
def test_a_name_is_a_host_name_or_nothing(sent: bytes, label: bytes) -> None:
    assert label_of(sent) == label
    if len(sent) < 64:
        assert label_of_wire(bytes((len(sent.split(b".")[0]),)) + sent.split(b".")[0]) == label


def test_the_name_in_the_fqdn_option() -> None:
    assert label_of_fqdn(b"\0\0\0Laptop.lan") == b"laptop"
    assert label_of_fqdn(b"\4\0\0\6Laptop\3lan\0") == b"laptop"
    assert label_of_fqdn(b"\4\0\0\x40L") == label_of_fqdn(b"\4\0\0\xc0\x0c") == label_of_fqdn(b"\4\0") == b""


def test_a_name_is_the_first_holder_s_for_as_long_as_its_lease_lasts() -> None:
    now = [100.0]
    names = LeasedNames(lambda: now[0])
    names.put(ONE, A, b"laptop", 200.0)
    names.put(TWO, B, b"laptop", 300.0)
    assert [address for address, _ in names.of_label(b"laptop")] == [ONE]
    now[0] = 200.0
    assert [address for address, _ in names.of_label(b"laptop")] == [TWO]
    names.drop(TWO)
    assert not list(names.of_label(b"laptop")) and not list(names.of_hardware(B))


def test_a_version_says_that_something_changed() -> None:
    names = LeasedNames(lambda: 100.0)
    names.put(ONE, A, b"laptop", 200.0)
    seen = names.version
    names.put(ONE, A, b"", 300.0)
    assert names.version == seen and names.at(ONE)
    names.put(ONE, A, b"", 100.0)
    assert names.version > seen and not names.at(ONE)
    seen = names.version
    names.put(ONE, A, b"desk", 200.0)
    assert names.version > seen and not list(names.of_label(b"laptop"))
