"""What a file says about metadata: instances, and the API that others are asked of."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netmend.intent import Instance, Intent, MetadataProxy
from netmend.sources.file import IntentError, load

Write = Callable[..., Path]
SECRET = "s3cret-that-nobody-sees"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of one network with one port; arguments are more fields of the file, the network or the port."""

    def make(
        *, file: dict[str, Any] | None = None, network: dict[str, Any] | None = None, port: dict[str, Any] | None = None
    ) -> Path:
        ports = [{"name": "web", "fixed_ips": ["10.0.0.9"], **(port or {})}]
        base = {"name": "blue", "subnets": [{"cidr": "10.0.0.0/24"}], "ports": ports}
        path = tmp_path / "intent.json"
        path.write_text(json.dumps({"networks": [base | (network or {})], **(file or {})}, indent=0))
        return path

    return make


def instance(intent: Intent) -> Instance:
    (network,) = intent.networks.values()
    (port,) = network.ports.values()
    assert port.instance is not None
    return port.instance


def whys(path: Path) -> dict[str, str]:
    """The problems of a file, by field."""
    with pytest.raises(IntentError) as caught:
        load(path)
    assert SECRET not in str(caught.value)
    return {problem.field.removeprefix("networks[blue].ports[web]."): problem.why for problem in caught.value.problems}


def test_metadata_is_off_unless_it_is_asked_for(write: Write) -> None:
    (network,) = load(write()).networks.values()
    assert (network.metadata, network.subnets[0].metadata_route) == ("off", False)


@pytest.mark.parametrize("mode", ["embedded", "proxy"])
def test_its_subnets_tell_guests_the_way(write: Write, mode: str) -> None:
    proxy = {"metadata_proxy": {"endpoints": ["http://nova:8775"], "shared_secret": SECRET}}
    (network,) = load(write(file=proxy, network={"metadata": mode})).networks.values()
    assert (network.metadata, network.subnets[0].metadata_route) == (mode, True)


def test_an_instance_goes_by_its_id_or_that_of_its_port(write: Write) -> None:
    assert instance(load(write(port={"instance": {"id": "i-1"}, "device_id": "vm-1"}))).id == "i-1"
    assert instance(load(write(port={"instance": {"name": "x"}, "device_id": "vm-1"}))).id == "vm-1"
    intent = load(write(port={"instance": {"name": "x"}}))
    (network,) = intent.networks.values()
    assert instance(intent).id in network.ports


def test_user_data_comes_in_three_ways(write: Write, tmp_path: Path) -> None:
    binary = bytes(range(256))
    (tmp_path / "first-boot").write_bytes(binary)
    assert instance(load(write(port={"instance": {"user_data": "ü\n"}}))).user_data == "ü\n".encode()
    text = base64.encodebytes(binary).decode()  # with line ends
    assert instance(load(write(port={"instance": {"user_data_base64": text}}))).user_data == binary
    assert instance(load(write(port={"instance": {"user_data_file": "first-boot"}}))).user_data == binary
    absolute = str(tmp_path / "first-boot")
    assert instance(load(write(port={"instance": {"user_data_file": absolute}}))).user_data == binary


