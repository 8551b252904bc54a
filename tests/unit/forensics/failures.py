# ruff: noqa: E501 - log lines are kept whole
"""For each signature lines that must give it, and lines nearly alike that must not."""

from __future__ import annotations

from dataclasses import dataclass

from tests.unit.forensics.logs import Night, oslo, short, some_id, tap, vlog

RABBIT, DATABASE = "rabbit@ctl1", "mariadb"
AGENTS = ("dhcp-agent", "l3-agent", "metadata-agent", "ovs-agent")
LOGGERS = {
    "neutron-server": "neutron.plugins.ml2.managers",
    "nova-compute": "nova.compute.manager",
    "ovn-metadata-agent": "neutron.agent.ovn.metadata.agent",
}


@dataclass(frozen=True)
class Lines:
    """`text` written `times` times by `source`, `apart` seconds apart; `{i}`, `{id}`, `{tap}` in it vary."""

    source: str
    text: str
    times: int = 1
    apart: float = 20.0
    level: str = "ERROR"
    start: float = 1800.0
    changing: bool = True

    def happen(self, night: Night) -> None:
        for i in range(self.times):
            now = self.start + i * self.apart
            number = i if self.changing else 0
            text = self.text.replace("{i}", str(i)).replace("{id}", some_id(number)).replace("{tap}", tap(number))
            night.add(self.source, self.line(now, i, text))

    def line(self, now: float, i: int, text: str) -> str:
        if self.source == "kernel":
            return short(now, "kernel", f"[{now:.6f}] {text}")
        if self.source in ("dnsmasq", "systemd", "keepalived", "containerd", "kubelet"):
            return short(
                now,
                text.split(": ", 1)[0] if "[" in text.split(": ", 1)[0] else f"{self.source}[7]",
                text.split(": ", 1)[1] if "[" in text.split(": ", 1)[0] else text,
            )
        if self.source.startswith(("ovn", "ovsdb", "ovs-v")) and self.source != "ovn-metadata-agent":
            module, _, said = text.partition("|")
            return vlog(now, i, module, {"ERROR": "ERR", "WARNING": "WARN", "INFO": "INFO"}[self.level], said)
        if self.source == RABBIT:
            return f"{oslo(now, 'dhcp-agent', 'INFO', '')[:23]} [{self.level.lower()}] <0.{i}.0> {text}"
        if self.source == DATABASE:
            return f"{oslo(now, 'dhcp-agent', 'INFO', '')[:19]} {i} [{self.level}] {text}"
        logger = LOGGERS.get(self.source, "")
        return oslo(
            now,
            self.source if self.source in AGENTS else "dhcp-agent",
            self.level,
            text,
            f"req-{some_id(i)} - - - - -",
            logger=logger,
        )


TIMED_OUT = "MessagingTimeout: Timed out waiting for a reply to message ID {id}"
OVSDB = (
    "ovsdbapp.exceptions.TimeoutException: Commands [{what}] exceeded timeout 180 seconds, cause: Result queue is empty"
)

