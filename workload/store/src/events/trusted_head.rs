//! The trusted head: the event that the next one follows. Positions and seals in the tables are believed only if the key
//! vouches for them, so that whoever can write the tables can neither move the chain nor stop it.

use tokio_postgres::GenericClient;

use super::chain::{ChainFault, Head, SealedRow, Walk};
use super::kept_head::KeptHead;
use super::{checkpoint, kept_head};
use crate::{Crypter, StoreError};

/// The number of rows that are read at a time.
const FETCH_ROWS: i64 = 1000;

/// The head to continue from, and what is wrong with the tables.
pub(super) struct TrustedHead {
    pub(super) kept: KeptHead,
    /// What is wrong. Sealing continues nevertheless: the events after it are worth sealing, and the fault stays visible.
    pub(super) fault: Option<ChainFault>,
}

/// Finds the head to continue from.
pub(super) async fn read(client: &impl GenericClient, crypter: &Crypter) -> Result<TrustedHead, StoreError> {
    let checkpoint = checkpoint::read(client).await?.map(|stored| stored.verify(crypter)).transpose();
    let (checkpoint, mut fault) = match checkpoint {
        Ok(checkpoint) => (checkpoint.map(|checkpoint| checkpoint.head), None),
        Err(fault) => (None, Some(fault)),
    };
    let kept = match kept_head::read(client, crypter).await? {
        Ok(kept) => kept,
        Err(missing) => {
            fault = fault.or(Some(missing));
            let head = newest_authentic(client, crypter, checkpoint).await?;
            KeptHead { head, lost_after: Some(head.sequence) }
        }
    };
    // A program of the previous version, running beside this one, seals and removes events without keeping the head.
    let begins = checkpoint.filter(|head| head.sequence > kept.head.sequence).unwrap_or(kept.head);
    if begins != Head::START && checkpoint != Some(begins) && !contains(client, &begins).await? {
        let last = last_sequence(client).await?;
        fault = fault.or(Some(ChainFault::HeadMissing { sequence: begins.sequence, last }));
    }
    let (head, broken) = follow(client, crypter, begins).await?;
    Ok(TrustedHead { kept: KeptHead { head, ..kept }, fault: fault.or(broken) })
}

/// Whether the chain has a row with this position and seal.
pub(super) async fn contains(client: &impl GenericClient, head: &Head) -> Result<bool, StoreError> {
    let sql = "-- contains_head()
        SELECT EXISTS (SELECT FROM events WHERE sequence = $1 AND seal = $2) AS is_present";
    Ok(client.query_one(sql, &[&head.sequence, &head.seal.as_slice()]).await?.try_get("is_present")?)
}

/// The highest position in the table, true or not.
pub(super) async fn last_sequence(client: &impl GenericClient) -> Result<i64, StoreError> {
    let sql = "-- last_sequence()\nSELECT coalesce(max(sequence), 0) AS last FROM events";
    Ok(client.query_one(sql, &[]).await?.try_get("last")?)
}

/// Follows the chain from a head as far as it is intact. Normally nothing follows.
async fn follow(
    client: &impl GenericClient,
    crypter: &Crypter,
    begins: Head,
) -> Result<(Head, Option<ChainFault>), StoreError> {
    let sql = format!(
        "-- follow_chain()\nSELECT {} FROM events WHERE sequence > $1 ORDER BY sequence LIMIT {FETCH_ROWS}",
        SealedRow::selected()
    );
    let mut walk = Walk::from(crypter, begins);
    loop {
        let rows = client.query(&sql, &[&walk.head.sequence]).await?;
        if rows.is_empty() {
            return Ok((walk.head, None));
        }
        for row in &rows {
            if let Err(fault) = walk.step(&SealedRow::read(row)?) {
                return Ok((walk.head, Some(fault)));
            }
        }
    }
}

/// The newest row that was sealed with a key after the row before it, for a chain without a kept head; the checkpoint if
/// there is none.
async fn newest_authentic(
    client: &impl GenericClient,
    crypter: &Crypter,
    checkpoint: Option<Head>,
) -> Result<Head, StoreError> {
    let sql = format!(
        "-- newest_authentic_event()
        SELECT {} FROM events WHERE sequence IS NOT NULL ORDER BY sequence DESC LIMIT {FETCH_ROWS}",
        SealedRow::selected()
    );
    let rows = client.query(&sql, &[]).await?;
    let rows = rows.iter().map(SealedRow::read).collect::<Result<Vec<_>, _>>()?;
    let start = checkpoint.unwrap_or(Head::START);
    for (index, row) in rows.iter().enumerate() {
        let before = rows.get(index + 1).map_or(Some(start), SealedRow::head);
        let mut walk = Walk::from(crypter, before.unwrap_or(start));
        if walk.step(row).is_ok() {
            return Ok(walk.head);
        }
    }
    Ok(start)
}
