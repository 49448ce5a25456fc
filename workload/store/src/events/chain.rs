//! The chain of seals: what exactly is sealed, and what is wrong with a row that does not fit. No I/O.
//!
//! A seal is HMAC-SHA-256 over the seal before and the row's columns, each as PostgreSQL prints it and with its
//! length, so that no two rows share their bytes. docs/reference/events.md says it for those who want to compute it
//! themselves.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Row;

use crate::database::crypter::{CryptError, KeyId, Mac};
use crate::{Crypter, StoreError};

/// The columns under the seal beside the sequence, as an array of texts. The first is the id, the second the time.
/// PostgreSQL prints each of these types in one way only, whatever the session's settings.
pub(super) const COLUMNS: &str = "ARRAY[id::text, extract(epoch FROM at)::text, action, actor_kind, actor_id, \
    actor_name, cluster_uid::text, cluster_name, subject, before::text, after::text, address::text, request_id, \
    count::text]";

/// A place in the chain: how far it goes, and the seal there. Whoever noted one can later ask whether it still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The place of the last row; 0 before the first.
    pub sequence: i64,
    /// Its seal; zeros before the first.
    pub seal: [u8; 32],
}

/// What is wrong with a chain, at the first place where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The checkpoint was not made by us, or was changed.
    #[error("the checkpoint at {sequence} was forged or changed")]
    Checkpoint {
        /// Where it says that the chain begins.
        sequence: i64,
    },
    /// The checkpoint cannot be checked.
    #[error("the checkpoint at {sequence} was made under the key {}, which is not among ours", hex::encode(.key))]
    CheckpointKey {
        /// Where it says that the chain begins.
        sequence: i64,
        /// The key's name.
        key: KeyId,
    },
    /// Rows are missing, or stand twice.
    #[error("row {expected} should come next, but row {found} does: rows are missing or stand twice")]
    Missing {
        /// What should come.
        expected: i64,
        /// What comes.
        found: i64,
    },
    /// A row is not what was sealed at this place.
    #[error("row {sequence} (event {id}) is not the one that was sealed: it was changed, moved or forged")]
    Changed {
        /// Its place.
        sequence: i64,
        /// Its id.
        id: i64,
    },
    /// A row cannot be checked.
    #[error("row {sequence} (event {id}) was sealed under the key {}, which is not among ours", hex::encode(.key))]
    UnknownKey {
        /// Its place.
        sequence: i64,
        /// Its id.
        id: i64,
        /// The key's name.
        key: KeyId,
    },
    /// The chain ends before a head that was seen.
    #[error("row {sequence} is missing: the chain ends at {last}, but went on when the head was noted")]
    HeadMissing {
        /// The head's place.
        sequence: i64,
        /// Where the chain ends.
        last: i64,
    },
    /// The chain has another seal where a head was seen.
    #[error("row {sequence} has another seal than the head that was noted: the rows up to it were replaced")]
    HeadDiffers {
        /// The head's place.
        sequence: i64,
    },
    /// The head is older than what is left.
    #[error(
        "the head at {sequence} cannot be looked for: the rows up to {begins} are not part of what was verified"
    )]
    HeadTooOld {
        /// The head's place.
        sequence: i64,
        /// After which row the chain begins.
        begins: i64,
    },
}

/// A text that is not a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head is SEQUENCE:SEAL, a whole number and 64 hexadecimal digits")]
pub struct InvalidHead;

/// A row with its seal.
pub(super) struct SealedRow {
    pub(super) sequence: i64,
    seal: Vec<u8>,
    key: Vec<u8>,
    columns: Vec<Option<String>>,
}

/// A walk along the chain, row by row, from a place that is taken as given.
pub(super) struct Walk<'a> {
    crypter: &'a Crypter,
    /// How far it has come.
    pub(super) head: Head,
}

