"""Writes as tests want them: short."""

from typing import Any

from netmend.sources.store import Store, networks, ports, subnets
from netmend.sources.store.shapes.network import NetworkCreate
from netmend.sources.store.shapes.port import PortCreate
from netmend.sources.store.shapes.subnet import SubnetCreate
from netmend.sources.store.transaction import Document, Transaction


def add_network(tx: Transaction, **fields: Any) -> Document:
    return networks.create(tx, NetworkCreate.model_validate(fields).model_dump(by_alias=True), "")


def add_subnet(tx: Transaction, network: Document, cidr: str, **fields: Any) -> Document:
    version = 6 if ":" in cidr else 4
    shape = SubnetCreate.model_validate({"network_id": network["id"], "cidr": cidr, "ip_version": version, **fields})
    values = shape.model_dump(by_alias=True)
    if "gateway_ip" not in fields:
        del values["gateway_ip"]
    return subnets.create(tx, values, "")


def add_port(tx: Transaction, network: Document, **fields: Any) -> Document:
    shape = PortCreate.model_validate({"network_id": network["id"], **fields})
    return ports.create(tx, shape.model_dump(by_alias=True), "")


def make_network(store: Store, *cidrs: str, **fields: Any) -> Document:
    """A network with subnets."""

    def work(tx: Transaction) -> Document:
        network = add_network(tx, **fields)
        for cidr in cidrs:
            add_subnet(tx, network, cidr)
        return tx.get("network", network["id"])

    return store.write(work).result()


def make_port(store: Store, network: Document, **fields: Any) -> Document:
    return store.write(lambda tx: add_port(tx, network, **fields)).result()
