//! The chain of seals: what a seal covers, and what can be wrong with a chain. No I/O.
//!
//! A seal is HMAC-SHA-256 over the previous seal and the row's columns, each as PostgreSQL prints it and preceded by its
//! length, so that no two rows have the same bytes. `docs/reference/events.md` explains how to compute it.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Row;

use crate::database::crypter::{CryptError, KeyId, Mac};
use crate::{Crypter, StoreError};

/// The columns that the seal covers in addition to the sequence, as an array of texts named `sealed_columns`. The first
/// is the id, the second the time. PostgreSQL prints each of these types in the same way whatever the session's
/// settings.
pub(super) const COLUMNS: &str = "ARRAY[id::text, extract(epoch FROM at)::text, action, actor_kind, actor_id, \
    actor_name, cluster_uid::text, cluster_name, subject, before::text, after::text, address::text, request_id, \
    count::text] AS sealed_columns";

/// The end of the chain at some time: a position and the seal there. Somebody who recorded one can check later whether
/// the chain still contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position of the last row; 0 before the first row.
    pub sequence: i64,
    /// The seal of that row; zeros before the first row.
    pub seal: [u8; 32],
}

/// The first thing that is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// The checkpoint was not authenticated with one of the keys, or was changed.
    #[error("the checkpoint at {sequence} was forged or changed")]
    Checkpoint {
        /// The position after which the chain begins, according to the checkpoint.
        sequence: i64,
    },
    /// The checkpoint cannot be verified.
    #[error("the checkpoint at {sequence} was sealed with the key {}, which is not configured", hex::encode(.key))]
    CheckpointKey {
        /// The position after which the chain begins, according to the checkpoint.
        sequence: i64,
        /// The id of the key.
        key: KeyId,
    },
    /// Rows are missing or duplicated.
    #[error("row {expected} should come next, but row {found} does: rows are missing or duplicated")]
    Missing {
        /// The position that should come next.
        expected: i64,
        /// The position that comes next.
        found: i64,
    },
    /// A row is not the one that was sealed at this position.
    #[error("row {sequence} (event {id}) is not the one that was sealed: it was changed, moved or forged")]
    Changed {
        /// Its position.
        sequence: i64,
        /// The id of its event.
        id: i64,
    },
    /// A row cannot be verified.
    #[error("row {sequence} (event {id}) was sealed with the key {}, which is not configured", hex::encode(.key))]
    UnknownKey {
        /// Its position.
        sequence: i64,
        /// The id of its event.
        id: i64,
        /// The id of the key.
        key: KeyId,
    },
    /// The chain ends before a head that was logged.
    #[error("row {sequence} is missing: the chain ends at {last}, but was longer when the head was logged")]
    HeadMissing {
        /// The position of the head.
        sequence: i64,
        /// The position where the chain ends.
        last: i64,
    },
    /// The seal at the position of a logged head differs from the head.
    #[error(
        "the seal of row {sequence} differs from the head that was logged: the rows up to it were replaced"
    )]
    HeadDiffers {
        /// The position of the head.
        sequence: i64,
    },
    /// The head that the hub keeps beside the chain is gone.
    #[error("the kept head is missing: somebody emptied the table event_heads")]
    KeptHeadMissing,
    /// The head that the hub keeps beside the chain was not authenticated with one of the keys, or was changed.
    #[error("the kept head at {sequence} was forged or changed")]
    KeptHead {
        /// Its position, as it says.
        sequence: i64,
    },
    /// The kept head was missing or forged for a while, in which events may have been removed without a trace.
    #[error(
        "the kept head was missing or forged when the event after {sequence} was sealed: events may be missing there"
    )]
    KeptHeadLost {
        /// The position after which sealing continued.
        sequence: i64,
    },
    /// The head is older than the part of the chain that was verified.
    #[error("cannot check the head at {sequence}: verification began after row {begins}")]
    HeadTooOld {
        /// The position of the head.
        sequence: i64,
        /// The position after which verification began.
        begins: i64,
    },
}

/// The text is not a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head is SEQUENCE:SEAL, a whole number and 64 hexadecimal digits")]
pub struct InvalidHead;

/// A row and its seal.
pub(super) struct SealedRow {
    pub(super) sequence: i64,
    seal: Vec<u8>,
    key: Vec<u8>,
    columns: Vec<Option<String>>,
}

