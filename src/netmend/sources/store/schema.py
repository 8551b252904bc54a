"""The tables of the store, as the migrations that make them, in order.

Columns and constraints keep integrity: an address and a MAC are used once a network, an object refers to objects that
are there, a device name belongs to one object, a place to one plug. An object's `document` is the JSON that the API
shows; fields by which objects are looked up are columns too. Addresses are big-endian octets, which compare
as numbers do. `free_range` holds, for each allocation pool, what of it is free: the lowest free address is the first
row of an index.

The ports of a store that is older than security groups are not filtered (`netmend.filtered` is false) until they are
given groups: a guest that was reached yesterday shall be reached after an upgrade too.

A migration is never edited once it was released; the next one is added.
tests/unit/sources/store/test_schema_migrations.py starts from every version there was.
"""

APPLICATION_ID = 0x6E6D7374  # "nmst"

_OBJECTS = """
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter VALUES ('change', 0);

CREATE TABLE network (
    id TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    name TEXT AS (json_extract(document, '$.name')) VIRTUAL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL
) WITHOUT ROWID;
CREATE INDEX network_name ON network (name);
CREATE INDEX network_project ON network (project_id);
CREATE UNIQUE INDEX network_device ON network (substr(id, 1, 11));

CREATE TABLE subnet (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES network (id) ON DELETE RESTRICT,
    first BLOB NOT NULL,
    last BLOB NOT NULL,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    name TEXT AS (json_extract(document, '$.name')) VIRTUAL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL,
    CHECK (first <= last AND length(first) = length(last))
) WITHOUT ROWID;
CREATE INDEX subnet_network ON subnet (network_id);
CREATE INDEX subnet_name ON subnet (name);
CREATE INDEX subnet_project ON subnet (project_id);

CREATE TABLE port (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES network (id) ON DELETE RESTRICT,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    mac TEXT NOT NULL AS (json_extract(document, '$.mac_address')) STORED,
    name TEXT AS (json_extract(document, '$.name')) VIRTUAL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL,
    device_id TEXT AS (json_extract(document, '$.device_id')) VIRTUAL,
    plug_place TEXT AS (coalesce(
        json_extract(document, '$.netmend.plug.netns'), '/' || json_extract(document, '$.netmend.plug.pid')
    )) VIRTUAL,
    plug_device TEXT AS (coalesce(json_extract(document, '$.netmend.plug.device'), 'eth0')) VIRTUAL
);
CREATE UNIQUE INDEX port_mac ON port (network_id, mac);
CREATE UNIQUE INDEX port_device ON port (substr(id, 1, 11));
CREATE UNIQUE INDEX port_plug ON port (plug_place, plug_device) WHERE plug_place IS NOT NULL;
CREATE INDEX port_mac_alone ON port (mac);
CREATE INDEX port_name ON port (name);
CREATE INDEX port_project ON port (project_id);
CREATE INDEX port_device_id ON port (device_id);

CREATE TABLE address (
    network_id TEXT NOT NULL REFERENCES network (id) ON DELETE RESTRICT,
    address BLOB NOT NULL,
    subnet_id TEXT NOT NULL REFERENCES subnet (id) ON DELETE RESTRICT,
    port_id TEXT NOT NULL REFERENCES port (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (network_id, address)
) WITHOUT ROWID;
CREATE INDEX address_subnet ON address (subnet_id);
CREATE INDEX address_port ON address (port_id);

CREATE TABLE free_range (
    subnet_id TEXT NOT NULL REFERENCES subnet (id) ON DELETE CASCADE,
    first BLOB NOT NULL,
    last BLOB NOT NULL,
    PRIMARY KEY (subnet_id, first),
    CHECK (first <= last AND length(first) = length(last))
) WITHOUT ROWID;

CREATE TABLE quota (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    quota INTEGER NOT NULL CHECK (quota >= -1),
    PRIMARY KEY (project_id, resource)
) WITHOUT ROWID;
"""