HAPPENS: list[tuple[str, list[Lines]]] = [
    ("stale-namespace-name", [Lines("dhcp-agent", "Unhandled error: OSError: [Errno 22] failed to open netns", level="CRITICAL")]),
    ("namespace-name-not-seen", [Lines("metadata-agent", 'Cannot open network namespace "qdhcp-{id}": No such file or directory', 5)]),
    ("namespace-name-not-seen", [Lines("containerd", 'failed to open netns "/var/run/netns/cni-{id}": failed to Statfs "/var/run/netns/cni-{id}": no such file or directory', 5)]),
    ("namespace-name-not-seen", [Lines("dhcp-agent", "FileNotFoundError: [Errno 2] No such file or directory: '/run/netns/qdhcp-{id}'", 5)]),
    ("conntrack-full", [Lines("kernel", "nf_conntrack: nf_conntrack: table full, dropping packet", 2)]),
    ("conntrack-full", [Lines("kernel", "nf_conntrack: nf_conntrack: table full in netns 402653{i}, dropping packet", 2)]),
    ("neighbour-overflow", [Lines("kernel", "neighbour: arp_cache: neighbor table overflow!", 3)]),
    ("neighbour-overflow", [Lines("kernel", "ipv6: Neighbour table overflow", 3)]),
    ("over-mtu", [Lines("kernel", "{tap}: dropped over-mtu packet: 1508 > 1450", 5)]),
    ("device-cannot-die", [Lines("kernel", "unregister_netdevice: waiting for {tap} to become free. Usage count = 2", 6, 10, changing=False)]),
    ("rpc-timeouts", [Lines("dhcp-agent", f"Failed reporting state!: oslo_messaging.exceptions.{TIMED_OUT}", 8)]),
    ("rpc-timeouts", [Lines("ovs-agent", "Timeout in RPC method get_devices_details_list_and_failed_devices. Waiting for 32 seconds before next attempt.", 8)]),
    ("rpc-reply-lost", [Lines("neutron-server", "The reply {id} failed to send after 60 seconds due to a missing queue (reply_0a1b{i}). Abandoning...", 4)]),
    ("rpc-reply-lost", [Lines("neutron-server", "amqp.exceptions.NotFound: Queue.declare: (404) NOT_FOUND - no queue 'reply_0a1b{i}' in vhost '/'", 4)]),
    ("rpc-reply-lost", [Lines("nova-compute", "The reply {id} failed to send after 60 seconds due to a missing queue", 4)]),
    ("broker-sick", [Lines(RABBIT, "closing AMQP connection <0.{i}.0> (10.0.0.1:5 -> 10.0.0.2:5672): missed heartbeats from client, timeout: 60s", 12)]),
    ("broker-sick", [Lines(RABBIT, "Mnesia('rabbit@ctl1'): ** ERROR ** mnesia_event got {inconsistent_database, running_partitioned_network, 'rabbit@ctl2'}")]),
    ("broker-sick", [Lines(RABBIT, "memory resource limit alarm set on node rabbit@ctl1.", level="WARNING")]),
    ("ovn-probes-lost", [Lines("ovn-controller", "reconnect|ssl:10.0.0.1:6642: no response to inactivity probe after 5 seconds, disconnecting", 4)]),
    ("ovn-elections", [Lines("ovsdb-server-sb", "raft|term {i}: 1024 ms timeout expired, starting election", 5, level="INFO")]),
    ("ovn-elections", [Lines("ovsdb-server-nb", "raft|term {i}: 9024 ms timeout expired, starting pre-vote", 5, level="INFO")]),
    ("ovn-elections", [Lines("ovsdb-server-nb", "raft|server 0{i}af is leader for term 7{i}", 9, level="INFO")]),
    ("ovn-stale-data", [Lines("ovn-controller", "ovsdb_idl|ssl:10.0.0.1:6642: clustered database server has stale data; trying another server", 4, level="WARNING")]),
    ("ovn-database-slow", [Lines("neutron-server", OVSDB.replace("{what}", "CheckRevisionNumberCommand(name={id}), LspAddCommand(switch=neutron-{id})"), 4)]),
    ("ovn-database-slow", [Lines("ovn-metadata-agent", OVSDB.replace("{what}", "DbSetCommand(table=Chassis_Private, record={id})"), 4)]),
    ("ovn-database-away", [Lines("ovn-controller", "reconnect|tcp:10.0.0.1:6642: connection attempt failed (Connection refused)", 9, 8, "INFO")]),
    ("ovn-database-away", [Lines("ovn-metadata-agent", "ssl:10.0.0.1:6642: connection attempt timed out", 9, 10, "INFO")]),
    ("ovn-certificate-refused", [Lines("ovsdb-server-sb", "stream_ssl|SSL_accept: error:0A000415:SSL routines::sslv3 alert certificate expired", 4, level="WARNING")]),
    ("ovn-certificate-refused", [Lines("ovn-controller", "stream_ssl|SSL_connect: error:0A000086:SSL routines::certificate verify failed", 4, level="WARNING")]),
    ("ovn-encap-taken", [Lines("ovn-controller", 'ovsdb_idl|transaction error: {"details":"Transaction causes multiple rows in \\"Encap\\" table to have identical values (geneve and \\"10.0.0.7\\") for index on columns \\"type\\" and \\"ip\\".","error":"constraint violation"}', 4, level="WARNING")]),
    ("metadata-proxy-not-started", [Lines("ovn-metadata-agent", "Encountered process execution error Exit code: 1; Cmd: ['ip', 'netns', 'exec', 'ovnmeta-{id}', 'haproxy', '-f', '/var/lib/neutron/ovn-metadata-proxy/{id}.conf']; Stdin: ; Stdout: ; Stderr: [ALERT] (112) : Starting proxy listener: cannot bind socket (Cannot assign requested address) [fe80::a9fe:a9fe:80] while starting process in namespace ovnmeta-{id}")]),
    ("metadata-guest-unknown", [Lines("ovn-metadata-agent", "No port found in network {id} with IP address 10.0.0.{i}", 12)]),
    ("metadata-guest-unknown", [Lines("ovn-metadata-agent", "More than one port found in network {id} with IP address 10.0.0.7. Please run the neutron-ovn-db-sync-util script as there seems to be inconsistent data between Neutron and OVN databases.")]),
    ("dnsmasq-address-in-use", [Lines("dnsmasq", "failed to create listening socket for 10.0.0.2: Address already in use", 2)]),
    ("inotify-exhausted", [Lines("dnsmasq", "failed to create inotify: Too many open files", 2)]),
    ("inotify-exhausted", [Lines("systemd", "Failed to allocate directory watch: Too many open files", 2)]),
    ("inotify-exhausted", [Lines("kubelet", "inotify_add_watch /sys/fs/cgroup/x: no space left on device", 2)]),
    ("inotify-exhausted", [Lines("kubelet", "The configured user limit (128) on the number of inotify instances has been reached", 2)]),
    ("inotify-exhausted", [Lines("kubelet", "failed to create fsnotify watcher: too many open files")]),
    ("helper-died", [Lines("dhcp-agent", "dnsmasq for dhcp with uuid {id} not found. The process should not have died", 4)]),
    ("vif-plug-timeout", [Lines("nova-compute", "Timeout waiting for [('network-vif-plugged', '{id}')] for instance with vm_state building and task_state spawning.: eventlet.timeout.Timeout: 300 seconds", level="WARNING")]),
    ("vif-plug-timeout", [Lines("nova-compute", "Instance failed to spawn: nova.exception.VirtualInterfaceCreateException: Virtual Interface creation failed")]),
    ("binding-failed", [Lines("neutron-server", "Failed to bind port {id} on host node7 for vnic_type normal using segments []", 2)]),
    ("binding-failed", [Lines("nova-compute", "nova.exception.PortBindingFailed: Binding failed for port {id}, please check neutron logs for more information.", 2)]),
    ("privsep-failed", [Lines("dhcp-agent", "oslo_privsep.daemon.FailedToDropPrivileges: Privsep daemon failed to start")]),
    ("privsep-failed", [Lines("l3-agent", "privsep helper command exited non-zero (1)", level="CRITICAL")]),
    ("privsep-failed", [Lines("dhcp-agent", "/usr/bin/neutron-rootwrap: Unauthorized command: privsep-helper (no filter matched)")]),
    ("l3-ha-flaps", [Lines("l3-agent", "Router {id} transitioned to primary on agent node1", 4, 60, "INFO", changing=False), Lines("l3-agent", "Router {id} transitioned to backup on agent node1", 4, 60, "INFO", 1830, changing=False)]),
    ("l3-ha-flaps", [Lines("keepalived", "Keepalived_vrrp[77]: (VR_1) Entering MASTER STATE", 4, 60), Lines("keepalived", "Keepalived_vrrp[77]: (VR_1) Entering BACKUP STATE", 4, 60, start=1830)]),
    ("switch-dead", [Lines("ovs-agent", "OVS is dead. OVSNeutronAgent will keep running and checking OVS status periodically.", 3, level="WARNING")]),
    ("switch-dead", [Lines("ovs-vswitchd", "daemon_unix(monitor)|1 crashes: pid 812 died, killed (Segmentation fault), core dumped, restarting")]),
    ("switch-restarted-unnoticed", [Lines("ovs-vswitchd", "vswitchd|ovs-vswitchd (Open vSwitch) 3.3.0", level="INFO", start=900)]),
    ("disk-full", [Lines("dhcp-agent", "OSError: [Errno 28] No space left on device: '/var/lib/neutron/dhcp/{id}/host'", 2)]),
    ("disk-full", [Lines("dhcp-agent", "sqlite3.OperationalError: database or disk is full")]),
    ("descriptors-exhausted", [Lines("containerd", "accept tcp 10.0.0.{i}:80: accept4: too many open files; retrying in 1s", 3)]),
    ("descriptors-exhausted", [Lines("l3-agent", "OSError: [Errno 24] Too many open files: '/var/lib/neutron/x'", 3)]),
    ("database-away", [Lines("neutron-server", "oslo_db.exception.DBConnectionError: (pymysql.err.OperationalError) (2003, \"Can't connect to MySQL server on '10.0.0.9'\")", 5)]),
    ("database-away", [Lines(DATABASE, "WSREP: Received NON-PRIMARY. now non-primary", level="Note")]),
    ("database-away", [Lines(DATABASE, "WSREP: Received NON-PRIMARY.", level="Note")]),
    ("database-away", [Lines("neutron-server", "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 50 reached, connection timed out, timeout 30.00", 5)]),
    ("database-away", [Lines("neutron-server", 'psycopg2.OperationalError: connection to server at "db" (10.0.0.9), port 5432 failed: FATAL:  sorry, too many clients already', 5)]),
]  # fmt: skip