/// A walk along the chain, row by row, from a head that is trusted.
pub(super) struct Walk<'a> {
    crypter: &'a Crypter,
    /// The last row that was verified.
    pub(super) head: Head,
}

impl Head {
    /// The head of an empty chain.
    pub const START: Self = Self { sequence: 0, seal: [0; 32] };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hex::encode(self.seal))
    }
}

impl FromStr for Head {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (sequence, seal) = text.split_once(':').ok_or(InvalidHead)?;
        let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0).ok_or(InvalidHead)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(seal, &mut bytes).map_err(|_| InvalidHead)?;
        Ok(Self { sequence, seal: bytes })
    }
}

impl SealedRow {
    /// The columns that [`SealedRow::read`] reads.
    pub(super) fn selected() -> String {
        format!("sequence, seal, seal_key, {COLUMNS}")
    }

    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            sequence: row.try_get("sequence")?,
            seal: row.try_get("seal")?,
            key: row.try_get("seal_key")?,
            columns: row.try_get("sealed_columns")?,
        })
    }

    /// Its position and seal, not verified.
    pub(super) fn head(&self) -> Option<Head> {
        Some(Head { sequence: self.sequence, seal: self.seal.as_slice().try_into().ok()? })
    }

    fn id(&self) -> i64 {
        self.columns.first().and_then(|id| id.as_ref()?.parse().ok()).unwrap_or_default()
    }

    /// The time in microseconds since 1970, if it can be read.
    pub(super) fn microseconds(&self) -> Option<i64> {
        let (seconds, fraction) = self.columns.get(1)?.as_ref()?.split_once('.')?;
        let (seconds, fraction): (i64, i64) = (seconds.parse().ok()?, fraction.parse().ok()?);
        seconds.checked_mul(1_000_000)?.checked_add(fraction)
    }

    /// The id of the key that sealed it.
    pub(super) fn key(&self) -> KeyId {
        KeyId::try_from(self.key.as_slice()).unwrap_or_default()
    }
}

impl<'a> Walk<'a> {
    pub(super) fn from(crypter: &'a Crypter, head: Head) -> Self {
        Self { crypter, head }
    }

    /// Verifies the next row.
    pub(super) fn step(&mut self, row: &SealedRow) -> Result<(), ChainFault> {
        let (sequence, id) = (row.sequence, row.id());
        let expected = self.head.sequence + 1;
        if sequence != expected {
            return Err(ChainFault::Missing { expected, found: sequence });
        }
        let message = row_message(&self.head, &row.columns);
        match self.crypter.is_authentic(&message, row.key(), &row.seal) {
            Ok(true) => {}
            Ok(false) => return Err(ChainFault::Changed { sequence, id }),
            Err(_) => return Err(ChainFault::UnknownKey { sequence, id, key: row.key() }),
        }
        let seal = row.seal.as_slice().try_into().map_err(|_| ChainFault::Changed { sequence, id })?;
        self.head = Head { sequence, seal };
        Ok(())
    }
}

/// Seals the row that follows a head.
pub(super) fn seal(crypter: &Crypter, head: &Head, columns: &[Option<String>]) -> Result<Mac, CryptError> {
    crypter.authenticate(&row_message(head, columns))
}

/// What the seal of a row covers: the previous seal, the row's position and its columns.
fn row_message(head: &Head, columns: &[Option<String>]) -> Vec<u8> {
    let sequence = (head.sequence + 1).to_string();
    let fields = [Some("event"), Some(&sequence)].into_iter();
    message(&head.seal, fields.chain(columns.iter().map(Option::as_deref)))
}

/// What the code of a checkpoint covers: the seal of the last removed row, its position, and the time of the removal.
pub(super) fn checkpoint_message(head: &Head, removed_at: &str) -> Vec<u8> {
    message(&head.seal, [Some("checkpoint"), Some(&head.sequence.to_string()), Some(removed_at)].into_iter())
}

/// What the code of the kept head covers: its seal, its position, and where sealing continued without it.
pub(super) fn kept_head_message(head: &Head, lost_after: Option<i64>) -> Vec<u8> {
    let (sequence, lost_after) = (head.sequence.to_string(), lost_after.map(|sequence| sequence.to_string()));
    message(&head.seal, [Some("head"), Some(&*sequence), lost_after.as_deref()].into_iter())
}

