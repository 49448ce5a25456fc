-- Gives the audit trail to a role of its own, so that the units can add events and seal each of them once, but neither
-- change nor remove any. Run it as a superuser in the hub's database, after each upgrade too:
--   psql --set units=cluster_manager --set ON_ERROR_STOP=1 --file audit-trail-roles.sql cluster_manager
-- `units` is the role in DB_USER. It must not be a superuser.

BEGIN;

SELECT 'CREATE ROLE cluster_manager_audit NOLOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cluster_manager_audit') \gexec

REVOKE cluster_manager_audit FROM :"units";

ALTER TABLE events OWNER TO cluster_manager_audit;
ALTER TABLE event_checkpoints OWNER TO cluster_manager_audit;
ALTER TABLE event_heads OWNER TO cluster_manager_audit;

-- The owner of a schema can drop any table in it.
SELECT format('ALTER SCHEMA %I OWNER TO cluster_manager_audit; GRANT USAGE, CREATE ON SCHEMA %1$I TO %I',
    relnamespace::regnamespace, :'units')
FROM pg_class WHERE oid = 'events'::regclass \gexec

REVOKE ALL ON events, event_checkpoints, event_heads FROM :"units";
GRANT SELECT, INSERT, UPDATE (sequence, seal, seal_key) ON events TO :"units";
GRANT USAGE ON SEQUENCE events_id_seq TO :"units";
GRANT SELECT ON event_checkpoints TO :"units";
GRANT SELECT, INSERT, UPDATE ON event_heads TO :"units";

-- Only an event without a seal gets one, and none arrives with one.
CREATE OR REPLACE FUNCTION seal_event_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sequence IS NOT NULL THEN
        RAISE EXCEPTION 'event % is sealed', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' AND NEW.sequence IS NOT NULL THEN
        RAISE EXCEPTION 'an event is sealed after it is written' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
ALTER FUNCTION seal_event_once() OWNER TO cluster_manager_audit;
DROP TRIGGER IF EXISTS events_seal_once ON events;
CREATE TRIGGER events_seal_once BEFORE INSERT OR UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION seal_event_once();

COMMIT;
