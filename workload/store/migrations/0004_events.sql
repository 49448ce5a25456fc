-- The audit trail: who did what, to which cluster, what stood before and after, from where. Written in the same
-- transaction as the change that it records.
CREATE TABLE events (
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
    before jsonb,
    after jsonb,
    address inet,
    request_id text
);
CREATE INDEX events_by_cluster ON events (cluster_name, id);
