# mypy: ignore-errors
"""What cloudbase-init, the first boot of Windows guests, reads of a metadata service, by its own code.

Run by the Python of .tools/nova in a namespace of a guest: `python cloudbase.py openstack|ec2`. Its plugins, which run
on Windows only, ask its services for these things; they are printed as JSON.
"""

import json
import sys
from dataclasses import asdict, is_dataclass

from cloudbaseinit import conf
from cloudbaseinit.metadata.services.ec2service import EC2Service
from cloudbaseinit.metadata.services.httpservice import HttpService
from requests import HTTPError


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if is_dataclass(value):
        return asdict(value)
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def openstack():
    service = HttpService()
    found = {"loaded": service.load()}
    found["details"] = plain(service.get_network_details_v2())
    found["certificates"] = service.get_client_auth_certs()
    found["admin_password"] = service.get_admin_password()
    found["can_post_password"] = service.can_post_password
    found["password_was_set"] = service.is_password_set
    found["posted"] = service.post_password("ZW5jcnlwdGVk")
    found["password_is_set"] = service.is_password_set
    try:  # it looks for urllib's error, while requests raises its own
        service.post_password("ZW5jcnlwdGVk")
    except HTTPError as error:
        found["posted_again"] = error.response.status_code
    return service, found


def ec2():
    service = EC2Service()
    return service, {"loaded": service.load()}


if __name__ == "__main__":
    for group in (conf.CONF.openstack, conf.CONF.ec2):
        conf.CONF.set_override("add_metadata_private_ip_route", False, group=group._group.name)  # Windows' own command
    conf.CONF.set_override("retry_count", 0)
    service, found = {"openstack": openstack, "ec2": ec2}[sys.argv[1]]()
    found["instance_id"] = service.get_instance_id()
    found["host_name"] = service.get_host_name()
    found["public_keys"] = service.get_public_keys()
    found["user_data"] = plain(service.get_decoded_user_data())
    print(json.dumps(found))