CRASHES: list[tuple[str, str, str]] = [
    ("stale-namespace-name", "l3-agent", "OSError: [Errno 22] failed to open netns"),
    ("namespace-name-not-seen", "ovn-metadata-agent", "OSError: [Errno 2] failed to open netns"),
    ("database-away", "neutron-server", "oslo_db.exception.DBConnectionError: (pymysql.err.OperationalError) (2003, \"Can't connect to MySQL server on 'db'\")"),
    ("descriptors-exhausted", "dhcp-agent", "OSError: [Errno 24] Too many open files"),
    ("disk-full", "dhcp-agent", "OSError: [Errno 28] No space left on device"),
    ("rpc-timeouts", "ovs-agent", "oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID 0a1b"),
    ("ovn-database-slow", "ovn-metadata-agent", "Exception: Could not retrieve schema from tcp:10.0.0.9:6642"),
    ("ovsdb-overload", "ovs-agent", "ovsdbapp.exceptions.TimeoutException: Commands [AddBridgeCommand(name=br-int, may_exist=True)] exceeded timeout 10 seconds, cause: Result queue is empty"),
    ("privsep-failed", "l3-agent", "oslo_privsep.daemon.FailedToDropPrivileges: privsep helper command exited non-zero (1)"),
]  # fmt: skip
"""(signature, agent, error of which it dies): one line is all that `kubectl logs --previous` holds."""