impl Head {
    /// Before the first row.
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
            sequence: row.try_get(0)?,
            seal: row.try_get(1)?,
            key: row.try_get(2)?,
            columns: row.try_get(3)?,
        })
    }

    fn id(&self) -> i64 {
        self.columns.first().and_then(|id| id.as_ref()?.parse().ok()).unwrap_or_default()
    }

    /// The time in microseconds since 1970, if it is one.
    pub(super) fn microseconds(&self) -> Option<i64> {
        let (seconds, fraction) = self.columns.get(1)?.as_ref()?.split_once('.')?;
        let (seconds, fraction): (i64, i64) = (seconds.parse().ok()?, fraction.parse().ok()?);
        seconds.checked_mul(1_000_000)?.checked_add(fraction)
    }

    /// The name of the key that sealed it.
    pub(super) fn key(&self) -> KeyId {
        KeyId::try_from(self.key.as_slice()).unwrap_or_default()
    }
}

impl<'a> Walk<'a> {
    pub(super) fn from(crypter: &'a Crypter, head: Head) -> Self {
        Self { crypter, head }
    }

    /// Goes one row further, if it is the next one.
    pub(super) fn step(&mut self, row: &SealedRow) -> Result<(), Broken> {
        let (sequence, id) = (row.sequence, row.id());
        let expected = self.head.sequence + 1;
        if sequence != expected {
            return Err(Broken::Missing { expected, found: sequence });
        }
        let message = row_message(&self.head, &row.columns);
        match self.crypter.is_authentic(&message, row.key(), &row.seal) {
            Ok(true) => {}
            Ok(false) => return Err(Broken::Changed { sequence, id }),
            Err(_) => return Err(Broken::UnknownKey { sequence, id, key: row.key() }),
        }
        let seal = row.seal.as_slice().try_into().map_err(|_| Broken::Changed { sequence, id })?;
        self.head = Head { sequence, seal };
        Ok(())
    }
}

/// Seals the row that comes after a head.
pub(super) fn seal(crypter: &Crypter, head: &Head, columns: &[Option<String>]) -> Result<Mac, CryptError> {
    crypter.authenticate(&row_message(head, columns))
}

/// What is authenticated of a row: the seal before it, then its place and its columns.
fn row_message(head: &Head, columns: &[Option<String>]) -> Vec<u8> {
    let sequence = (head.sequence + 1).to_string();
    let fields = [Some("event"), Some(&sequence)].into_iter();
    message(&head.seal, fields.chain(columns.iter().map(Option::as_deref)))
}

/// What is authenticated of a checkpoint: the seal of the last row that was removed, its place, and when.
pub(super) fn checkpoint_message(head: &Head, removed_at: &str) -> Vec<u8> {
    message(&head.seal, [Some("checkpoint"), Some(&head.sequence.to_string()), Some(removed_at)].into_iter())
}

/// A seal, then fields: for each 0 where there is none, else 1, its length as eight bytes, and its bytes.
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
    fn a_chain_holds_row_by_row() {
        let crypter = crypter(1);
        let mut walk = Walk::from(&crypter, Head::START);
        for id in [7, 5, 6] {
            let row = row_after(&walk.head, columns(id));
            walk.step(&row).unwrap();
        }
        assert_eq!(walk.head.sequence, 3);
        let later = SealedRow { sequence: 5, ..row_after(&walk.head, columns(8)) };
        assert_eq!(walk.step(&later), Err(Broken::Missing { expected: 4, found: 5 }));
    }

    #[test]
    fn a_row_under_another_key_is_not_called_changed() {
        let crypter = crypter(2);
        let row = row_after(&Head::START, columns(9));
        let step = Walk::from(&crypter, Head::START).step(&row);
        assert_eq!(step, Err(Broken::UnknownKey { sequence: 1, id: 9, key: row.key() }));
    }

    #[test]
    fn nothing_is_not_the_empty_text_and_fields_do_not_run_together() {
        let one = |fields: &[Option<&str>]| message(&[0; 32], fields.iter().copied());
        assert_ne!(one(&[None]), one(&[Some("")]));
        assert_ne!(one(&[Some("ab"), Some("c")]), one(&[Some("a"), Some("bc")]));
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head { sequence: 12, seal: [0xab; 32] };
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in ["", "12", ":", "0:", "12:ab", "x:y", &format!("0:{}", "ab".repeat(32))] {
            assert_eq!(text.parse::<Head>(), Err(InvalidHead), "{text:?}");
        }
    }

    #[test]
    fn the_seal_is_what_the_documentation_computes() {
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
        fn any_change_of_a_row_is_found(
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
        fn any_text_is_a_head_or_not_one(text: String) {
            let _ = text.parse::<Head>();
        }
    }
}
