-- Programs that call the management API. Of a token only the SHA-256 is kept; a revoked account is a removed row.
CREATE TABLE service_accounts (
    token_digest bytea PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    name text NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    description text NOT NULL DEFAULT '',
    expiry timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Who made it, as people write it; the audit trail says it exactly.
    created_by text NOT NULL,
    -- To the minute.
    last_used_at timestamptz
);
