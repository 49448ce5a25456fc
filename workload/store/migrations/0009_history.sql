-- How each cluster was: every five minutes for two days, by the hour for ninety (store::history). Partitions are made
-- and dropped by the program as time goes on, by the day and by the week. Numbers are as narrow as a picture needs.

CREATE TABLE cluster_samples (
    remote_cluster_id integer NOT NULL,
    at timestamptz NOT NULL,
    -- 0 fresh, 1 late, 2 lost. The rest is null where the cluster was silent.
    state smallint NOT NULL,
    cpu_load real,
    memory_total real,
    memory_usage real,
    storage_total real,
    storage_usage real,
    members integer,
    members_online integer,
    instances integer,
    instances_running integer,
    PRIMARY KEY (remote_cluster_id, at)
) PARTITION BY RANGE (at);

-- An hour is added up without reading the day: rows come in the order of time.
CREATE INDEX cluster_samples_by_time ON cluster_samples USING brin (at);

-- The averages of an hour, and the worst state in it; at is its beginning.
CREATE TABLE cluster_hours (LIKE cluster_samples INCLUDING ALL) PARTITION BY RANGE (at);

-- How far both have come. Whoever holds this row does the work.
CREATE TABLE history_progress (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sampled_at timestamptz NOT NULL,
    -- The hours before this one are added up.
    hours_until timestamptz NOT NULL
);
INSERT INTO history_progress (sampled_at, hours_until) VALUES ('epoch', date_trunc('hour', now()));
