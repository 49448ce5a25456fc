-- What people see of their sessions in a list, and how they name the one to end.
ALTER TABLE sessions
    -- Names the row to people. It opens nothing: a cookie finds its row by another value.
    ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid(),
    -- Where the sign-in came from; unknown for sessions that an older program began.
    ADD COLUMN address inet,
    -- How the browser described itself then, cut to 255 characters.
    ADD COLUMN user_agent text;
CREATE UNIQUE INDEX sessions_by_public_id ON sessions (public_id);
CREATE INDEX sessions_by_age ON sessions (created_at DESC, public_id DESC);
