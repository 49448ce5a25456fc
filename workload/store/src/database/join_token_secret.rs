//! The secret of a join token at rest, which both enrolment and a takeover store.

use protocol::Secret;
use secrecy::SecretSlice;

use crate::database::crypter::{CryptError, Crypter, Place};
use crate::database::error::StoreError;

impl Crypter {
    /// Encrypts the secret of the token for this cluster. The ciphertext is bound to that token's row.
    pub(crate) fn seal_join_token_secret(
        &self,
        cluster: &str,
        secret: &Secret,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(place(cluster), secret.expose())
            .map_err(|error| StoreError::corrupt("remote_cluster_tokens", "sealed_secret", error))
    }

    /// Decrypts what [`Crypter::seal_join_token_secret`] encrypted.
    pub(crate) fn open_join_token_secret(
        &self,
        cluster: &str,
        sealed: &[u8],
    ) -> Result<SecretSlice<u8>, CryptError> {
        self.open(place(cluster), sealed)
    }
}

fn place(cluster: &str) -> Place<'_> {
    Place { table: "remote_cluster_tokens", row: cluster, column: "sealed_secret" }
}
