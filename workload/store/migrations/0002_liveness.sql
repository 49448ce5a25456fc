-- Liveness and judgement: ours alone, beside the tables that the existing program knows.

-- Whether and how regularly a cluster beats: small and hot. No index but the key, so that updates stay in their page.
CREATE TABLE remote_cluster_liveness (
    remote_cluster_id integer PRIMARY KEY REFERENCES remote_clusters (id) ON DELETE CASCADE,
    -- The last heartbeat by the wall clock; null before the first.
    last_heartbeat_at timestamptz,
    -- The last heartbeat, or the join, by the service clock (see connector_presence).
    heard_at timestamptz NOT NULL,
    -- Seconds between its last beats, oldest first.
    recent_gaps double precision[] NOT NULL DEFAULT '{}',
    -- How many rows it has in remote_cluster_warnings.
    warning_count integer NOT NULL DEFAULT 0,
    -- The state that was last recorded, and since when.
    state text NOT NULL DEFAULT 'fresh' CHECK (state IN ('fresh', 'late', 'lost')),
    state_since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- What a cluster's last report shows to be wrong.
CREATE TABLE remote_cluster_warnings (
    remote_cluster_id integer NOT NULL REFERENCES remote_clusters (id) ON DELETE CASCADE,
    kind text NOT NULL,
    -- Which pool, which status: tells two warnings of a kind apart.
    subject text NOT NULL,
    severity text NOT NULL,
    text text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (remote_cluster_id, kind, subject)
);

-- Each change of a cluster's health. Outlives the cluster.
CREATE TABLE health_transitions (
    id bigserial PRIMARY KEY,
    cluster_uid uuid NOT NULL,
    cluster_name text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX health_transitions_by_cluster ON health_transitions (cluster_uid, at);

-- One row: until when some unit accepted heartbeats, and all the time in which none did. The service clock is the
-- wall clock less these outages; silence is measured on it, so that the hub's own outage makes nobody late.
CREATE TABLE connector_presence (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    accepting_until timestamptz NOT NULL,
    outage_seconds double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

-- The service clock's reading; it stands still while an outage lasts (the grace is fleet::ServiceClock::GRACE).
CREATE VIEW service_clock AS
SELECT
    clock_timestamp() AS wall,
    CASE WHEN clock_timestamp() - accepting_until > interval '15 s' THEN accepting_until ELSE clock_timestamp() END
        - make_interval(secs => outage_seconds) AS service
FROM connector_presence;

-- In a database that was taken over, the hub last listened when its last cluster was last heard.
INSERT INTO connector_presence (accepting_until)
SELECT least(now(), coalesce(max(updated_at), now())) FROM remote_cluster_details;

-- What the existing program last heard counts as heard.
INSERT INTO remote_cluster_liveness (remote_cluster_id, last_heartbeat_at, heard_at)
SELECT remote_cluster_id, updated_at, updated_at FROM remote_cluster_details;

-- A cluster that never reported has no details there; here every cluster has both rows from its joining on.
WITH silent AS (
    INSERT INTO remote_cluster_details (remote_cluster_id)
    SELECT id FROM remote_clusters WHERE id NOT IN (SELECT remote_cluster_id FROM remote_cluster_details)
    RETURNING remote_cluster_id
)
INSERT INTO remote_cluster_liveness (remote_cluster_id, heard_at)
SELECT s.remote_cluster_id, p.accepting_until FROM silent AS s, connector_presence AS p;
