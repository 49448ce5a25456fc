//! Retention: old rows are removed, from the beginning of the chain only, and a checkpoint is left in their place.
//!
//! Rows are verified before they go. A checkpoint vouches for all that stood before it, so it must not be made over
//! rows that somebody tampered with; and how old a row is can only be believed once its seal holds.

use tokio_postgres::Transaction;

use super::chain::{Broken, Head, SealedRow, Walk};
use super::checkpoint;
use super::seal::lock_chain;
use crate::{Store, StoreError};

/// How many rows are removed in one transaction.
const AT_ONCE: u64 = 5000;

/// What came of removing old rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// How many rows were removed.
    pub rows: u64,
    /// What kept older rows from being removed: the chain does not hold there.
    pub broken: Option<Broken>,
}

impl Store {
    /// Removes sealed rows that are older than so many days, up to the first that is not. Does nothing while another
    /// unit works on the chain.
    pub async fn remove_old_events(&self, days: i32) -> Result<Removal, StoreError> {
        let mut removed = 0;
        loop {
            let removal = self
                .transaction("remove_old_events", |tx| {
                    Box::pin(async move {
                        if !lock_chain(&tx).await? {
                            return Ok(Removal { rows: 0, broken: None });
                        }
                        self.remove_some(&tx, days).await
                    })
                })
                .await?;
            removed += removal.rows;
            if removal.rows < AT_ONCE || removal.broken.is_some() {
                return Ok(Removal { rows: removed, broken: removal.broken });
            }
        }
    }

    async fn remove_some(&self, tx: &Transaction<'_>, days: i32) -> Result<Removal, StoreError> {
        let nothing = |broken| Ok(Removal { rows: 0, broken });
        let begins = match checkpoint::read(tx).await? {
            None => Head::START,
            Some(stored) => match stored.check(&self.crypter) {
                Ok(checkpoint) => checkpoint.head,
                Err(broken) => return nothing(Some(broken)),
            },
        };
        let sql = format!(
            "-- remove_old_events()
            SELECT {}, at < now() - make_interval(days => $1) FROM events
            WHERE sequence IS NOT NULL ORDER BY sequence LIMIT {AT_ONCE}",
            SealedRow::selected()
        );
        let mut walk = Walk::from(&self.crypter, begins);
        let mut broken = None;
        for row in tx.query(&sql, &[&days]).await? {
            if !row.try_get::<_, bool>(4)? {
                break;
            }
            if let Err(found) = walk.step(&SealedRow::read(&row)?) {
                broken = Some(found);
                break;
            }
        }
        if walk.head == begins {
            return nothing(broken);
        }
        checkpoint::write(tx, &self.crypter, &walk.head).await?;
        let sql = "-- remove_old_events()\nDELETE FROM events WHERE sequence <= $1";
        let rows = tx.execute(sql, &[&walk.head.sequence]).await?;
        Ok(Removal { rows, broken })
    }
}
