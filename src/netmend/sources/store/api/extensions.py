"""`/v2.0/extensions`: what of Neutron's API is offered beyond its core."""

from aiohttp import web

from netmend.sources.store.api.errors import json_response
from netmend.sources.store.errors import RefusedError

PATH = "/v2.0/extensions"
_OFFERED = {  # by alias: name, description
    "address-group": ("Address group", "Support address group"),
    "agent": ("agent", "The node that serves, as an agent"),
    "allowed-address-pairs": ("Allowed Address Pairs", "Provides allowed address pairs"),
    "availability_zone": ("Availability Zone", "The availability zone extension"),
    "binding": ("Port Binding", "Expose port bindings of a virtual port to external application"),
    "binding-extended": ("Port Bindings Extended", "Expose port bindings of a virtual port to external application"),
    "dhcp_agent_scheduler": ("DHCP Agent Scheduler", "Schedule networks among dhcp agents"),
    "dns-integration": ("DNS Integration", "Provides integration with DNS"),
    "empty-string-filtering": ("Empty String Filtering Extension", "Allow filtering by empty values"),
    "external-net": ("Neutron external network", "Adds external network attribute to network resource"),
    "extra_dhcp_opt": ("Neutron Extra DHCP options", "Extra options configuration for DHCP"),
    "extraroute": ("Neutron Extra Route", "Extra routes configuration for L3 router"),
    "extraroute-atomic": ("Atomically add/remove extra routes", "Adds and removes extra routes of a router"),
    "ext-gw-mode": ("Neutron L3 Configurable external gateway mode", "Enables SNAT on or off for a router"),
    "filter-validation": ("Filter parameters validation", "Provides validation on filter parameters"),
    "ip-substring-filtering": ("IP address substring filtering", "Provides filtering of ports by parts of addresses"),
    "floating-ip-port-forwarding": ("Floating IP Port Forwarding", "Expose floating IP port forwarding"),
    "net-mtu": ("Network MTU", "Provides MTU attribute for a network resource"),
    "net-mtu-writable": ("Network MTU (writable)", "Provides a writable MTU attribute for a network resource"),
    "netmend": ("netmend", "What the intent file says of an object and Neutron cannot, as its attribute `netmend`"),
    "network-ip-availability": ("Network IP Availability", "Provides IP availability data for each network and subnet"),
    "network_availability_zone": ("Network Availability Zone", "Availability zone support for network"),
    "pagination": ("Pagination support", "Extension that indicates that pagination is enabled"),
    "port-security": ("Port Security", "Provides port security"),
    "project-id": ("project_id field enabled", "Extension that indicates that project_id field is enabled"),
    "provider": ("Provider Network", "Expose mapping of virtual networks to physical networks"),
    "quota_details": ("Quota details management support", "Expose functions for quotas usage statistics per project"),
    "quotas": ("Quota management support", "Expose functions for quotas management per project"),
    "revision-if-match": ("If-Match constraints based on revision_number",
                          "Extension indicating that If-Match based on revision_number is supported"),
    "router": ("Neutron L3 Router", "Routers, their interfaces and floating IPs"),
    "port-security-groups-filtering": ("Port filtering on security groups", "Provides filtering of ports by groups"),
    "security-group": ("security-group", "The security groups extension"),
    "security-groups-normalized-cidr": ("Normalized CIDR field for security group rules",
                                        "Shows a rule's remote_ip_prefix without bits of hosts"),
    "security-groups-remote-address-group": ("Remote address group id field for security group rules",
                                             "Rules may name an address group"),
    "security-groups-rules-belongs-to-default-sg": ("Security group rule belongs to the project's default group",
                                                    "Shows whether a rule is the default group's"),
    "security-groups-shared-filtering": ("Security group filtering on the shared field", "Filters groups by shared"),
    "sorting": ("Sorting support", "Extension that indicates that sorting is enabled"),
    "standard-attr-description": ("standard-attr-description", "Extension to add descriptions to standard attributes"),
    "standard-attr-revisions": ("Resource revision numbers", "Shows the revision number of resources"),
    "standard-attr-tag": ("Tag support for resources with standard attributes", "Enables to set tag on resources"),
    "standard-attr-timestamp": ("Resource timestamps", "Adds created_at and updated_at"),
    "stateful-security-group": ("Stateful security group", "Indicates if the security group is stateful or not"),
    "subnet-external-network": ("Subnet belongs to an external network", "Informs if a subnet is external"),
    "tag-creation": ("Tag creation", "Allow to create tags bulk on resource creation"),
}  # fmt: skip
ALIASES = tuple(_OFFERED)


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get(PATH, _list)
    router.add_get(PATH + "/{alias}", _show)


def _extension(alias: str) -> dict[str, object]:
    name, description = _OFFERED[alias]
    return {
        "alias": alias,
        "name": name,
        "description": description,
        "updated": "2026-01-01T00:00:00-00:00",
        "links": [],
    }


async def _list(_: web.Request) -> web.Response:
    return json_response({"extensions": [_extension(alias) for alias in _OFFERED]})


async def _show(request: web.Request) -> web.Response:
    alias = request.match_info["alias"]
    if alias not in _OFFERED:
        raise RefusedError("HTTPNotFound", 404, f"Extension with alias {alias} does not exist")
    return json_response({"extension": _extension(alias)})
