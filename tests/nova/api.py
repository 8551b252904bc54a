# mypy: ignore-errors
"""Nova's own metadata API, run by the Python of .tools/nova: `python api.py DIRECTORY SECRET`.

Request handler, signature check, and what becomes of an instance's data are Nova's. Only its database is not there: one
instance, which it would have read from it, is made here. It serves HTTPS on a port of loopback, with the certificate in
DIRECTORY (server.pem, server.key), asks clients for one of that authority (authority.pem), and prints the port.
"""

import socketserver
import ssl
import sys
from base64 import b64encode
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import nova.conf
from nova.api.metadata import base, handler
from nova.network import model
from oslo_log import log

from nova import context, objects

INSTANCE, PROJECT = "5f7c2b3e-8a1d-4c6f-9b0e-3d2a1c4b5e6f", "1d2c3b4a"
USER_DATA = b"#cloud-config\nwrite_files:\n  - {path: /var/tmp/written, content: by Nova}\n"


def read_instance(instance_id, address, ctxt=None):
    """In place of nova.api.metadata.base's, which reads the database."""
    if instance_id != INSTANCE:
        raise nova.exception.InstanceNotFound(instance_id=instance_id)
    instance = objects.Instance(
        context=context.get_admin_context(), id=1, uuid=INSTANCE, project_id=PROJECT, hostname="vm", display_name="vm",
        host="host", launch_index=0, reservation_id="r-1", availability_zone="zone-a", key_name="laptop",
        user_data=b64encode(USER_DATA).decode(), key_data="ssh-ed25519 AAAAC3 me", metadata={"role": "web"},
        system_metadata={}, device_metadata=None, numa_topology=None,
        ec2_ids=objects.EC2Ids(instance_id="i-00000001", ami_id="ami-1", kernel_id=None, ramdisk_id=None),
        keypairs=objects.KeyPairList(objects=[]),
        flavor=objects.Flavor(
            id=1, name="m1.tiny", flavorid="1", memory_mb=512, vcpus=1, root_gb=1, ephemeral_gb=0, swap=0,
            rxtx_factor=1.0, vcpu_weight=1, extra_specs={}, disabled=False, is_public=True,
        ),
    )  # fmt: skip
    return base.InstanceMetadata(instance, address, network_info=model.NetworkInfo([]))


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def main(directory, secret):
    objects.register_all()
    log.register_options(nova.conf.CONF)
    nova.conf.CONF([], project="nova", default_config_files=[])
    nova.conf.CONF.set_override("service_metadata_proxy", True, group="neutron")
    nova.conf.CONF.set_override("metadata_proxy_shared_secret", secret, group="neutron")
    base.get_metadata_by_instance_id = read_instance
    base._format_instance_mapping = lambda instance: {"ami": "vda", "root": "/dev/vda"}
    base.security_group_api.get_instance_security_groups = lambda *_: []
    server = Server(("127.0.0.1", 0), Quiet)
    server.set_app(handler.MetadataRequestHandler())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=directory / "authority.pem")
    tls.load_cert_chain(directory / "server.pem", directory / "server.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
