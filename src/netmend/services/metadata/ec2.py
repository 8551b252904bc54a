"""EC2's interface: `/<version>/meta-data/`, `user-data` and `dynamic/`.

What a version has is what Amazon's has, as far as there is anything to tell: fields with values that netmend does not
know (ami-id, iam, public addresses) are left out rather than made up.
"""

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from netmend.intent import Port
from netmend.services.metadata.facts import Facts

Node: TypeAlias = Mapping[str, "Node"] | str | bytes
Tree: TypeAlias = Mapping[str, Node]
LABEL = ""  # a directory's key for how its parent lists it, where that is not `name/`
Branch = dict[str, Node]


def tree(facts: Facts, version: str) -> Tree:
    """The documents below `/<version>/`. Each part is listed without a slash, as EC2 lists these three."""
    result: Branch = {"meta-data": {LABEL: "meta-data", **_meta_data(facts, version)}}
    if facts.instance.user_data is not None:
        result["user-data"] = facts.instance.user_data
    if version >= "2009-04-04":
        document = json.dumps(_identity(facts), indent=2)
        result["dynamic"] = {LABEL: "dynamic", "instance-identity": {"document": document}}
    return result


def _meta_data(facts: Facts, version: str) -> Branch:
    instance = facts.instance
    data: Branch = {
        "ami-launch-index": "0",
        "hostname": facts.hostname,
        "instance-id": instance.id,
    }
    if facts.ipv4:
        data["local-ipv4"] = facts.ipv4
    if instance.public_keys:
        data["public-keys"] = {
            str(index): {LABEL: f"{index}={name}", "openssh-key": key}
            for index, (name, key) in enumerate(instance.public_keys.items())
        }
    if version >= "2007-01-19":
        data["local-hostname"] = facts.hostname
    if version >= "2007-08-29" and instance.instance_type:
        data["instance-type"] = instance.instance_type
    if version >= "2008-02-01" and instance.availability_zone:
        data["placement"] = {"availability-zone": instance.availability_zone}
    if version >= "2008-09-01":
        data["instance-action"] = "none"
    if version >= "2011-01-01":
        data["mac"] = facts.port.mac
        interfaces = {f"{port.mac}": _interface(facts, port, index) for index, port in enumerate(facts.ports)}
        data["network"] = {"interfaces": {"macs": interfaces}}
    if version >= "2021-01-03" and facts.port.fixed_ips6:
        data["ipv6"] = str(facts.port.fixed_ips6[0])
    if version >= "2021-03-23":
        tags = {key: value for key, value in instance.meta.items() if _can_be_tag(key)}
        if tags:
            data["tags"] = {"instance": tags}
    return data


def _interface(facts: Facts, port: Port, number: int) -> Branch:
    data: Branch = {
        "device-number": str(number),
        "interface-id": port.id,
        "local-hostname": facts.hostname,
        "mac": port.mac,
        "vpc-id": facts.network.id,
    }
    if facts.project_id:
        data["owner-id"] = facts.project_id
    addresses = [str(ip) for ip in port.fixed_ips]
    if not addresses and port is facts.port and facts.ipv4:
        addresses = [facts.ipv4]
    if addresses:
        data["local-ipv4s"] = "\n".join(addresses)
    if port.fixed_ips and (subnet := facts.subnet(port.fixed_ips[0])):
        data["subnet-id"] = subnet.id
        data["subnet-ipv4-cidr-block"] = str(subnet.cidr)
        data["vpc-ipv4-cidr-block"] = str(subnet.cidr)
        data["vpc-ipv4-cidr-blocks"] = "\n".join(str(each.cidr) for each in facts.network.subnets)
    if port.fixed_ips6:
        data["ipv6s"] = "\n".join(map(str, port.fixed_ips6))
        if subnet6 := facts.subnet6(port.fixed_ips6[0]):
            data.setdefault("subnet-id", subnet6.id)
            data["subnet-ipv6-cidr-blocks"] = str(subnet6.cidr)
            data["vpc-ipv6-cidr-blocks"] = "\n".join(str(each.cidr) for each in facts.network.subnets6)
    return data


_ZONE = re.compile(r"^(.*-\d+)[a-z]$")  # a zone of Amazon's is its region and a letter; any other is one itself


def _identity(facts: Facts) -> dict[str, str | None]:
    """The document of Amazon's fields that there is a value for; it is not signed."""
    return {
        "accountId": facts.project_id,
        "availabilityZone": facts.instance.availability_zone,
        "instanceId": facts.instance.id,
        "instanceType": facts.instance.instance_type,
        "privateIp": facts.ipv4,
        "region": _ZONE.sub(r"\1", facts.instance.availability_zone or "") or None,
        "version": "2017-09-30",
    }


def _can_be_tag(key: str) -> bool:
    """Whether a key can be a step of a path (EC2 refuses tags with other keys in metadata)."""
    return bool(key) and key not in (".", "..") and key.isprintable() and not set(key) & set("/ ")


def walk(tree: Tree, steps: list[str]) -> bytes | None:
    """The value at the end of `steps`, or the listing of the directory there; None when there is no such thing."""
    node: Node = tree
    for step in steps:
        if not isinstance(node, Mapping) or step == LABEL or step not in node:
            return None
        node = node[step]
    if isinstance(node, Mapping):
        return "\n".join(_entry(name, value) for name, value in sorted(node.items()) if name != LABEL).encode()
    return node.encode() if isinstance(node, str) else node


def _entry(name: str, value: Node) -> str:
    if not isinstance(value, Mapping):
        return name
    label = value.get(LABEL)
    return label if isinstance(label, str) else f"{name}/"
