-- The tables of a new database. One that the existing program made is brought to the same shape by takeover.sql.

-- One row an enrolled cluster.
CREATE TABLE remote_clusters (
    id serial PRIMARY KEY,
    -- Who the cluster is, whatever it is called.
    uid uuid NOT NULL UNIQUE,
    name text NOT NULL UNIQUE,
    description text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE')),
    -- The certificate in PEM, as posted at join; pinned by its fingerprint.
    cluster_certificate text NOT NULL,
    certificate_fingerprint bytea NOT NULL UNIQUE CHECK (octet_length(certificate_fingerprint) = 32),
    certificate_not_before timestamptz NOT NULL,
    certificate_not_after timestamptz NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Join tokens not yet used. The token itself is nowhere: a dump of this table enrols nobody.
CREATE TABLE remote_cluster_tokens (
    id serial PRIMARY KEY,
    cluster_name text NOT NULL UNIQUE,
    description text NOT NULL DEFAULT '',
    -- SHA-256 of the secret.
    secret_digest bytea NOT NULL CHECK (octet_length(secret_digest) = 32),
    -- The secret again, encrypted, for joins that prove it by HMAC.
    sealed_secret bytea NOT NULL,
    expiry timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What each cluster last reported: wide, overwritten by every heartbeat.
CREATE TABLE remote_cluster_details (
    id serial PRIMARY KEY,
    remote_cluster_id integer NOT NULL UNIQUE REFERENCES remote_clusters (id) ON DELETE CASCADE,
    ceph_count integer NOT NULL DEFAULT 0,
    ceph_statuses jsonb NOT NULL DEFAULT '[]',
    cpu_total_count bigint NOT NULL DEFAULT 0,
    cpu_load_1 text NOT NULL DEFAULT '',
    cpu_load_5 text NOT NULL DEFAULT '',
    cpu_load_15 text NOT NULL DEFAULT '',
    instance_count integer NOT NULL DEFAULT 0,
    instance_statuses jsonb NOT NULL DEFAULT '[]',
    member_count integer NOT NULL DEFAULT 0,
    member_statuses jsonb NOT NULL DEFAULT '[]',
    memory_total_amount bigint NOT NULL DEFAULT 0,
    memory_usage bigint NOT NULL DEFAULT 0,
    storage_pool_usages jsonb NOT NULL DEFAULT '[]',
    ui_url text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- What a cluster is configured to: key and value, as the existing program keeps it.
CREATE TABLE remote_cluster_config (
    id serial PRIMARY KEY,
    remote_cluster_id integer NOT NULL REFERENCES remote_clusters (id) ON DELETE CASCADE,
    key text NOT NULL,
    value text NOT NULL,
    UNIQUE (remote_cluster_id, key)
);
