-- The head of the audit trail's chain, kept apart from the events and authenticated with the key: without it, a trail
-- whose newest events, or all of them, were removed would look like a shorter trail. At most one row.
CREATE TABLE event_heads (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    -- The last sealed event: its place in the chain and its seal; 0 and zeros before the first one.
    sequence bigint NOT NULL CHECK (sequence >= 0),
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    -- The place after which sealing went on without a kept head, because it was missing or forged; null if it never was.
    lost_after bigint CHECK (lost_after >= 0),
    -- HMAC-SHA-256 over the above, and the id of its key.
    mac bytea NOT NULL CHECK (octet_length(mac) = 32),
    mac_key bytea NOT NULL CHECK (octet_length(mac_key) = 4)
);
