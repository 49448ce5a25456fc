//! Sealing: rows that were committed are appended to the chain, by one unit at a time.
//!
//! Rows commit in another order than their ids say, so the chain is in the order in which the sealer found them. That
//! is sound: the sealer takes whatever has no place yet, not what comes after some id, so a row that commits late is
//! sealed late but never skipped. The chain proves that each row stands as it stood when it was sealed, and that
//! none was taken out or slipped in between since; when something happened says the row's own time, under the seal.
//! To chain rows within the changes themselves would make every change wait for the one before.

use tokio_postgres::{GenericClient, Row, Transaction};

use super::chain::{self, COLUMNS, Head};
use crate::{Store, StoreError};

/// Held while the chain is changed; whoever does not get it leaves the work to the unit that has it.
const CHAIN_LOCK: i64 = 0x636d_6368_6169_6e31;
/// How many rows are sealed in one transaction.
const AT_ONCE: i64 = 1000;

impl Store {
    /// Seals what is not sealed yet; says how many rows that were. None while another unit does it.
    pub async fn seal_events(&self) -> Result<u64, StoreError> {
        let mut sealed = 0;
        loop {
            let rows = self
                .transaction("seal_events", |tx| {
                    Box::pin(async move {
                        if !lock_chain(&tx).await? {
                            return Ok(0);
                        }
                        self.seal_some(&tx).await
                    })
                })
                .await?;
            sealed += rows;
            if rows < AT_ONCE.unsigned_abs() {
                return Ok(sealed);
            }
        }
    }

    /// How far the chain goes.
    pub async fn event_head(&self) -> Result<Head, StoreError> {
        head(&**self.client().await?).await
    }

    /// Whether the chain still has this head, as far as can be seen without checking seals: true too where its row
    /// was removed for its age.
    pub async fn has_event_head(&self, noted: &Head) -> Result<bool, StoreError> {
        let sql = "-- has_event_head()
            SELECT EXISTS (SELECT FROM events WHERE sequence = $1 AND seal = $2)
                OR EXISTS (SELECT FROM event_checkpoints WHERE sequence > $1 OR (sequence = $1 AND seal = $2))";
        let seal = noted.seal.as_slice();
        Ok(self.client().await?.query_one(sql, &[&noted.sequence, &seal]).await?.try_get(0)?)
    }

    async fn seal_some(&self, tx: &Transaction<'_>) -> Result<u64, StoreError> {
        let sql = format!(
            "-- seal_events()
            SELECT id, {COLUMNS} FROM events WHERE sequence IS NULL ORDER BY id LIMIT {AT_ONCE}"
        );
        let rows = tx.query(&sql, &[]).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut head = head(tx).await?;
        let (mut ids, mut sequences, mut seals, mut keys) = (vec![], vec![], vec![], vec![]);
        for row in &rows {
            let columns: Vec<Option<String>> = row.try_get(1)?;
            let mac = chain::seal(&self.crypter, &head, &columns)
                .map_err(|error| StoreError::corrupt("events", "seal", error))?;
            head = Head { sequence: head.sequence + 1, seal: mac.tag };
            ids.push(row.try_get::<_, i64>(0)?);
            sequences.push(head.sequence);
            seals.push(mac.tag.to_vec());
            keys.push(mac.key.to_vec());
        }
        let sql = "-- seal_events()
            UPDATE events AS e SET sequence = t.sequence, seal = t.seal, seal_key = t.seal_key
            FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) AS t (id, sequence, seal, seal_key)
            WHERE e.id = t.id AND e.sequence IS NULL";
        let sealed = tx.execute(sql, &[&ids, &sequences, &seals, &keys]).await?;
        if sealed != rows.len() as u64 {
            // Only somebody who changes the table behind our back takes a row away in between.
            return Err(StoreError::corrupt("events", "sequence", "rows vanished while they were sealed"));
        }
        Ok(sealed)
    }
}

/// Takes the chain for this transaction, if nobody has it.
pub(super) async fn lock_chain(tx: &Transaction<'_>) -> Result<bool, StoreError> {
    let sql = "-- lock_chain()\nSELECT pg_try_advisory_xact_lock($1)";
    Ok(tx.query_one(sql, &[&CHAIN_LOCK]).await?.try_get(0)?)
}

/// The last sealed row; where all were removed for their age, the checkpoint.
pub(super) async fn head(client: &impl GenericClient) -> Result<Head, StoreError> {
    let sql = "-- event_head()
        (SELECT sequence, seal FROM events WHERE sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1)
        UNION ALL (SELECT sequence, seal FROM event_checkpoints ORDER BY sequence DESC LIMIT 1)
        ORDER BY sequence DESC LIMIT 1";
    client.query_opt(sql, &[]).await?.as_ref().map_or(Ok(Head::START), head_of)
}

/// A head from the columns `sequence` and `seal`.
pub(super) fn head_of(row: &Row) -> Result<Head, StoreError> {
    let seal: &[u8] = row.try_get("seal")?;
    let seal = seal.try_into().map_err(|_| StoreError::corrupt("events", "seal", "not 32 bytes long"))?;
    Ok(Head { sequence: row.try_get("sequence")?, seal })
}