def test_what_is_wrong_with_an_instance(write: Write, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    found = whys(
        write(
            port={
                "device_id": "a b",
                "instance": {
                    "id": "ü",
                    "hostname": "-x",
                    "public_keys": {
                        "a=b": "ssh-ed25519 AAAA",
                        "p": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + SECRET,
                        "q": "one",
                    },
                    "user_data": SECRET,
                    "user_data_base64": "***",
                    "vendor_data": {"a": [float("inf")]},
                    "token_hop_limit": 65,
                },
            }
        )
    )
    assert found.pop("instance.hostname").startswith("'-x' is no host or domain name")
    assert found.pop("instance.vendor_data").startswith("cannot be said in JSON: Out of range float values")
    assert found == {
        "device_id": "'a b' is no id: it has 1 to 255 printable ASCII characters, and no blank",
        "instance.id": "'ü' is no id: it has 1 to 255 printable ASCII characters, and no blank",
        "instance.public_keys.a=b": "'a=b' is no name of a key: it is 1 to 255 characters without '=' and '/'",
        "instance.public_keys.p": "this is a private key; give the public one (its file's name ends in .pub)",
        "instance.public_keys.q": "is no line in OpenSSH's format (`ssh-ed25519 AAAA... comment`, as in a .pub file)",
        "instance.user_data_base64": "user_data is given already; user data comes from one of them",
        "instance.token_hop_limit": "65 is no hop limit: it is 1 (the guest itself) to 64",
    }
    assert whys(write(port={"instance": {"user_data_base64": "***"}}))["instance.user_data_base64"].startswith("is no")
    why = whys(write(port={"instance": {"user_data_file": "missing"}}))["instance.user_data_file"]
    assert why == f"{tmp_path}/missing: there is no such file"
    why = whys(write(port={"instance": {"user_data_file": "large"}}))["instance.user_data_file"]
    assert why == "1048577 bytes long; user data has at most 1048576"
    why = whys(write(port={"instance": {"meta": {"a": 1}}}))["instance.meta.a"]
    assert why == "expected text, not the number 1; put it in quotes"
    why = whys(write(port={"instance": {"userdata": "x"}}))["instance.userdata"]
    assert why == "unknown field; did you mean user_data?"


def test_a_secret_can_lie_in_a_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "ca.pem").write_text("certificate")
    proxy = {
        "endpoints": ["https://nova.example:8775/", "http://[2001:db8::1]:8775/metadata"],
        "shared_secret_file": "secret",
        "ca_file": "ca.pem",
        "verify": False,
    }
    assert load(write(file={"metadata_proxy": proxy})).metadata_proxy == MetadataProxy(
        ("https://nova.example:8775", "http://[2001:db8::1]:8775/metadata"),
        SECRET,
        verify=False,
        ca_file=tmp_path / "ca.pem",
    )


def test_what_is_wrong_with_a_proxy(write: Write, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    good = {"endpoints": ["http://nova:8775"], "shared_secret": SECRET}

    def of(**changes: Any) -> dict[str, str]:
        proxy = {key: value for key, value in {**good, **changes}.items() if value is not None}
        return whys(write(file={"metadata_proxy": proxy}))

    assert of(endpoints=[]) == {"metadata_proxy.endpoints": "names no metadata API"}
    assert of(endpoints=["nova:8775", "http://u:p@nova", "http://nova?x", "http://nova:x"]).keys() == {
        f"metadata_proxy.endpoints[{number}]" for number in range(4)
    }
    assert of(shared_secret=None) == {"metadata_proxy": "takes one of shared_secret and shared_secret_file"}
    assert of(shared_secret_file="empty").keys() == {"metadata_proxy"}
    assert "empty" in of(shared_secret=None, shared_secret_file="empty")["metadata_proxy.shared_secret_file"]
    assert "client_certificate" in of(client_key="empty")["metadata_proxy.client_key"]
    assert "there is no such file" in of(ca_file="nowhere")["metadata_proxy.ca_file"]
    number = of(shared_secret=31337)["metadata_proxy.shared_secret"]
    assert number == "expected text, not a number; put it in quotes", "the secret is not repeated"


def test_proxied_needs_a_proxy(write: Write) -> None:
    path = write(network={"metadata": "proxy"})
    with pytest.raises(IntentError, match="needs a metadata_proxy, which this file does not have"):
        load(path)
    broken = write(network={"metadata": "proxy"}, file={"metadata_proxy": {"endpoints": 3, "shared_secret": SECRET}})
    assert whys(broken).keys() == {"metadata_proxy.endpoints"}, "one that is there, be it wrong, is no missing one"


def test_values_do_not_show_secrets() -> None:
    shown = repr(MetadataProxy(("http://nova",), SECRET)) + repr(
        Instance("i", user_data=SECRET.encode(), admin_password=SECRET)
    )
    assert SECRET not in shown