/// A seal, then the fields: 0 for a missing one, otherwise 1, its length in eight bytes, and its bytes.
fn message<'a>(seal: &[u8; 32], fields: impl Iterator<Item = Option<&'a str>>) -> Vec<u8> {
    let mut bytes = seal.to_vec();
    for field in fields {
        bytes.push(u8::from(field.is_some()));
        if let Some(text) = field {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

/// A head from the columns `sequence` and `seal`.
pub(super) fn head_of(row: &Row) -> Result<Head, StoreError> {
    let seal: &[u8] = row.try_get("seal")?;
    let seal = seal.try_into().map_err(|_| StoreError::corrupt("events", "seal", "not 32 bytes long"))?;
    Ok(Head { sequence: row.try_get("sequence")?, seal })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretSlice;

    use super::*;

    fn crypter(byte: u8) -> Crypter {
        Crypter::new(&[SecretSlice::from(vec![byte; 32])]).unwrap()
    }

    fn row_after(head: &Head, columns: Vec<Option<String>>) -> SealedRow {
        let mac = seal(&crypter(1), head, &columns).unwrap();
        SealedRow { sequence: head.sequence + 1, seal: mac.tag.to_vec(), key: mac.key.to_vec(), columns }
    }

    fn columns(id: i64) -> Vec<Option<String>> {
        vec![Some(id.to_string()), Some("1.500000".to_owned()), Some("a".to_owned()), None]
    }

    #[test]
    fn chain_is_verified_row_by_row() {
        let crypter = crypter(1);
        let mut walk = Walk::from(&crypter, Head::START);
        for id in [7, 5, 6] {
            let row = row_after(&walk.head, columns(id));
            walk.step(&row).unwrap();
        }
        assert_eq!(walk.head.sequence, 3);
        let later = SealedRow { sequence: 5, ..row_after(&walk.head, columns(8)) };
        assert_eq!(walk.step(&later), Err(ChainFault::Missing { expected: 4, found: 5 }));
    }

    #[test]
    fn row_with_unknown_key_is_not_reported_as_changed() {
        let crypter = crypter(2);
        let row = row_after(&Head::START, columns(9));
        let step = Walk::from(&crypter, Head::START).step(&row);
        assert_eq!(step, Err(ChainFault::UnknownKey { sequence: 1, id: 9, key: row.key() }));
    }

    #[test]
    fn missing_field_differs_from_empty_text_and_fields_are_separated() {
        let one = |fields: &[Option<&str>]| message(&[0; 32], fields.iter().copied());
        assert_ne!(one(&[None]), one(&[Some("")]));
        assert_ne!(one(&[Some("ab"), Some("c")]), one(&[Some("a"), Some("bc")]));
    }

    #[test]
    fn head_is_parsed_as_it_is_printed() {
        let head = Head { sequence: 12, seal: [0xab; 32] };
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in ["", "12", ":", "0:", "12:ab", "x:y", &format!("0:{}", "ab".repeat(32))] {
            assert_eq!(text.parse::<Head>(), Err(InvalidHead), "{text:?}");
        }
    }

    #[test]
    fn seal_equals_the_example_in_the_documentation() {
        let material = SecretSlice::from(b"0123456789abcdef0123456789abcdef".to_vec());
        let after = r#"{"description":"","expiry":"2026-11-21T13:29:09Z"}"#;
        let columns = [
            "17",
            "1795181349.123456",
            "token.created",
            "command-line",
            "ada",
            "ada",
            "",
            "berlin",
            "",
            "",
            after,
            "192.0.2.1/32",
            "",
            "1",
        ];
        let columns: Vec<Option<String>> =
            columns.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect();
        let mac = seal(&Crypter::new(&[material]).unwrap(), &Head::START, &columns).unwrap();
        assert_eq!(hex::encode(mac.key), "b3c0c5d2");
        assert_eq!(hex::encode(mac.tag), "1d2207f69a9304fe6ba1a420cb94891a15df5630612705af5b6c693645a4b61f");
    }

    proptest! {
        #[test]
        fn any_change_of_a_row_is_detected(
            at in 0..4usize, text in proptest::option::of(".{0,8}"), previous: [u8; 32],
        ) {
            let head = Head { sequence: 3, seal: previous };
            let mut row = row_after(&head, columns(4));
            prop_assume!(row.columns[at] != text);
            row.columns[at] = text;
            let crypter = crypter(1);
            prop_assert!(Walk::from(&crypter, head).step(&row).is_err());
        }

        #[test]
        fn parsing_a_head_never_panics(text: String) {
            let _ = text.parse::<Head>();
        }
    }
}
