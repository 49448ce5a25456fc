-- The audit trail: who did what, to which cluster, what stood before and after, from where. Written in the same
-- transaction as the change that it records, sealed shortly afterwards.
CREATE TABLE events (
    -- In the order in which rows were written; they may commit in another.
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- What was done, such as cluster.configured.
    action text NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    cluster_uid uuid,
    cluster_name text,
    -- What it was done to, where that is no cluster.
    subject text,
    -- json, not jsonb: the seal covers the very text.
    before json,
    after json,
    address inet,
    request_id text,
    -- How often it happened: refusals of one kind are written as one row a minute.
    count bigint NOT NULL DEFAULT 1 CHECK (count > 0),
    -- The place in the chain, from 1 on without gaps; null until it is sealed.
    sequence bigint UNIQUE CHECK (sequence > 0),
    -- HMAC-SHA-256 over the seal before and this row.
    seal bytea CHECK (octet_length(seal) = 32),
    -- Names the key.
    seal_key bytea CHECK (octet_length(seal_key) = 4),
    CHECK (num_nulls(sequence, seal, seal_key) IN (0, 3))
);
CREATE INDEX events_by_cluster ON events (cluster_name, id);
CREATE INDEX events_by_cluster_uid ON events (cluster_uid, id);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_not_sealed ON events (id) WHERE sequence IS NULL;

-- Where the chain begins after old rows were removed: the place and the seal of the last one. At most one row.
CREATE TABLE event_checkpoints (
    sequence bigint PRIMARY KEY CHECK (sequence > 0),
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    -- When the rows were removed.
    at timestamptz NOT NULL,
    -- HMAC-SHA-256 over the above.
    mac bytea NOT NULL CHECK (octet_length(mac) = 32),
    mac_key bytea NOT NULL CHECK (octet_length(mac_key) = 4)
);
