//! The kept head: the last sealed event, authenticated and stored apart from the events. Whoever can write the tables but
//! does not have the key can remove it, but cannot make an older or a forged one look right.

use tokio_postgres::{GenericClient, Transaction};

use super::chain::{ChainFault, Head, head_of, kept_head_message};
use crate::database::crypter::KeyId;
use crate::{Crypter, StoreError};

/// A kept head that was authenticated with one of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeptHead {
    pub(super) head: Head,
    /// The position after which sealing continued without a kept head, if that ever happened.
    pub(super) lost_after: Option<i64>,
}

/// Reads and authenticates the kept head.
pub(super) async fn read(
    client: &impl GenericClient,
    crypter: &Crypter,
) -> Result<Result<KeptHead, ChainFault>, StoreError> {
    let sql = "-- read_kept_head()\nSELECT sequence, seal, lost_after, mac, mac_key FROM event_heads";
    let Some(row) = client.query_opt(sql, &[]).await? else { return Ok(Err(ChainFault::KeptHeadMissing)) };
    let kept = KeptHead { head: head_of(&row)?, lost_after: row.try_get("lost_after")? };
    let (mac, key): (&[u8], &[u8]) = (row.try_get("mac")?, row.try_get("mac_key")?);
    let key = KeyId::try_from(key).unwrap_or_default();
    // An unknown key is no excuse: whoever forges a head can name any key.
    let is_authentic = crypter.is_authentic(&kept.message(), key, mac).unwrap_or(false);
    let forged = ChainFault::KeptHead { sequence: kept.head.sequence };
    Ok(if is_authentic { Ok(kept) } else { Err(forged) })
}

/// Replaces the kept head.
pub(super) async fn write(tx: &Transaction<'_>, crypter: &Crypter, kept: KeptHead) -> Result<(), StoreError> {
    let mac = crypter
        .authenticate(&kept.message())
        .map_err(|error| StoreError::corrupt("event_heads", "mac", error))?;
    let sql = "-- write_kept_head()
        INSERT INTO event_heads (sequence, seal, lost_after, mac, mac_key) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (is_only) DO UPDATE SET sequence = excluded.sequence, seal = excluded.seal,
            lost_after = excluded.lost_after, mac = excluded.mac, mac_key = excluded.mac_key";
    let (seal, tag, key) = (kept.head.seal.as_slice(), mac.tag.as_slice(), mac.key.as_slice());
    tx.execute(sql, &[&kept.head.sequence, &seal, &kept.lost_after, &tag, &key]).await?;
    Ok(())
}

/// Keeps the head of a chain for the first time, in the migration that creates the table. An older program kept none, so
/// what the tables say is taken for true once.
pub(crate) async fn adopt(tx: &Transaction<'_>, crypter: &Crypter) -> Result<(), StoreError> {
    let sql = "-- adopt_head()
        (SELECT sequence, seal FROM events WHERE sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1)
        UNION ALL (SELECT sequence, seal FROM event_checkpoints ORDER BY sequence DESC LIMIT 1)
        ORDER BY sequence DESC LIMIT 1";
    let head = tx.query_opt(sql, &[]).await?.as_ref().map_or(Ok(Head::START), head_of)?;
    write(tx, crypter, KeptHead { head, lost_after: None }).await
}

impl KeptHead {
    fn message(&self) -> Vec<u8> {
        kept_head_message(&self.head, self.lost_after)
    }
}
