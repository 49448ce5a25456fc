-- Background tasks that one unit runs at a time (store::tasks): who claimed the current round, and how the last one went.
-- Worth nothing after a crash of the database: the next unit that looks claims the task anew.

CREATE UNLOGGED TABLE background_tasks (
    name text PRIMARY KEY,
    -- The unit that claimed the last round; it has another id after every start.
    unit uuid NOT NULL,
    -- Until when nobody else claims a round; null once the round has ended.
    leased_until timestamptz,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    succeeded_at timestamptz,
    -- Rounds that failed since the last success, and why the last of them did.
    failures integer NOT NULL DEFAULT 0,
    error text
) WITH (fillfactor = 50);
