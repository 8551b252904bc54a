"""`dnsmasq_dns_servers` means what it means to the dnsmasq that Neutron starts."""

import pytest

from netmend.sources.neutron.dnsmasq_servers import servers_of


def test_servers_and_those_of_domains() -> None:
    said = ["192.0.2.1", " 192.0.2.2#5353", "", "2001:db8::1", "192.0.2.1@eth0"]
    said += ["/corp.example/Lab.example/192.0.2.9", "/corp.example/192.0.2.10#54", "/nowhere.example/"]
    servers, domains = servers_of(said)
    assert list(map(str, servers)) == ["192.0.2.1", "192.0.2.2:5353", "2001:db8::1"]
    assert {domain: list(map(str, known)) for domain, known in domains} == {
        "corp.example": ["192.0.2.9", "192.0.2.10:54"],
        "lab.example": ["192.0.2.9"],
        "nowhere.example": [],
    }


@pytest.mark.parametrize("text", ["dns.example", "192.0.2.1#x", "//192.0.2.1", "a/192.0.2.1", "/-x/192.0.2.1"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"192\.0\.2\.1|dns\.example"):
        servers_of([text])
