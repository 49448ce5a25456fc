//! Verifying the chain: what it proves, and where it breaks.

use std::ops::ControlFlow;

use time::{Duration, OffsetDateTime};
use tokio_postgres::{IsolationLevel, Transaction};

use super::chain::{Broken, Head, SealedRow, Walk};
use super::checkpoint::{self, Checkpoint};
use super::seal::{head, head_of};
use crate::database::crypter::KeyId;
use crate::{Store, StoreError};

/// How many rows are read at once.
const AT_ONCE: i32 = 2000;

/// What else is to be verified beside the chain itself.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Heads that somebody noted, which the chain must still have.
    pub heads: Vec<Head>,
    /// To begin at this row, taking the seal of the one before as given: for rows whose key is no longer there.
    pub from: Option<i64>,
}

/// What a chain proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Where it begins, where old rows were removed.
    pub checkpoint: Option<Checkpoint>,
    /// Where it was told to begin.
    pub given: Option<Head>,
    /// The first row that was verified.
    pub first: Option<Place>,
    /// The last row that was verified.
    pub last: Option<Place>,
    /// How many rows were verified.
    pub rows: u64,
    /// How far the chain was verified; where there is no row, where it begins.
    pub head: Head,
    /// Which keys sealed which rows, in order.
    pub keys: Vec<KeySpan>,
    /// How many rows wait to be sealed: they prove nothing yet.
    pub unsealed: u64,
    /// What is wrong, where it goes no further.
    pub broken: Option<Broken>,
}

/// A row of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its place.
    pub sequence: i64,
    /// When it was written.
    pub at: OffsetDateTime,
}

/// Rows that one key sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpan {
    /// The key's name.
    pub key: KeyId,
    /// The first of the rows.
    pub first: i64,
    /// The last of the rows.
    pub last: i64,
}

impl Store {
    /// Walks the whole chain as it stands at one moment, however many rows are written meanwhile.
    pub async fn verify_events(&self, options: &VerifyOptions) -> Result<Verification, StoreError> {
        let mut client = self.client().await?;
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
            broken: None,
        };
        match self.begin(&tx, options, &mut found).await? {
            ControlFlow::Break(broken) => found.broken = Some(broken),
            ControlFlow::Continue(begins) => {
                found.head = begins;
                found.broken = self.walk(&tx, options, begins, &mut found).await?.break_value();
            }
        }
        Ok(found)
    }

    /// Where the walk begins.
    async fn begin(
        &self,
        tx: &Transaction<'_>,
        options: &VerifyOptions,
        found: &mut Verification,
    ) -> Result<ControlFlow<Broken, Head>, StoreError> {
        let mut begins = Head::START;
        if let Some(stored) = checkpoint::read(tx).await? {
            match stored.check(&self.crypter) {
                Ok(checkpoint) => found.checkpoint = Some(checkpoint),
                // Made under a key that is no longer there, it is skipped with the rows that were sealed under it.
                Err(Broken::CheckpointKey { .. }) if options.from.is_some() => {}
                Err(broken) => return Ok(ControlFlow::Break(broken)),
            }
            begins = stored.head;
        }
        let Some(before) = options.from.map(|from| from - 1).filter(|before| *before > begins.sequence)
        else {
            return Ok(ControlFlow::Continue(begins));
        };
        let sql = "-- verify_events()\nSELECT sequence, seal FROM events WHERE sequence = $1";
        let Some(row) = tx.query_opt(sql, &[&before]).await? else {
            let last = head(tx).await?.sequence;
            return Ok(ControlFlow::Break(Broken::HeadMissing { sequence: before, last }));
        };
        let given = head_of(&row)?;
        found.given = Some(given);
        Ok(ControlFlow::Continue(given))
    }

    /// From there to the end, or to the first row where it breaks.
    async fn walk(
        &self,
        tx: &Transaction<'_>,
        options: &VerifyOptions,
        begins: Head,
        found: &mut Verification,
    ) -> Result<ControlFlow<Broken>, StoreError> {
        for head in &options.heads {
            if head.sequence < begins.sequence {
                let (sequence, begins) = (head.sequence, begins.sequence);
                return Ok(ControlFlow::Break(Broken::HeadTooOld { sequence, begins }));
            }
        }
        if let ControlFlow::Break(broken) = compare(options, &begins) {
            return Ok(ControlFlow::Break(broken));
        }
        // Rows before the checkpoint are read too: there must be none. Those before --from are another matter.
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
            let rows = tx.query_portal(&portal, AT_ONCE).await?;
            for row in &rows {
                let row = SealedRow::read(row)?;
                if let Err(broken) = walk.step(&row) {
                    return Ok(ControlFlow::Break(broken));
                }
                found.add(&row, walk.head);
                if let ControlFlow::Break(broken) = compare(options, &walk.head) {
                    return Ok(ControlFlow::Break(broken));
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        let last = walk.head.sequence;
        let missing =
            options.heads.iter().map(|head| head.sequence).filter(|sequence| *sequence > last).min();
        Ok(match missing {
            Some(sequence) => ControlFlow::Break(Broken::HeadMissing { sequence, last }),
            None => ControlFlow::Continue(()),
        })
    }
}

/// Whether the heads that were noted for this place are this one.
fn compare(options: &VerifyOptions, head: &Head) -> ControlFlow<Broken> {
    let sequence = head.sequence;
    match options.heads.iter().any(|noted| noted.sequence == sequence && noted.seal != head.seal) {
        true => ControlFlow::Break(Broken::HeadDiffers { sequence }),
        false => ControlFlow::Continue(()),
    }
}

async fn unsealed(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    let sql = "-- verify_events()\nSELECT count(*) FROM events WHERE sequence IS NULL";
    Ok(tx.query_one(sql, &[]).await?.try_get::<_, i64>(0)?.unsigned_abs())
}

impl Verification {
    fn add(&mut self, row: &SealedRow, head: Head) {
        self.rows += 1;
        self.head = head;
        let since_epoch = Duration::microseconds(row.microseconds().unwrap_or_default());
        let at = OffsetDateTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let place = Place { sequence: head.sequence, at };
        self.first.get_or_insert(place);
        self.last = Some(place);
        match self.keys.last_mut() {
            Some(span) if span.key == row.key() => span.last = head.sequence,
            _ => self.keys.push(KeySpan { key: row.key(), first: head.sequence, last: head.sequence }),
        }
    }
}
