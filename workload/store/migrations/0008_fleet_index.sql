-- What changes of a cluster can be found without looking at every row of every table (store::fleet_index): a change
-- shows in its narrow row, and that it is gone in a row of its own.

CREATE FUNCTION touch_liveness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE remote_cluster_liveness SET remote_cluster_id = remote_cluster_id WHERE remote_cluster_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER remote_clusters_touch_liveness AFTER UPDATE ON remote_clusters
    FOR EACH ROW EXECUTE FUNCTION touch_liveness();

-- Clusters that are gone, for an hour: longer than anybody goes without reading everything again.
CREATE TABLE remote_cluster_removals (
    remote_cluster_id integer NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION note_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO remote_cluster_removals (remote_cluster_id) VALUES (OLD.id);
    -- Whoever removes another cluster at this moment is not waited for.
    DELETE FROM remote_cluster_removals WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM remote_cluster_removals WHERE removed_at < now() - interval '1 hour'
        LIMIT 100 FOR UPDATE SKIP LOCKED));
    RETURN NULL;
END
$$;
CREATE TRIGGER remote_clusters_note_removal AFTER DELETE ON remote_clusters
    FOR EACH ROW EXECUTE FUNCTION note_removal();
