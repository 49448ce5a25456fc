//! The checkpoint: where the chain begins after old rows were removed.

use time::OffsetDateTime;
use tokio_postgres::Transaction;

use super::chain::{Broken, Head, checkpoint_message};
use super::seal::head_of;
use crate::database::crypter::{CryptError, KeyId};
use crate::{Crypter, StoreError};

/// The time as it is authenticated, without the session's settings.
const AT: &str = "extract(epoch FROM at)::text";

/// Where the chain begins after old rows were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last row that was removed.
    pub head: Head,
    /// When it was removed.
    pub at: OffsetDateTime,
}

/// A checkpoint as it lies in the table, to be believed after [`Stored::check`].
pub(super) struct Stored {
    pub(super) head: Head,
    at_text: String,
    at: Option<OffsetDateTime>,
    mac: Vec<u8>,
    key: Vec<u8>,
}

/// The checkpoint, if there is one.
pub(super) async fn read(tx: &Transaction<'_>) -> Result<Option<Stored>, StoreError> {
    let sql = format!(
        "-- read_checkpoint()
        SELECT sequence, seal, {AT}, CASE WHEN isfinite(at) THEN at END, mac, mac_key
        FROM event_checkpoints ORDER BY sequence DESC LIMIT 1"
    );
    let Some(row) = tx.query_opt(&sql, &[]).await? else { return Ok(None) };
    Ok(Some(Stored {
        head: head_of(&row)?,
        at_text: row.try_get(2)?,
        at: row.try_get(3)?,
        mac: row.try_get(4)?,
        key: row.try_get(5)?,
    }))
}

/// Puts a checkpoint in the place of the one before.
pub(super) async fn write(tx: &Transaction<'_>, crypter: &Crypter, head: &Head) -> Result<(), StoreError> {
    let now = tx.query_one("-- write_checkpoint()\nSELECT now()", &[]).await?;
    let now: OffsetDateTime = now.try_get(0)?;
    let text = tx
        .query_one("-- write_checkpoint()\nSELECT extract(epoch FROM $1::timestamptz)::text", &[&now])
        .await?;
    let mac = crypter
        .authenticate(&checkpoint_message(head, text.try_get(0)?))
        .map_err(|error| StoreError::corrupt("event_checkpoints", "mac", error))?;
    tx.execute("-- write_checkpoint()\nDELETE FROM event_checkpoints", &[]).await?;
    let sql = "-- write_checkpoint()
        INSERT INTO event_checkpoints (sequence, seal, at, mac, mac_key) VALUES ($1, $2, $3, $4, $5)";
    let (seal, tag, key) = (head.seal.as_slice(), mac.tag.as_slice(), mac.key.as_slice());
    tx.execute(sql, &[&head.sequence, &seal, &now, &tag, &key]).await?;
    Ok(())
}

impl Stored {
    /// The checkpoint, if we made it.
    pub(super) fn check(&self, crypter: &Crypter) -> Result<Checkpoint, Broken> {
        let sequence = self.head.sequence;
        let forged = Broken::Checkpoint { sequence };
        let key = KeyId::try_from(self.key.as_slice()).map_err(|_| forged)?;
        let message = checkpoint_message(&self.head, &self.at_text);
        match crypter.is_authentic(&message, key, &self.mac) {
            Ok(true) => Ok(Checkpoint { head: self.head, at: self.at.ok_or(forged)? }),
            Err(CryptError::UnknownKey(key)) => Err(Broken::CheckpointKey { sequence, key }),
            Ok(false) | Err(_) => Err(forged),
        }
    }
}
