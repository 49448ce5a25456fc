//! Retention: old events are removed from the beginning of the chain, and a checkpoint replaces them.
//!
//! They are verified before they are removed. A checkpoint vouches for everything before it, so it must not cover events
//! that were tampered with; and the age of an event can only be trusted if its seal is right.

use tokio_postgres::Transaction;

use super::chain::{ChainFault, Head, SealedRow, Walk};
use super::checkpoint;
use super::seal::lock_chain;
use crate::{Store, StoreError};

/// The most events that one transaction removes.
const MAX_EVENTS_PER_TRANSACTION: u64 = 5000;

/// The result of removing old events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// The number of removed events.
    pub rows: u64,
    /// Why other old events were kept: the chain is broken there.
    pub fault: Option<ChainFault>,
}

impl Store {
    /// One round: removes the sealed events that are older than this many days, up to the first one that is not. Does
    /// nothing while another unit works on the chain.
    pub async fn remove_old_events(&self, days: i32) -> Result<Removal, StoreError> {
        let mut removed = 0;
        loop {
            let removal = self
                .transaction("remove_old_events", |tx| {
                    Box::pin(async move {
                        if !lock_chain(&tx).await? {
                            return Ok(Removal { rows: 0, fault: None });
                        }
                        self.remove_batch(&tx, days).await
                    })
                })
                .await?;
            removed += removal.rows;
            if removal.rows < MAX_EVENTS_PER_TRANSACTION || removal.fault.is_some() {
                return Ok(Removal { rows: removed, fault: removal.fault });
            }
        }
    }

    async fn remove_batch(&self, tx: &Transaction<'_>, days: i32) -> Result<Removal, StoreError> {
        let nothing = |fault| Ok(Removal { rows: 0, fault });
        let begins = match checkpoint::read(tx).await? {
            None => Head::START,
            Some(stored) => match stored.verify(&self.crypter) {
                Ok(checkpoint) => checkpoint.head,
                Err(fault) => return nothing(Some(fault)),
            },
        };
        let sql = format!(
            "-- remove_old_events()
            SELECT {}, at < now() - make_interval(days => $1) AS is_old FROM events
            WHERE sequence IS NOT NULL ORDER BY sequence LIMIT {MAX_EVENTS_PER_TRANSACTION}",
            SealedRow::selected()
        );
        let mut walk = Walk::from(&self.crypter, begins);
        let mut fault = None;
        for row in tx.query(&sql, &[&days]).await? {
            if !row.try_get::<_, bool>("is_old")? {
                break;
            }
            if let Err(found) = walk.step(&SealedRow::read(&row)?) {
                fault = Some(found);
                break;
            }
        }
        if walk.head == begins {
            return nothing(fault);
        }
        checkpoint::write(tx, &self.crypter, &walk.head).await?;
        let sql = "-- remove_old_events()\nDELETE FROM events WHERE sequence <= $1";
        let rows = tx.execute(sql, &[&walk.head.sequence]).await?;
        Ok(Removal { rows, fault })
    }
}
