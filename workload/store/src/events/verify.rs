//! Verifying the chain: what it proves, and where it is broken.

use std::ops::ControlFlow;

use time::{Duration, OffsetDateTime};
use tokio_postgres::{IsolationLevel, Transaction};

use super::chain::{ChainFault, Head, SealedRow, Walk, head_of};
use super::checkpoint::{self, Checkpoint};
use super::kept_head::{self, KeptHead};
use super::trusted_head::last_sequence;
use crate::database::connection::Connection;
use crate::database::crypter::KeyId;
use crate::{Store, StoreError};

/// The number of rows that are fetched at a time.
const FETCH_ROWS: i32 = 2000;

/// What to verify in addition to the chain itself.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Heads that were logged, which the chain must still contain.
    pub heads: Vec<Head>,
    /// The row to begin at, trusting the seal of the row before: for chains with rows whose key is no longer configured.
    pub from: Option<i64>,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Where the chain begins, if old events were removed.
    pub checkpoint: Option<Checkpoint>,
    /// The trusted head before [`VerifyOptions::from`].
    pub given: Option<Head>,
    /// The first verified row.
    pub first: Option<ChainPosition>,
    /// The last verified row.
    pub last: Option<ChainPosition>,
    /// The number of verified rows.
    pub rows: u64,
    /// The head up to which the chain was verified. Without rows, where it begins.
    pub head: Head,
    /// Which keys sealed which rows, in order.
    pub keys: Vec<KeySpan>,
    /// The number of unsealed events, which prove nothing yet.
    pub unsealed: u64,
    /// What is wrong with the chain, if it could not be verified to its end.
    pub fault: Option<ChainFault>,
}

/// A position in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPosition {
    /// The number of the row in the chain.
    pub sequence: i64,
    /// When its event was recorded.
    pub at: OffsetDateTime,
}

/// Consecutive rows that one key sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpan {
    /// The id of the key.
    pub key: KeyId,
    /// The first row.
    pub first: i64,
    /// The last row.
    pub last: i64,
}

impl Store {
    /// Verifies the whole chain in one snapshot, unaffected by concurrent changes.
    pub async fn verify_events(&self, options: &VerifyOptions) -> Result<Verification, StoreError> {
        let mut client = self.client().await?;
        let outcome = self.verify_events_on(&mut client, options).await;
        client.noting(outcome)
    }

    async fn verify_events_on(
        &self,
        client: &mut Connection,
        options: &VerifyOptions,
    ) -> Result<Verification, StoreError> {
        let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        let tx = snapshot.read_only(true).start().await?;
        let mut found = Verification {
            checkpoint: None,
            given: None,
            first: None,
            last: None,
            rows: 0,
            head: Head::START,
            keys: Vec::new(),
            unsealed: unsealed(&tx).await?,
            fault: None,
        };
        match self.begin(&tx, options, &mut found).await? {
            ControlFlow::Break(fault) => found.fault = Some(fault),
            ControlFlow::Continue(begins) => {
                found.head = begins;
                let kept = kept_head::read(&*tx, &self.crypter).await?;
                let mut heads = options.heads.clone();
                // Events may have been removed by a program that does not keep the head.
                heads.extend(kept.ok().map(|kept| kept.head).filter(|head| head.sequence > begins.sequence));
                found.fault = self.walk(&tx, &heads, begins, &mut found).await?.break_value();
                found.fault = found.fault.or_else(|| kept.map_or_else(Some, |kept| lost(&kept, &begins)));
            }
        }
        Ok(found)
    }

    /// The head after which the walk begins.
    async fn begin(
        &self,
        tx: &Transaction<'_>,
        options: &VerifyOptions,
        found: &mut Verification,
    ) -> Result<ControlFlow<ChainFault, Head>, StoreError> {
        let mut begins = Head::START;
        if let Some(stored) = checkpoint::read(tx).await? {
            match stored.verify(&self.crypter) {
                Ok(checkpoint) => found.checkpoint = Some(checkpoint),
                // A checkpoint whose key is no longer configured is skipped with the rows that the key sealed.
                Err(ChainFault::CheckpointKey { .. }) if options.from.is_some() => {}
                Err(fault) => return Ok(ControlFlow::Break(fault)),
            }
            begins = stored.head;
        }
        let Some(before) = options.from.map(|from| from - 1).filter(|before| *before > begins.sequence)
        else {
            return Ok(ControlFlow::Continue(begins));
        };
        let sql = "-- verify_events()\nSELECT sequence, seal FROM events WHERE sequence = $1";
        // Where the row is gone, a head that was logged tells its seal.
        let noted = options.heads.iter().find(|head| head.sequence == before).copied();
        let given = match tx.query_opt(sql, &[&before]).await? {
            Some(row) => Some(head_of(&row)?),
            None => noted,
        };
        let Some(given) = given else {
            let last = last_sequence(tx).await?;
            return Ok(ControlFlow::Break(ChainFault::HeadMissing { sequence: before, last }));
        };
        found.given = Some(given);
        Ok(ControlFlow::Continue(given))
    }

