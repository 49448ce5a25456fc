-- What the fleet is searched, filtered, sorted and added up by, without reading the wide rows.

-- Letters without case, whatever the database's own locale is: in some only A to Z have one.
DO $$
DECLARE
    chosen text := (
        SELECT quote_ident(collname) FROM pg_collation
        WHERE collnamespace = 'pg_catalog'::regnamespace
            AND collname IN ('und-x-icu', 'pg_c_utf8', 'C.utf8', 'en_US.utf8', 'default')
            AND collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))
        ORDER BY array_position(ARRAY['und-x-icu', 'pg_c_utf8', 'C.utf8', 'en_US.utf8', 'default'], collname::text)
        LIMIT 1);
BEGIN
    EXECUTE format('CREATE FUNCTION without_case(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN lower($1 COLLATE pg_catalog.%s)', chosen);
END
$$;

ALTER TABLE remote_clusters
    ADD COLUMN search_text text COLLATE "C" NOT NULL GENERATED ALWAYS AS (without_case(name || E'\n' || description)) STORED;
-- The whole list is read in this order, a piece at a time.
CREATE INDEX remote_clusters_by_name ON remote_clusters (name COLLATE "C");

-- Every heartbeat writes this row anyway, and no column here has an index: updates stay in their page. What the numbers
-- mean stands at fleet::report_summary, which makes them.
ALTER TABLE remote_cluster_liveness
    -- Of warning_count, the critical ones.
    ADD COLUMN critical_count integer NOT NULL DEFAULT 0,
    ADD COLUMN cpu_load double precision NOT NULL DEFAULT 0,
    ADD COLUMN memory_total bigint NOT NULL DEFAULT 0,
    ADD COLUMN memory_usage bigint NOT NULL DEFAULT 0,
    -- Shares are in hundredths of a percent, rounded up.
    ADD COLUMN memory_share integer NOT NULL DEFAULT 0,
    ADD COLUMN storage_total bigint NOT NULL DEFAULT 0,
    ADD COLUMN storage_usage bigint NOT NULL DEFAULT 0,
    ADD COLUMN storage_share integer NOT NULL DEFAULT 0,
    ADD COLUMN members integer NOT NULL DEFAULT 0,
    ADD COLUMN members_online integer NOT NULL DEFAULT 0,
    ADD COLUMN members_offline integer NOT NULL DEFAULT 0,
    ADD COLUMN members_evacuated integer NOT NULL DEFAULT 0,
    ADD COLUMN members_blocked integer NOT NULL DEFAULT 0,
    ADD COLUMN instances integer NOT NULL DEFAULT 0,
    ADD COLUMN instances_running integer NOT NULL DEFAULT 0,
    ADD COLUMN instances_stopped integer NOT NULL DEFAULT 0,
    ADD COLUMN instances_frozen integer NOT NULL DEFAULT 0,
    ADD COLUMN instances_error integer NOT NULL DEFAULT 0,
    -- Statuses that LXD is not known to have, with their counts; null where there are none, as nearly everywhere.
    ADD COLUMN other_members jsonb,
    ADD COLUMN other_instances jsonb;

-- What was reported so far. A number that cannot be read is 0 until the next heartbeat brings it.
CREATE FUNCTION pg_temp.counted(list jsonb) RETURNS TABLE (status text, count bigint) LANGUAGE sql AS $$
    SELECT without_case(coalesce(entry ->> 'status', '')), sum(least((entry ->> 'count')::numeric, 2147483647))::bigint
    FROM jsonb_path_query(list, 'lax $[*] ? (@.count > 0)') AS entry GROUP BY 1
$$;
CREATE FUNCTION pg_temp.counted_as(list jsonb, wanted text) RETURNS integer LANGUAGE sql AS $$
    SELECT least(coalesce(sum(count), 0), 2147483647)::integer FROM pg_temp.counted(list) WHERE status = wanted
$$;
CREATE FUNCTION pg_temp.others(list jsonb, VARIADIC usual text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(status, count) FROM (
        SELECT CASE WHEN place > 32 THEN 'other' ELSE status END AS status, sum(count)::bigint AS count
        FROM (SELECT *, row_number() OVER (ORDER BY status) AS place
              FROM pg_temp.counted(list) WHERE status <> ALL (usual)) AS numbered
        GROUP BY 1) AS other
$$;
CREATE FUNCTION pg_temp.share(usage numeric, total numeric) RETURNS integer LANGUAGE sql AS $$
    SELECT CASE WHEN total > 0 THEN least(ceil(usage * 10000 / total), 2147483647)::integer ELSE 0 END
$$;
UPDATE remote_cluster_liveness AS l SET
    critical_count = (
        SELECT count(*) FROM remote_cluster_warnings AS w
        WHERE w.remote_cluster_id = l.remote_cluster_id AND w.severity = 'critical'),
    cpu_load = CASE WHEN d.cpu_load_1 ~ '^[0-9]{1,15}([.][0-9]{1,15})?$' THEN d.cpu_load_1::double precision ELSE 0 END
        / CASE WHEN d.cpu_total_count > 0 THEN d.cpu_total_count ELSE greatest(d.member_count, 1) END,
    memory_total = d.memory_total_amount,
    memory_usage = d.memory_usage,
    memory_share = pg_temp.share(d.memory_usage, d.memory_total_amount),
    storage_total = pools.total,
    storage_usage = pools.usage,
    storage_share = pools.share,
    members = d.member_count,
    members_online = pg_temp.counted_as(d.member_statuses, 'online'),
    members_offline = pg_temp.counted_as(d.member_statuses, 'offline'),
    members_evacuated = pg_temp.counted_as(d.member_statuses, 'evacuated'),
    members_blocked = pg_temp.counted_as(d.member_statuses, 'blocked'),
    instances = d.instance_count,
    instances_running = pg_temp.counted_as(d.instance_statuses, 'running'),
    instances_stopped = pg_temp.counted_as(d.instance_statuses, 'stopped'),
    instances_frozen = pg_temp.counted_as(d.instance_statuses, 'frozen'),
    instances_error = pg_temp.counted_as(d.instance_statuses, 'error'),
    other_members = pg_temp.others(d.member_statuses, 'online', 'offline', 'evacuated', 'blocked'),
    other_instances = pg_temp.others(d.instance_statuses, 'running', 'stopped', 'frozen', 'error')
FROM remote_cluster_details AS d, LATERAL (
    SELECT least(coalesce(sum(pool.total), 0), 9223372036854775807)::bigint AS total,
        least(coalesce(sum(pool.usage), 0), 9223372036854775807)::bigint AS usage,
        coalesce(max(pool.share), 0) AS share
    FROM (
        SELECT DISTINCT ON (entry ->> 'name', entry ->> 'member') (entry ->> 'total')::numeric AS total,
            (entry ->> 'usage')::numeric AS usage,
            max(pg_temp.share((entry ->> 'usage')::numeric, (entry ->> 'total')::numeric)) OVER () AS share
        FROM jsonb_path_query(d.storage_pool_usages, 'lax $[*] ? (@.total >= 0 && @.usage >= 0)') AS entry
        ORDER BY entry ->> 'name', entry ->> 'member', (entry ->> 'usage')::numeric DESC,
            (entry ->> 'total')::numeric DESC
    ) AS pool
) AS pools
WHERE d.remote_cluster_id = l.remote_cluster_id;
DROP FUNCTION pg_temp.others, pg_temp.counted_as, pg_temp.counted, pg_temp.share;
