"""What ADD answers (CNI specification 1.1, section 5), in every version, and joined with what plugins before it in a
chain answered (section 3). Pure."""

from collections.abc import Mapping
from typing import Any, Final

from netmend.attach.cni_request import BAD_CONFIGURATION, CniError, Request
from netmend.attach.guest import Settings

Document = dict[str, Any]
_LISTS: Final = ("interfaces", "ips", "routes")


def of_attachment(request: Request, host_device: str, mac: str, mtu: int, settings: Settings) -> Document:
    """The answer to `request`: `host_device` is the host's end of the interface. Raises CniError where prevResult is
    none."""
    previous = checked(request.previous) if request.previous is not None else {}
    first = len(previous.get("interfaces", ()))
    inside: Document = {"name": request.device, "mac": mac, "sandbox": request.namespace}
    if request.version == "1.1.0":
        inside["mtu"] = mtu
    own_ips = [
        {"address": str(address), "interface": first + 1}
        | ({"gateway": str(gateway)} if gateway is not None else {})
        | ({"version": str(address.version)} if request.version.startswith("0.") else {})
        for address, gateway in zip(settings.addresses, settings.gateways, strict=True)
    ]
    own_routes = [
        {"dst": str(block)} | ({"gw": str(gateway)} if gateway is not None else {})
        for block, gateway in settings.routes
    ]
    if request.version in {"0.1.0", "0.2.0"}:
        return _first_form(request.version, own_ips, own_routes, settings)
    routes = [*previous.get("routes", ())]
    return {
        **previous,
        "cniVersion": request.version,
        "interfaces": [*previous.get("interfaces", ()), {"name": host_device}, inside],
        "ips": [*previous.get("ips", ()), *own_ips],
        "routes": [*routes, *(one for one in own_routes if one not in routes)],
        "dns": _dns(previous.get("dns"), settings.dns_servers),
    }


def checked(previous: Mapping[str, Any]) -> Mapping[str, Any]:
    """A prevResult without what is null in it; raises CniError where it is none."""
    for name in _LISTS:
        found = previous.get(name, [])
        if found is not None and not (isinstance(found, list) and all(isinstance(one, dict) for one in found)):
            raise CniError(BAD_CONFIGURATION, f"prevResult: {name}: expected a list of objects")
    if not isinstance(previous.get("dns"), dict | None):
        raise CniError(BAD_CONFIGURATION, "prevResult: dns: expected an object")
    return {name: found for name, found in previous.items() if found is not None}


def _dns(previous: Mapping[str, Any] | None, servers: tuple[str, ...]) -> Document:
    """Domain, search list and options are the others'; name servers are theirs, and then ours."""
    dns = dict(previous or {})
    known = [*(dns.get("nameservers") or ())]
    known += [server for server in servers if server not in known]
    return {**dns, "nameservers": known} if known else dns


def _first_form(version: str, ips: list[Document], routes: list[Document], settings: Settings) -> Document:
    """Make an answer of before 0.3.0: one address of each family, without interfaces and chains."""
    answer: Document = {"cniVersion": version, "dns": _dns(None, settings.dns_servers)}
    for key, family, sign in (("ip4", "4", "."), ("ip6", "6", ":")):
        one = next((ip for ip in ips if ip["version"] == family), None)
        if one is not None:
            answer[key] = {"ip": one["address"]} | ({"gateway": one["gateway"]} if "gateway" in one else {})
            answer[key]["routes"] = [route for route in routes if sign in route["dst"]]
    return answer
