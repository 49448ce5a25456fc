//! What a caller presented.

/// Names a session or the token of a service account by its digest, which is no credential: nobody can sign in with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialId(pub [u8; 32]);