_RECORDS = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE agent (
    id TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    host TEXT AS (json_extract(document, '$.host')) VIRTUAL,
    kind TEXT AS (json_extract(document, '$.agent_type')) VIRTUAL
);
CREATE UNIQUE INDEX agent_host ON agent (kind, host);

CREATE TABLE resync (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    network_id TEXT NOT NULL,
    port_id TEXT,
    reason TEXT NOT NULL,
    since REAL NOT NULL,
    resolved REAL,
    failures INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX resync_open ON resync (network_id) WHERE resolved IS NULL;

CREATE TABLE finding (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    summary TEXT NOT NULL,
    evidence TEXT NOT NULL,
    cause TEXT NOT NULL,
    mend TEXT NOT NULL,
    since REAL NOT NULL,
    resolved REAL
);
CREATE UNIQUE INDEX finding_open ON finding (summary) WHERE resolved IS NULL;
"""

_ROUTERS = """
CREATE TABLE router (
    id TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    name TEXT AS (json_extract(document, '$.name')) VIRTUAL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL
) WITHOUT ROWID;
CREATE UNIQUE INDEX router_device ON router (substr(id, 1, 11));
CREATE INDEX router_project ON router (project_id);

CREATE TABLE floatingip (
    id TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL,
    port_id TEXT AS (json_extract(document, '$.port_id')) VIRTUAL,
    router_id TEXT AS (json_extract(document, '$.router_id')) VIRTUAL,
    fixed_ip_address TEXT AS (json_extract(document, '$.fixed_ip_address')) VIRTUAL
);
CREATE INDEX floatingip_project ON floatingip (project_id);
CREATE UNIQUE INDEX floatingip_fixed ON floatingip (port_id, fixed_ip_address) WHERE port_id IS NOT NULL;
"""

_SECURITY_GROUPS = """
CREATE TABLE security_group (
    id TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    name TEXT AS (json_extract(document, '$.name')) VIRTUAL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL
) WITHOUT ROWID;
CREATE INDEX security_group_name ON security_group (name);
CREATE INDEX security_group_project ON security_group (project_id);

CREATE TABLE default_security_group (
    project_id TEXT PRIMARY KEY,
    security_group_id TEXT NOT NULL REFERENCES security_group (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE address_group (
    id TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    name TEXT AS (json_extract(document, '$.name')) VIRTUAL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL
) WITHOUT ROWID;

CREATE TABLE security_group_rule (
    id TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    document TEXT NOT NULL,
    security_group_id TEXT NOT NULL REFERENCES security_group (id) ON DELETE RESTRICT,
    remote_group_id TEXT REFERENCES security_group (id) ON DELETE RESTRICT,
    remote_address_group_id TEXT REFERENCES address_group (id) ON DELETE RESTRICT,
    meaning TEXT NOT NULL,
    project_id TEXT AS (json_extract(document, '$.project_id')) VIRTUAL
) WITHOUT ROWID;
CREATE UNIQUE INDEX security_group_rule_meaning ON security_group_rule (security_group_id, meaning);
CREATE INDEX security_group_rule_remote ON security_group_rule (remote_group_id) WHERE remote_group_id IS NOT NULL;
CREATE INDEX security_group_rule_addresses ON security_group_rule (remote_address_group_id)
    WHERE remote_address_group_id IS NOT NULL;
CREATE INDEX security_group_rule_project ON security_group_rule (project_id);

CREATE TABLE membership (
    security_group_id TEXT NOT NULL REFERENCES security_group (id) ON DELETE RESTRICT,
    port_id TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE,
    PRIMARY KEY (security_group_id, port_id)
) WITHOUT ROWID;
CREATE INDEX membership_port ON membership (port_id);

UPDATE port SET document = json_set(document, '$.netmend.filtered', json('false'))
    WHERE json_extract(document, '$.device_owner') NOT LIKE 'network:%';
"""

MIGRATIONS: tuple[str, ...] = (_OBJECTS, _RECORDS, _ROUTERS, _SECURITY_GROUPS)  # version N is what the first N make
