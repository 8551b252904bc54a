# mypy: ignore-errors
"""Neutron's own metadata proxy, run by the Python of .tools/nova: `SOCKET INSTANCE PROJECT NOVA-PORT SECRET`.

It is what neutron-metadata-agent runs behind the haproxy of each network, but for one thing: the port behind an
address, which it asks of Neutron's server by RPC with each request, is known here at once. That makes it faster.
"""

import sys

from neutron.agent.metadata import agent, proxy_base
from neutron.conf.agent.metadata import config as meta
from oslo_config import cfg


def main(socket, instance, project, port, secret):
    meta.register_meta_conf_opts(meta.SHARED_OPTS)
    meta.register_meta_conf_opts(meta.UNIX_DOMAIN_METADATA_PROXY_OPTS)
    meta.register_meta_conf_opts(meta.METADATA_PROXY_HANDLER_OPTS)
    cfg.CONF([], project="neutron", default_config_files=[])
    for name, value in {
        "metadata_proxy_socket": socket,
        "nova_metadata_host": "127.0.0.1",
        "nova_metadata_port": int(port),
        "metadata_proxy_shared_secret": secret,
    }.items():
        cfg.CONF.set_override(name, value)

    class Known:
        def __init__(self, topic):
            pass

        def get_ports(self, context, filters):
            return [{"device_id": instance, "project_id": project}]

    agent.MetadataPluginAPI = Known
    agent.MetadataProxyHandler._conf = cfg.CONF
    workers = 1  # of two processors (metadata_workers: half of them)
    proxy_base.MetadataProxyServer(workers, socket, agent.MetadataProxyHandler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
