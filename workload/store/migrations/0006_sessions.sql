-- People who signed in, and their sessions. A database of the existing program has the first table already.
CREATE TABLE IF NOT EXISTS identities (
    id serial PRIMARY KEY,
    -- What the identity provider never changes of a person.
    subject text NOT NULL UNIQUE,
    name text NOT NULL DEFAULT '',
    email text NOT NULL DEFAULT '',
    display_name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The existing program may have given its rows their numbers itself.
DO $$
BEGIN
    IF EXISTS (SELECT FROM information_schema.columns WHERE table_schema = current_schema()
        AND table_name = 'identities' AND column_name = 'id' AND data_type = 'uuid' AND column_default IS NULL)
    THEN
        ALTER TABLE identities ALTER COLUMN id SET DEFAULT gen_random_uuid();
    END IF;
END
$$;

-- A person can have several: one a browser. What opens the sealed part is in the cookie alone, so that a dump of this
-- table signs nobody in and shows no token.
CREATE TABLE sessions (
    -- SHA-256 of the part of the cookie that finds the row.
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    -- Whose, by what never changes, whatever numbers the table of people has.
    subject text NOT NULL REFERENCES identities (subject) ON DELETE CASCADE,
    -- The provider's tokens and the groups they tell, bound to this row and person.
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sessions_by_subject ON sessions (subject);
