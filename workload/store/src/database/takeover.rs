//! Taking over a database of the existing program in place (contract section 3).
//!
//! Clusters, details, thresholds and valid tokens keep working. The existing program must be stopped first, and there
//! is no way back: secrets that it stored in plain text are replaced by digests and ciphertexts.

use std::collections::HashMap;

use fleet::ClusterUid;
use protocol::join_token::PresentedToken;
use protocol::{Certificate, Fingerprint};
use time::OffsetDateTime;
use tokio_postgres::Transaction;

use crate::{Crypter, StoreError};

/// What a database contained that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    /// The last migration of the existing program.
    pub version: i64,
    /// The number of enrolled clusters.
    pub clusters: usize,
    /// The number of unused join tokens, which stay valid.
    pub tokens: usize,
}

/// The versions of the existing program's schema that can be taken over.
const SUPPORTED_VERSIONS: std::ops::RangeInclusive<i64> = 1..=6;

/// Takes the database over if it belongs to the existing program.
pub(crate) async fn take_over(
    tx: &Transaction<'_>,
    crypter: &Crypter,
) -> Result<Option<TakenOver>, StoreError> {
    // Other programs have a table `goose_db_version` too.
    let sql = "SELECT to_regclass('goose_db_version') IS NOT NULL
        AND to_regclass('remote_clusters') IS NOT NULL AS is_present";
    let row = tx.query_one(sql, &[]).await?;
    if !row.try_get::<_, bool>("is_present")? {
        return Ok(None);
    }
    let sql = "SELECT coalesce(max(version_id), 0)::bigint AS version FROM goose_db_version WHERE is_applied";
    let version: i64 = tx.query_one(sql, &[]).await?.try_get("version")?;
    if version == 0 {
        return Ok(None);
    }
    if !SUPPORTED_VERSIONS.contains(&version) {
        return Err(StoreError::Schema(format!(
            "the schema of the existing program is at version {version}; only versions 1 to 6 can be taken over"
        )));
    }
    tx.batch_execute(include_str!("../../migrations/takeover.sql")).await?;
    let clusters = identify_clusters(tx).await?;
    let tokens = seal_tokens(tx, crypter).await?;
    Ok(Some(TakenOver { version, clusters, tokens }))
}

/// Gives each cluster its UID, and stores the fingerprint and dates of its certificate.
async fn identify_clusters(tx: &Transaction<'_>) -> Result<usize, StoreError> {
    let rows = tx.query("SELECT id, name, cluster_certificate FROM remote_clusters ORDER BY id", &[]).await?;
    let update = tx
        .prepare(
            "UPDATE remote_clusters SET uid = $2, certificate_fingerprint = $3, certificate_not_before = $4, \
             certificate_not_after = $5 WHERE id = $1",
        )
        .await?;
    let mut owners = HashMap::new();
    for row in &rows {
        let (id, name): (i32, &str) = (row.try_get("id")?, row.try_get("name")?);
        let pem: &str = row.try_get("cluster_certificate")?;
        let (fingerprint, from, to) = match Certificate::from_pem(pem) {
            Ok(certificate) => (certificate.fingerprint, certificate.not_before, certificate.not_after),
            Err(error) => {
                tracing::warn!(cluster = name, %error, "took over a cluster that cannot report, because its certificate is invalid");
                (Fingerprint::of_der(pem.as_bytes()), OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH)
            }
        };
        if let Some(other) = owners.insert(fingerprint, name) {
            return Err(StoreError::Schema(format!(
                "the clusters {other:?} and {name:?} have the same certificate: remove one of them with the existing \
                 program first"
            )));
        }
        let (uid, fingerprint) = (ClusterUid::new().0, fingerprint.as_bytes().as_slice());
        tx.execute(&update, &[&id, &uid, &fingerprint, &from, &to]).await?;
    }
    tx.batch_execute(
        "ALTER TABLE remote_clusters
            ALTER COLUMN uid SET NOT NULL, ADD UNIQUE (uid),
            ALTER COLUMN certificate_fingerprint SET NOT NULL, ADD UNIQUE (certificate_fingerprint),
            ALTER COLUMN certificate_not_before SET NOT NULL,
            ALTER COLUMN certificate_not_after SET NOT NULL",
    )
    .await?;
    Ok(rows.len())
}

/// Replaces each token in plain text by the digest and the encrypted form of its secret.
async fn seal_tokens(tx: &Transaction<'_>, crypter: &Crypter) -> Result<usize, StoreError> {
    let sql = "SELECT cluster_name, encoded_token FROM remote_cluster_tokens ORDER BY id";
    let mut kept = 0;
    for row in tx.query(sql, &[]).await? {
        let (name, encoded): (&str, &str) = (row.try_get("cluster_name")?, row.try_get("encoded_token")?);
        let Ok(token) = PresentedToken::decode(encoded) else {
            tracing::warn!(
                cluster = name,
                "dropped a join token that cannot be decoded and so could not have been used"
            );
            tx.execute("DELETE FROM remote_cluster_tokens WHERE cluster_name = $1", &[&name]).await?;
            continue;
        };
        let sealed = crypter.seal_join_token_secret(name, &token.secret)?;
        let digest = token.secret.digest();
        let update =
            "UPDATE remote_cluster_tokens SET secret_digest = $2, sealed_secret = $3 WHERE cluster_name = $1";
        tx.execute(update, &[&name, &digest.as_bytes().as_slice(), &sealed]).await?;
        kept += 1;
    }
    tx.batch_execute(
        "ALTER TABLE remote_cluster_tokens
            ALTER COLUMN secret_digest SET NOT NULL,
            ALTER COLUMN sealed_secret SET NOT NULL,
            DROP COLUMN encoded_token",
    )
    .await?;
    Ok(kept)
}