NEARLY: list[tuple[str, list[Lines]]] = [
    ("one crash of another kind", [Lines("dhcp-agent", "Unhandled error: OSError: [Errno 1] failed to open netns", level="CRITICAL")]),
    ("two names looked for while they go", [Lines("metadata-agent", 'Cannot open network namespace "qdhcp-{id}": No such file or directory', 2)]),
    ("a process that has ended", [Lines("kubelet", 'NetworkPlugin cni failed to set up pod: failed to Statfs "/proc/{i}/ns/net": no such file or directory', 9)]),
    ("other files not found", [Lines("dhcp-agent", "FileNotFoundError: [Errno 2] No such file or directory: '/var/lib/neutron/dhcp/{id}/pid'", 9)]),
    ("the table of expectations", [Lines("kernel", "nf_conntrack: expectation table full", 9)]),
    ("conntrack starts", [Lines("kernel", "nf_conntrack: falling back to vmalloc.", 2)]),
    ("routes, not neighbours", [Lines("kernel", "ipv6: neighbour 10.0.0.{i} is stale", 9)]),
    ("an MTU that a device refuses", [Lines("kernel", "{tap}: mtu greater than device maximum", 9)]),
    ("a device that took its time", [Lines("kernel", "unregister_netdevice: waiting for {tap} to become free. Usage count = 2", 2, 10)]),
    ("two calls that took too long", [Lines("dhcp-agent", f"Failed reporting state!: oslo_messaging.exceptions.{TIMED_OUT}", 2)]),
    ("a queue that is no reply's", [Lines("neutron-server", "NOT_FOUND - no queue 'q-agent-notifier-port-update_fanout_{i}' in vhost '/'", 9)]),
    ("another queue that is missing", [Lines("neutron-server", "order {id} was not sent due to a missing queue", 9)]),
    ("clients that leave without a word", [Lines(RABBIT, "closing AMQP connection <0.{i}.0> (10.0.0.1:5 -> 10.0.0.2:5672): client unexpectedly closed TCP connection", 30, level="WARNING")]),
    ("an alarm that ends", [Lines(RABBIT, "memory resource limit alarm cleared on node rabbit@ctl1", level="WARNING")]),
    ("the switch's own socket", [Lines("ovs-vswitchd", "reconnect|unix#{i}: no response to inactivity probe after 5 seconds, disconnecting", 9)]),
    ("leadership handed over for a snapshot", [Lines("ovsdb-server-sb", "raft|Transferring leadership to write a snapshot.", 9, 300, "INFO"), Lines("ovsdb-server-sb", "raft|term {i}: starting election", 9, 300, "INFO")]),
    ("a follower asked first", [Lines("ovn-controller", "ovsdb_idl|ssl:10.0.0.1:6642: clustered database server is not cluster leader; trying another server", 9, level="INFO")]),
    ("a leader of OVN's database that changes", [Lines("ovn-controller", "reconnect|ssl:10.0.0.1:6642: connection attempt failed (Connection refused)", 4, 2, "INFO")]),
    ("the switch's own database, being restarted", [Lines("ovn-controller", "reconnect|unix:/run/openvswitch/db.sock: connection attempt failed (No such file or directory)", 20, level="INFO")]),
    ("a handshake that is cut off", [Lines("ovn-controller", "stream_ssl|SSL_connect: unexpected SSL connection close", 9, level="WARNING")]),
    ("another row that is there already", [Lines("ovn-controller", 'ovsdb_idl|transaction error: {"details":"Transaction causes multiple rows in \\"Bridge\\" table to have identical values","error":"constraint violation"}', 9, level="WARNING")]),
    ("another program that does not start", [Lines("dhcp-agent", "Encountered process execution error Exit code: 1; Cmd: ['dnsmasq', '--no-hosts']; Stdin: ; Stdout: ; Stderr:  while starting process in namespace qdhcp-{id}", 3)]),
    ("health checks of the metadata agent", [Lines("ovn-metadata-agent", "No port found in network None with IP address 169.254.169.254", 50)]),
    ("a guest that asks before its port is there", [Lines("ovn-metadata-agent", "No port found in network {id} with IP address 10.0.0.7", 3, 1)]),
    ("networks that come and go on a chassis", [Lines("ovn-metadata-agent", "Provisioning metadata for network {id}", 20, level="INFO"), Lines("ovn-metadata-agent", "Cleaning up ovnmeta-{id} namespace which is not needed anymore", 20, level="INFO")]),
    ("one transaction of OVN that took too long", [Lines("neutron-server", OVSDB.replace("{what}", "LspAddCommand(switch=neutron-{id})"))]),
    ("haproxy's address in use", [Lines("dhcp-agent", "Starting proxy listener: cannot bind socket (Address already in use) [169.254.169.254:80]", 9)]),
    ("an inotify watch that works", [Lines("kubelet", "inotify watch on /etc/kubernetes added", 9)]),
    ("one process found gone", [Lines("dhcp-agent", "dnsmasq for dhcp with uuid {id} not found. The process should not have died")]),
    ("an event that is waited for, and comes", [Lines("nova-compute", "Preparing to wait for external event network-vif-plugged-{id}", 9, level="DEBUG"), Lines("nova-compute", "Received unexpected event network-vif-plugged-{id} for instance", 9, level="WARNING")]),
    ("ports that are bound", [Lines("neutron-server", "Attempting to bind port {id} on host node7 for vnic_type normal", 9, level="DEBUG"), Lines("neutron-server", "Successfully bound port {id} on host node7", 9, level="DEBUG")]),
    ("a privileged daemon that starts", [Lines("dhcp-agent", "Spawned new privsep daemon via rootwrap", level="INFO"), Lines("dhcp-agent", "privsep daemon running as pid 7", level="INFO"), Lines("dhcp-agent", "privsep: Exception during request[1]: Network interface tap1 not found", 9, level="DEBUG")]),
    ("sixty routers that start", [Lines("l3-agent", "Router {id} transitioned to backup on agent node1", 60, 5, "INFO"), Lines("l3-agent", "Router {id} transitioned to primary on agent node1", 60, 5, "INFO", 1810)]),
    ("many keepalived of one number", [Lines("keepalived", "Keepalived_vrrp[{i}]: (VR_1) Entering BACKUP STATE", 60, 5), Lines("keepalived", "Keepalived_vrrp[{i}]: (VR_1) Entering MASTER STATE", 60, 5, start=1804)]),
    ("a restart of the switch that is noticed", [Lines("ovs-vswitchd", "vswitchd|ovs-vswitchd (Open vSwitch) 3.3.0", level="INFO", start=900), Lines("ovs-agent", "OVS is restarted. OVSNeutronAgent will reset bridges and recover ports.", level="WARNING", start=903)]),
    ("a disk that fills", [Lines("dhcp-agent", "Disk /var/lib/neutron is 93 % full, 2 GB of space left on device sda", 9, level="WARNING")]),
    ("the switch's database, by its loopback address", [Lines("ovn-controller", "reconnect|tcp:127.0.0.1:6640: no response to inactivity probe after 10 seconds, disconnecting", 9)]),
    ("a unit that ends as it should", [Lines("systemd", "neutron.service: Main process exited, code=exited, status=0/SUCCESS", 9)]),
    ("a switch that is told to end", [Lines("ovs-vswitchd", "daemon_unix(monitor)|pid 812 died, killed (Terminated)", 3)]),
    ("machine checks that are ready", [Lines("kernel", "mce: CPU supports 20 MCE banks; Machine check injector initialized")]),
    ("one file too many", [Lines("l3-agent", "OSError: [Errno 24] Too many open files: '/var/lib/neutron/x'")]),
    ("deadlocks that are tried again", [Lines("neutron-server", "DBDeadlock: (1213, 'Deadlock found when trying to get lock; try restarting transaction'), retrying", 20, level="WARNING"), Lines(DATABASE, "Aborted connection {i} to db: 'neutron' user: 'neutron' host: '10.0.0.3'", 30, level="Warning")]),
]  # fmt: skip
