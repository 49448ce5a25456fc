-- Brings a database of the existing program, at any of its six versions, to the shape of 0001_initial.sql (the
-- columns that need certificates read or secrets sealed are filled by takeover.rs). There is no way back.

-- Details first: their trigger would move updated_at, which from now on means the last heartbeat and nothing else.
DROP FUNCTION IF EXISTS update_updated_at() CASCADE;

-- Version 5 renamed a column. Version 6 added one, which is beside the other reported values here.
DO $$
BEGIN
    IF EXISTS (SELECT FROM information_schema.columns WHERE table_schema = current_schema()
        AND table_name = 'remote_cluster_details' AND column_name = 'lxd_url')
    THEN
        ALTER TABLE remote_cluster_details RENAME COLUMN lxd_url TO ui_url;
    END IF;
    IF EXISTS (SELECT FROM information_schema.columns WHERE table_schema = current_schema()
        AND table_name = 'remote_clusters' AND column_name = 'cluster_uuid')
    THEN
        ALTER TABLE remote_cluster_details ADD COLUMN cluster_uuid text NOT NULL DEFAULT '';
        UPDATE remote_cluster_details AS d SET cluster_uuid = c.cluster_uuid
        FROM remote_clusters AS c WHERE c.id = d.remote_cluster_id;
        ALTER TABLE remote_clusters DROP COLUMN cluster_uuid;
    END IF;
END
$$;

ALTER TABLE remote_clusters
    ALTER COLUMN joined_at TYPE timestamptz USING joined_at AT TIME ZONE 'UTC',
    ALTER COLUMN created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC',
    ALTER COLUMN updated_at TYPE timestamptz USING updated_at AT TIME ZONE 'UTC',
    DROP COLUMN IF EXISTS age,
    ADD COLUMN uid uuid,
    ADD COLUMN certificate_fingerprint bytea CHECK (octet_length(certificate_fingerprint) = 32),
    ADD COLUMN certificate_not_before timestamptz,
    ADD COLUMN certificate_not_after timestamptz;

-- joined_at was moved by every heartbeat and created_at never set: the details' creation is when it joined.
UPDATE remote_clusters AS c
SET joined_at = d.created_at, created_at = d.created_at
FROM remote_cluster_details AS d
WHERE d.remote_cluster_id = c.id;

-- Details that never changed came with the join: the cluster never sent a heartbeat. Empty ones take their place.
DELETE FROM remote_cluster_details WHERE updated_at = created_at;

-- Without details nothing better is known than joined_at itself.
UPDATE remote_clusters SET created_at = joined_at WHERE created_at < '1970-01-01';

UPDATE remote_clusters SET description = '' WHERE description IS NULL;
ALTER TABLE remote_clusters
    ALTER COLUMN description SET NOT NULL,
    ALTER COLUMN description SET DEFAULT '',
    ALTER COLUMN status SET DEFAULT 'ACTIVE',
    ALTER COLUMN joined_at SET DEFAULT now(),
    ALTER COLUMN created_at SET DEFAULT now(),
    ALTER COLUMN updated_at SET DEFAULT now();

-- A certificate in PEM can be too long for an index; its fingerprint is as unique and never is.
DO $$
DECLARE
    constraint_name text;
BEGIN
    FOR constraint_name IN
        SELECT con.conname FROM pg_constraint AS con
        JOIN pg_attribute AS att ON att.attrelid = con.conrelid AND att.attnum = ANY (con.conkey)
        WHERE con.conrelid = 'remote_clusters'::regclass AND con.contype = 'u' AND att.attname = 'cluster_certificate'
    LOOP
        EXECUTE format('ALTER TABLE remote_clusters DROP CONSTRAINT %I', constraint_name);
    END LOOP;
END
$$;

ALTER TABLE remote_cluster_tokens
    ADD COLUMN secret_digest bytea CHECK (octet_length(secret_digest) = 32),
    ADD COLUMN sealed_secret bytea,
    ALTER COLUMN description SET DEFAULT '',
    ALTER COLUMN created_at SET DEFAULT now();
UPDATE remote_cluster_tokens SET description = '' WHERE description IS NULL;
UPDATE remote_cluster_tokens SET created_at = now() WHERE created_at IS NULL;

DELETE FROM remote_cluster_details WHERE remote_cluster_id IS NULL;
UPDATE remote_cluster_details SET
    ceph_count = coalesce(ceph_count, 0), ceph_statuses = coalesce(nullif(ceph_statuses, 'null'), '[]'),
    cpu_total_count = coalesce(cpu_total_count, 0), cpu_load_1 = coalesce(cpu_load_1, ''),
    cpu_load_5 = coalesce(cpu_load_5, ''), cpu_load_15 = coalesce(cpu_load_15, ''),
    instance_count = coalesce(instance_count, 0), instance_statuses = coalesce(nullif(instance_statuses, 'null'), '[]'),
    member_count = coalesce(member_count, 0), member_statuses = coalesce(nullif(member_statuses, 'null'), '[]'),
    memory_total_amount = coalesce(memory_total_amount, 0), memory_usage = coalesce(memory_usage, 0),
    storage_pool_usages = coalesce(nullif(storage_pool_usages, 'null'), '[]'), ui_url = coalesce(ui_url, '');
ALTER TABLE remote_cluster_details
    ALTER COLUMN ceph_count SET DEFAULT 0, ALTER COLUMN ceph_statuses SET DEFAULT '[]',
    ALTER COLUMN cpu_total_count SET DEFAULT 0, ALTER COLUMN cpu_load_1 SET DEFAULT '',
    ALTER COLUMN cpu_load_5 SET DEFAULT '', ALTER COLUMN cpu_load_15 SET DEFAULT '',
    ALTER COLUMN instance_count SET DEFAULT 0, ALTER COLUMN instance_statuses SET DEFAULT '[]',
    ALTER COLUMN member_count SET DEFAULT 0, ALTER COLUMN member_statuses SET DEFAULT '[]',
    ALTER COLUMN memory_total_amount SET DEFAULT 0, ALTER COLUMN memory_usage SET DEFAULT 0,
    ALTER COLUMN storage_pool_usages SET DEFAULT '[]', ALTER COLUMN ui_url SET DEFAULT '',
    ALTER COLUMN created_at SET DEFAULT now(), ALTER COLUMN updated_at SET DEFAULT now(),
    -- A tunnel ends with the process that held it.
    DROP COLUMN IF EXISTS tunnel_manager_member_url,
    SET (fillfactor = 50);

-- People sign in again; what is in there is encrypted under keys that went with the old program.
DROP TABLE IF EXISTS sessions;
