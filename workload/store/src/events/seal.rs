//! Sealing: committed events are appended to the chain, by one unit at a time.
//!
//! Events do not commit in the order of their ids, so the chain has the order in which the sealer finds them. That is
//! sound: the sealer takes every event that has no position yet, not those after some id, so an event that commits late
//! is sealed late but never skipped. The chain proves that each event is as it was when it was sealed, and that none was
//! removed or inserted since. When something happened is the time in the event, which the seal covers. Chaining events
//! within the changes themselves would make every change wait for the previous one.

use tokio_postgres::Transaction;

use super::chain::{self, COLUMNS, ChainFault, Head, head_of};
use super::kept_head::{self, KeptHead};
use super::{checkpoint, trusted_head};
use crate::{Store, StoreError};

/// Held while the chain is changed. A unit that cannot get it leaves the work to the unit that holds it.
const CHAIN_LOCK: i64 = 0x636d_6368_6169_6e31;
/// The most events that one transaction seals.
const MAX_EVENTS_PER_TRANSACTION: i64 = 1000;

/// The result of sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// The number of events that were sealed.
    pub rows: u64,
    /// What is wrong with the chain before them. They were sealed nevertheless.
    pub fault: Option<ChainFault>,
}

impl Store {
    /// One round: seals all unsealed events. Does nothing while another unit works on the chain.
    pub async fn seal_events(&self) -> Result<Sealed, StoreError> {
        let mut sealed = Sealed { rows: 0, fault: None };
        loop {
            let batch = self
                .transaction("seal_events", |tx| {
                    Box::pin(async move {
                        if !lock_chain(&tx).await? {
                            return Ok(Sealed { rows: 0, fault: None });
                        }
                        self.seal_batch(&tx).await
                    })
                })
                .await?;
            sealed = Sealed { rows: sealed.rows + batch.rows, fault: sealed.fault.or(batch.fault) };
            if batch.rows < MAX_EVENTS_PER_TRANSACTION.unsigned_abs() {
                return Ok(sealed);
            }
        }
    }

    /// The head of the chain, as far as the key vouches for it, and what is wrong with what the tables say.
    pub async fn event_head(&self) -> Result<(Head, Option<ChainFault>), StoreError> {
        let trusted = trusted_head::read(&**self.client().await?, &self.crypter).await?;
        Ok((trusted.kept.head, trusted.fault))
    }

    /// Whether the chain still contains this head, without verifying any seal. True also if its event was removed because
    /// of its age.
    pub async fn has_event_head(&self, noted: &Head) -> Result<bool, StoreError> {
        let client = self.client().await?;
        if trusted_head::contains(&**client, noted).await? {
            return Ok(true);
        }
        let stored = checkpoint::read(&**client).await?;
        let checkpoint = stored.and_then(|stored| stored.verify(&self.crypter).ok());
        Ok(checkpoint
            .is_some_and(|checkpoint| checkpoint.head.sequence > noted.sequence || checkpoint.head == *noted))
    }

    async fn seal_batch(&self, tx: &Transaction<'_>) -> Result<Sealed, StoreError> {
        let sql = format!(
            "-- seal_events()
            SELECT id, {COLUMNS} FROM events WHERE sequence IS NULL ORDER BY id LIMIT {MAX_EVENTS_PER_TRANSACTION}"
        );
        let rows = tx.query(&sql, &[]).await?;
        if rows.is_empty() {
            return Ok(Sealed { rows: 0, fault: None });
        }
        let trusted = trusted_head::read(tx, &self.crypter).await?;
        let mut before = free_positions(tx, trusted.kept.head, rows.len()).await?.into_iter();
        let mut head = trusted.kept.head;
        let (mut ids, mut sequences, mut seals, mut keys) = (vec![], vec![], vec![], vec![]);
        for row in &rows {
            let columns: Vec<Option<String>> = row.try_get("sealed_columns")?;
            if let Some(Some(occupied)) = before.next() {
                head = occupied;
            }
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
        kept_head::write(tx, &self.crypter, KeptHead { head, ..trusted.kept }).await?;
        Ok(Sealed { rows: sealed, fault: trusted.fault })
    }
}

/// For each of `count` events, the forged row that it must follow because that occupies the position; normally none. Each
/// position is free, and each seal follows the row before it, so that the chain can be verified from there on.
async fn free_positions(
    tx: &Transaction<'_>,
    after: Head,
    count: usize,
) -> Result<Vec<Option<Head>>, StoreError> {
    let sql = format!(
        "-- free_positions()
        SELECT sequence, seal FROM events WHERE sequence > $1 ORDER BY sequence LIMIT {MAX_EVENTS_PER_TRANSACTION}"
    );
    let (mut last, mut skipped, mut free) = (after.sequence, None, Vec::with_capacity(count));
    while free.len() < count {
        let occupied = tx.query(&sql, &[&last]).await?.iter().map(head_of).collect::<Result<Vec<_>, _>>()?;
        let is_all = occupied.len() < usize::try_from(MAX_EVENTS_PER_TRANSACTION).unwrap_or(usize::MAX);
        let mut occupied = occupied.into_iter().peekable();
        while free.len() < count && (is_all || occupied.peek().is_some()) {
            last += 1;
            match occupied.next_if(|row| row.sequence == last) {
                Some(row) => skipped = Some(row),
                None => free.push(skipped.take()),
            }
        }
    }
    Ok(free)
}

/// Locks the chain for this transaction, unless another unit holds it.
pub(super) async fn lock_chain(tx: &Transaction<'_>) -> Result<bool, StoreError> {
    let sql = "-- lock_chain()\nSELECT pg_try_advisory_xact_lock($1) AS is_locked";
    Ok(tx.query_one(sql, &[&CHAIN_LOCK]).await?.try_get("is_locked")?)
}