    /// Walks from there to the end of the chain, or to the first fault.
    async fn walk(
        &self,
        tx: &Transaction<'_>,
        heads: &[Head],
        begins: Head,
        found: &mut Verification,
    ) -> Result<ControlFlow<ChainFault>, StoreError> {
        for head in heads {
            if head.sequence < begins.sequence {
                let (sequence, begins) = (head.sequence, begins.sequence);
                return Ok(ControlFlow::Break(ChainFault::HeadTooOld { sequence, begins }));
            }
        }
        if let ControlFlow::Break(fault) = compare(heads, &begins) {
            return Ok(ControlFlow::Break(fault));
        }
        // Rows before the checkpoint are read too, because there must be none. Rows before `from` are allowed.
        let lowest = if found.given.is_some() { begins.sequence } else { 0 };
        let sql = format!(
            "-- verify_events()
            SELECT {} FROM events WHERE sequence > $1 ORDER BY sequence, id",
            SealedRow::selected()
        );
        let statement = tx.prepare(&sql).await?;
        let portal = tx.bind(&statement, &[&lowest]).await?;
        let mut walk = Walk::from(&self.crypter, begins);
        loop {
            let rows = tx.query_portal(&portal, FETCH_ROWS).await?;
            for row in &rows {
                let row = SealedRow::read(row)?;
                if let Err(fault) = walk.step(&row) {
                    return Ok(ControlFlow::Break(fault));
                }
                found.add(&row, walk.head);
                if let ControlFlow::Break(fault) = compare(heads, &walk.head) {
                    return Ok(ControlFlow::Break(fault));
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        let last = walk.head.sequence;
        let missing = heads.iter().map(|head| head.sequence).filter(|sequence| *sequence > last).min();
        Ok(match missing {
            Some(sequence) => ControlFlow::Break(ChainFault::HeadMissing { sequence, last }),
            None => ControlFlow::Continue(()),
        })
    }
}

/// Whether the heads that were logged for this position are equal to the chain's.
fn compare(heads: &[Head], head: &Head) -> ControlFlow<ChainFault> {
    let sequence = head.sequence;
    match heads.iter().any(|noted| noted.sequence == sequence && noted.seal != head.seal) {
        true => ControlFlow::Break(ChainFault::HeadDiffers { sequence }),
        false => ControlFlow::Continue(()),
    }
}

/// Whether sealing continued without a kept head after the beginning of what was verified.
fn lost(kept: &KeptHead, begins: &Head) -> Option<ChainFault> {
    let sequence = kept.lost_after.filter(|sequence| *sequence >= begins.sequence)?;
    Some(ChainFault::KeptHeadLost { sequence })
}

async fn unsealed(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    let sql = "-- verify_events()\nSELECT count(*) AS unsealed FROM events WHERE sequence IS NULL";
    Ok(tx.query_one(sql, &[]).await?.try_get::<_, i64>("unsealed")?.unsigned_abs())
}

impl Verification {
    fn add(&mut self, row: &SealedRow, head: Head) {
        self.rows += 1;
        self.head = head;
        let since_epoch = Duration::microseconds(row.microseconds().unwrap_or_default());
        let at = OffsetDateTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let position = ChainPosition { sequence: head.sequence, at };
        self.first.get_or_insert(position);
        self.last = Some(position);
        match self.keys.last_mut() {
            Some(span) if span.key == row.key() => span.last = head.sequence,
            _ => self.keys.push(KeySpan { key: row.key(), first: head.sequence, last: head.sequence }),
        }
    }
}
