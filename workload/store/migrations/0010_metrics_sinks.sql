-- How each sink of metrics stands, as each unit that relays to it sees it (store::metrics_sinks). It is worth nothing
-- after a crash of the database, and old rows are nobody's.

CREATE UNLOGGED TABLE metrics_sinks (
    unit uuid NOT NULL,
    sink text NOT NULL,
    -- idle, taking or failing; failing has a reason.
    state text NOT NULL,
    reason text,
    oldest_seconds double precision NOT NULL,
    waiting_bytes bigint NOT NULL,
    samples_sent bigint NOT NULL,
    samples_dropped bigint NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (unit, sink)
);
