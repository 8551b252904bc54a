"""A file's settings of an instance, and of Nova's metadata API, as values."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from netmend.ground.problem import Place
from netmend.intent import Instance, MetadataProxy
from netmend.sources import fields, metadata_fields
from netmend.sources.file.read import UnreadableError, read
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import InstanceShape, MetadataProxyShape

Value = TypeVar("Value")
_PROXY = ("metadata_proxy",)


def build_instance(reader: Reader, place: Place, shape: InstanceShape, directory: Path, port_instance: str) -> Instance:
    """The instance; `port_instance` is its id where it has none of its own. Without what was complained of."""
    keys: dict[str, str] = {}
    for name, key in (shape.public_keys or {}).items():
        key_place = (*place, "public_keys")
        good_name = reader.read(key_place, name, metadata_fields.key_name, name)
        good_key = reader.read(key_place, name, metadata_fields.public_key, key)
        if good_name and good_key:
            keys[good_name] = good_key
    return Instance(
        id=reader.read(place, "id", metadata_fields.identifier, shape.id) or port_instance,
        name=reader.read(place, "name", fields.name, shape.name),
        hostname=reader.read(place, "hostname", fields.host_name, shape.hostname),
        public_keys=keys,
        user_data=_user_data(reader, place, shape, directory),
        vendor_data=reader.read(place, "vendor_data", metadata_fields.json_object, shape.vendor_data) or {},
        vendor_data2=reader.read(place, "vendor_data2", metadata_fields.json_object, shape.vendor_data2) or {},
        meta=shape.meta or {},
        instance_type=reader.read(place, "instance_type", metadata_fields.value, shape.instance_type),
        availability_zone=reader.read(place, "availability_zone", metadata_fields.value, shape.availability_zone),
        admin_password=shape.admin_password,
        tokens=shape.tokens,
        token_hop_limit=reader.read(place, "token_hop_limit", metadata_fields.hop_limit, shape.token_hop_limit) or 1,
    )


def _user_data(reader: Reader, place: Place, shape: InstanceShape, directory: Path) -> bytes | None:
    plain = None if shape.user_data is None else shape.user_data.encode()
    convert = _content_of(directory, metadata_fields.user_data)
    given = {
        "user_data": reader.read(place, "user_data", metadata_fields.user_data, plain),
        "user_data_base64": reader.read(
            place, "user_data_base64", metadata_fields.base64_user_data, shape.user_data_base64
        ),
        "user_data_file": reader.read(place, "user_data_file", convert, shape.user_data_file),
    }
    fields = [field for field in given if getattr(shape, field) is not None]
    if len(fields) > 1:
        reader.complain((*place, fields[1]), f"{fields[0]} is given already; user data comes from one of them")
    return given[fields[0]] if fields else None


def build_proxy(reader: Reader, directory: Path, shape: MetadataProxyShape) -> MetadataProxy:
    """The metadata API, without what was complained of."""
    endpoints = reader.read_all(_PROXY, "endpoints", metadata_fields.endpoint, shape.endpoints)
    if not shape.endpoints:
        reader.complain((*_PROXY, "endpoints"), "names no metadata API")
    if (shape.shared_secret is None) == (shape.shared_secret_file is None):
        reader.complain(_PROXY, "takes one of shared_secret and shared_secret_file")
    secret = reader.read(_PROXY, "shared_secret", metadata_fields.shared_secret, shape.shared_secret)
    if shape.shared_secret is None:
        secret = reader.read(
            _PROXY, "shared_secret_file", _content_of(directory, _secret_line), shape.shared_secret_file
        )
    if shape.client_key is not None and shape.client_certificate is None:
        reader.complain((*_PROXY, "client_key"), "is of use only with a client_certificate")
    convert = _readable_in(directory)
    return MetadataProxy(
        endpoints=endpoints,
        shared_secret=secret or "",
        verify=shape.verify,
        ca_file=reader.read(_PROXY, "ca_file", convert, shape.ca_file),
        client_certificate=reader.read(_PROXY, "client_certificate", convert, shape.client_certificate),
        client_key=reader.read(_PROXY, "client_key", convert, shape.client_key),
    )


def _secret_line(content: bytes) -> str:
    try:
        return metadata_fields.shared_secret(content.decode().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError:
        raise ValueError("this file holds no UTF-8 text") from None


def _content_of(directory: Path, convert: Callable[[bytes], Value]) -> Callable[[str], Value]:
    """Read the file of that name, relative to `directory`; returns what `convert` makes of its content."""

    def take(name: str) -> Value:
        path = (directory / name).absolute()
        try:
            return convert(read(path))
        except UnreadableError as error:
            raise ValueError(f"{path}: {error}") from None

    return take


def _readable_in(directory: Path) -> Callable[[str], Path]:
    """The path of the file of that name, if it can be read now."""
    look = _content_of(directory, lambda _: None)

    def take(name: str) -> Path:
        look(name)
        return (directory / name).absolute()

    return take
