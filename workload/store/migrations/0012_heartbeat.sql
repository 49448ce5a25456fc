-- What newer clusters report in addition, and the limit on what is kept of a report.

ALTER TABLE remote_cluster_details
    -- The id that the cluster gives itself; empty if it has sent none. A takeover may have made this column before.
    ADD COLUMN IF NOT EXISTS cluster_uuid text NOT NULL DEFAULT '';

-- Older programs kept lists of any size. What is beyond a mebibyte goes; the next heartbeat brings what fits.
UPDATE remote_cluster_details SET
    ceph_statuses = CASE WHEN octet_length(ceph_statuses::text) > 1048576 THEN '[]' ELSE ceph_statuses END,
    instance_statuses = CASE WHEN octet_length(instance_statuses::text) > 1048576 THEN '[]' ELSE instance_statuses END,
    member_statuses = CASE WHEN octet_length(member_statuses::text) > 1048576 THEN '[]' ELSE member_statuses END,
    storage_pool_usages =
        CASE WHEN octet_length(storage_pool_usages::text) > 1048576 THEN '[]' ELSE storage_pool_usages END
-- Compressed, so that few rows are looked at more closely.
WHERE pg_column_size(ceph_statuses) > 8192 OR pg_column_size(instance_statuses) > 8192
    OR pg_column_size(member_statuses) > 8192 OR pg_column_size(storage_pool_usages) > 8192;
