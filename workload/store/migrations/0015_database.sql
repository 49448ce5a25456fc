-- The existing program limits some texts to 255 characters, which names that an identity provider sends may exceed. In a
-- new database nothing changes.
DO $$
DECLARE
    narrow record;
BEGIN
    FOR narrow IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'character varying' AND table_name IN ('remote_clusters',
            'remote_cluster_tokens', 'remote_cluster_details', 'remote_cluster_config', 'identities')
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE text', narrow.table_name, narrow.column_name);
    END LOOP;
END
$$;
