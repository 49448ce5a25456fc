//! The checkpoint: where the chain begins after old events were removed.

use time::OffsetDateTime;
use tokio_postgres::{GenericClient, Transaction};

use super::chain::{ChainFault, Head, checkpoint_message, head_of};
use crate::database::crypter::{CryptError, KeyId};
use crate::{Crypter, StoreError};

/// The time as the code covers it, independent of the session's settings.
const AT_TEXT: &str = "extract(epoch FROM at)::text";

/// Where the chain begins after old events were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last removed row.
    pub head: Head,
    /// When it was removed.
    pub at: OffsetDateTime,
}

/// A stored checkpoint, not to be trusted before [`StoredCheckpoint::verify`].
pub(super) struct StoredCheckpoint {
    pub(super) head: Head,
    at_text: String,
    at: Option<OffsetDateTime>,
    mac: Vec<u8>,
    key: Vec<u8>,
}

/// Reads the checkpoint, if there is one.
pub(super) async fn read(client: &impl GenericClient) -> Result<Option<StoredCheckpoint>, StoreError> {
    let sql = format!(
        "-- read_checkpoint()
        SELECT sequence, seal, {AT_TEXT} AS at_text, CASE WHEN isfinite(at) THEN at END AS at, mac, mac_key
        FROM event_checkpoints ORDER BY sequence DESC LIMIT 1"
    );
    let Some(row) = client.query_opt(&sql, &[]).await? else { return Ok(None) };
    Ok(Some(StoredCheckpoint {
        head: head_of(&row)?,
        at_text: row.try_get("at_text")?,
        at: row.try_get("at")?,
        mac: row.try_get("mac")?,
        key: row.try_get("mac_key")?,
    }))
}

/// Replaces the checkpoint.
pub(super) async fn write(tx: &Transaction<'_>, crypter: &Crypter, head: &Head) -> Result<(), StoreError> {
    let sql =
        format!("-- write_checkpoint()\nSELECT at, {AT_TEXT} AS at_text FROM (SELECT now() AS at) AS clock");
    let row = tx.query_one(&sql, &[]).await?;
    let now: OffsetDateTime = row.try_get("at")?;
    let mac = crypter
        .authenticate(&checkpoint_message(head, row.try_get("at_text")?))
        .map_err(|error| StoreError::corrupt("event_checkpoints", "mac", error))?;
    tx.execute("-- write_checkpoint()\nDELETE FROM event_checkpoints", &[]).await?;
    let sql = "-- write_checkpoint()
        INSERT INTO event_checkpoints (sequence, seal, at, mac, mac_key) VALUES ($1, $2, $3, $4, $5)";
    let (seal, tag, key) = (head.seal.as_slice(), mac.tag.as_slice(), mac.key.as_slice());
    tx.execute(sql, &[&head.sequence, &seal, &now, &tag, &key]).await?;
    Ok(())
}

impl StoredCheckpoint {
    /// The checkpoint, if it was authenticated with one of the keys.
    pub(super) fn verify(&self, crypter: &Crypter) -> Result<Checkpoint, ChainFault> {
        let sequence = self.head.sequence;
        let forged = ChainFault::Checkpoint { sequence };
        let key = KeyId::try_from(self.key.as_slice()).map_err(|_| forged)?;
        let message = checkpoint_message(&self.head, &self.at_text);
        match crypter.is_authentic(&message, key, &self.mac) {
            Ok(true) => Ok(Checkpoint { head: self.head, at: self.at.ok_or(forged)? }),
            Err(CryptError::UnknownKey(key)) => Err(ChainFault::CheckpointKey { sequence, key }),
            Ok(false) | Err(_) => Err(forged),
        }
    }
}
