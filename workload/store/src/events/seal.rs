//! Sealing: committed events are appended to the chain, by one unit at a time.
//!
//! Events do not commit in the order of their ids, so the chain has the order in which the sealer finds them. That is
//! sound: the sealer takes every event that has no position yet, not those after some id, so an event that commits late
//! is sealed late but never skipped. The chain proves that each event is as it was when it was sealed, and that none was
//! removed or inserted since. When something happened is the time in the event, which the seal covers. Chaining events
//! within the changes themselves would make every change wait for the previous one.

use tokio_postgres::{GenericClient, Row, Transaction};

use super::chain::{self, COLUMNS, Head};
use crate::{Store, StoreError};

/// Held while the chain is changed. A unit that cannot get it leaves the work to the unit that holds it.
const CHAIN_LOCK: i64 = 0x636d_6368_6169_6e31;
/// The most events that one transaction seals.
const MAX_EVENTS_PER_TRANSACTION: i64 = 1000;

impl Store {
    /// One round: seals all unsealed events and returns how many they were. Does nothing while another unit works on the
    /// chain.
    pub async fn seal_events(&self) -> Result<u64, StoreError> {
        let mut sealed = 0;
        loop {
            let rows = self
                .transaction("seal_events", |tx| {
                    Box::pin(async move {
                        if !lock_chain(&tx).await? {
                            return Ok(0);
                        }
                        self.seal_batch(&tx).await
                    })
                })
                .await?;
            sealed += rows;
            if rows < MAX_EVENTS_PER_TRANSACTION.unsigned_abs() {
                return Ok(sealed);
            }
        }
    }

    /// The head of the chain.
    pub async fn event_head(&self) -> Result<Head, StoreError> {
        head(&**self.client().await?).await
    }

    /// Whether the chain still contains this head, without verifying any seal. True also if its event was removed because
    /// of its age.
    pub async fn has_event_head(&self, noted: &Head) -> Result<bool, StoreError> {
        let sql = "-- has_event_head()
            SELECT EXISTS (SELECT FROM events WHERE sequence = $1 AND seal = $2)
                OR EXISTS (SELECT FROM event_checkpoints WHERE sequence > $1 OR (sequence = $1 AND seal = $2))
                AS is_present";
        let seal = noted.seal.as_slice();
        Ok(self.client().await?.query_one(sql, &[&noted.sequence, &seal]).await?.try_get("is_present")?)
    }

    async fn seal_batch(&self, tx: &Transaction<'_>) -> Result<u64, StoreError> {
        let sql = format!(
            "-- seal_events()
            SELECT id, {COLUMNS} FROM events WHERE sequence IS NULL ORDER BY id LIMIT {MAX_EVENTS_PER_TRANSACTION}"
        );
        let rows = tx.query(&sql, &[]).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut head = head(tx).await?;
        let (mut ids, mut sequences, mut seals, mut keys) = (vec![], vec![], vec![], vec![]);
        for row in &rows {
            let columns: Vec<Option<String>> = row.try_get("sealed_columns")?;
            let mac = chain::seal(&self.crypter, &head, &columns)
                .map_err(|error| StoreError::corrupt("events", "seal", error))?;
            head = Head { sequence: head.sequence + 1, seal: mac.tag };
            ids.push(row.try_get::<_, i64>("id")?);
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
            // Only a change that bypasses this program can remove an event here.
            return Err(StoreError::corrupt(
                "events",
                "sequence",
                "events disappeared while they were being sealed",
            ));
        }
        Ok(sealed)
    }
}

/// Locks the chain for this transaction, unless another unit holds it.
pub(super) async fn lock_chain(tx: &Transaction<'_>) -> Result<bool, StoreError> {
    let sql = "-- lock_chain()\nSELECT pg_try_advisory_xact_lock($1) AS is_locked";
    Ok(tx.query_one(sql, &[&CHAIN_LOCK]).await?.try_get("is_locked")?)
}

/// The last sealed event, or the checkpoint if all sealed events were removed.
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
