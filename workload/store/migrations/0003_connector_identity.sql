-- The leaf certificate that all connectors show and every enrolled cluster pins. One row, made by the first connector.
CREATE TABLE connector_identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    leaf_fingerprint bytea NOT NULL CHECK (octet_length(leaf_fingerprint) = 32),
    since timestamptz NOT NULL DEFAULT now()
);
