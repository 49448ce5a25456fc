//! Encryption of values that must not be stored in plain text (contract section 5, `ENCRYPTION_KEY_FILE`).
//!
//! A ciphertext is bound to its place: table, row and column are associated data, so that it cannot be moved. Its
//! first bytes identify the key. With several keys, the first one encrypts and all of them decrypt.
//!
//! Two more keys are derived from the same material under other labels: one for values that clients keep and send back
//! (cookies, cursors), and one that seals the audit trail.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretSlice};

/// The first byte of every ciphertext: the version of its layout.
const LAYOUT_VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;

/// Encrypts and decrypts with a list of keys.
pub struct Crypter {
    keys: Vec<Key>,
}

struct Key {
    columns: Cipher,
    outside: Cipher,
    trail_id: KeyId,
    trail: hmac::Key,
}

/// A key for one purpose.
struct Cipher {
    id: KeyId,
    key: LessSafeKey,
}

/// Identifies a key without revealing it: the first bytes of its SHA-256.
pub type KeyId = [u8; KEY_ID_LEN];

/// A message authentication code and the key that computed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mac {
    pub(crate) key: KeyId,
    pub(crate) tag: [u8; 32],
}

/// The place that a ciphertext is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub row: &'a str,
    /// The column.
    pub column: &'static str,
}

/// Why a value cannot be encrypted or decrypted. Reveals nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptError {
    /// No key material was given.
    #[error("there is no encryption key")]
    NoKey,
    /// A key is too short.
    #[error("an encryption key has at least 32 bytes")]
    ShortKey,
    /// The ciphertext was truncated, moved, changed, or encrypted with a key that is not available.
    #[error("cannot be decrypted with any of the encryption keys")]
    Undecipherable,
    /// The code was computed with a key that is not available.
    #[error("the key {} is not among the encryption keys", hex::encode(.0))]
    UnknownKey(KeyId),
}

/// The output length of HKDF: 32 bytes.
struct KeyBytes;

impl KeyType for KeyBytes {
    fn len(&self) -> usize {
        32
    }
}

impl Crypter {
    /// Derives the keys from key material of any format, starting with the one that encrypts. Each key is derived for
    /// one purpose only (HKDF-SHA-512), so that material with another use, such as a TLS key, can serve.
    pub fn new(materials: &[SecretSlice<u8>]) -> Result<Self, CryptError> {
        if materials.is_empty() {
            return Err(CryptError::NoKey);
        }
        let keys = materials.iter().map(|material| Key::derive(material.expose_secret()));
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// A crypter without keys, for programs that do not read or write secrets.
    pub fn without_keys() -> Self {
        Self { keys: Vec::new() }
    }

    /// Encrypts a value for one place in the database.
    pub fn seal(&self, place: Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, CryptError> {
        self.keys.first().ok_or(CryptError::NoKey)?.columns.seal(place, plaintext)
    }

    /// Decrypts a value that was encrypted for this place in the database.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretSlice<u8>, CryptError> {
        open(self.keys.iter().map(|key| &key.columns), place, sealed)
    }

    /// Encrypts a value that a client keeps and sends back, such as a cookie. It cannot be decrypted as a column, nor a
    /// column as such a value.
    pub fn seal_outside(&self, place: Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, CryptError> {
        self.keys.first().ok_or(CryptError::NoKey)?.outside.seal(place, plaintext)
    }

    /// Decrypts a value that [`Crypter::seal_outside`] encrypted for this place.
    pub fn open_outside(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretSlice<u8>, CryptError> {
        open(self.keys.iter().map(|key| &key.outside), place, sealed)
    }

    /// Authenticates a message of the audit trail with the first key (HMAC-SHA-256).
    pub(crate) fn authenticate(&self, message: &[u8]) -> Result<Mac, CryptError> {
        let key = self.keys.first().ok_or(CryptError::NoKey)?;
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&key.trail, message).as_ref());
        Ok(Mac { key: key.trail_id, tag })
    }

    /// Whether this key made the tag for this message. Takes the same time for every tag.
    pub(crate) fn is_authentic(&self, message: &[u8], key: KeyId, tag: &[u8]) -> Result<bool, CryptError> {
        let known =
            self.keys.iter().find(|known| known.trail_id == key).ok_or(CryptError::UnknownKey(key))?;
        Ok(hmac::verify(&known.trail, message, tag).is_ok())
    }
}

impl Key {
    fn derive(material: &[u8]) -> Result<Self, CryptError> {
        if material.len() < 32 {
            return Err(CryptError::ShortKey);
        }
        let pseudo_random = Salt::new(HKDF_SHA512, &[]).extract(material);
        let columns = Cipher::derive(&pseudo_random, b"cluster-manager database columns")?;
        let outside = Cipher::derive(&pseudo_random, b"cluster-manager cookies and cursors")?;
        let (trail_id, trail) = expand(&pseudo_random, b"cluster-manager audit trail")?;
        let trail = hmac::Key::new(hmac::HMAC_SHA256, trail.as_ref());
        Ok(Self { columns, outside, trail_id, trail })
    }
}

impl Cipher {
    fn derive(pseudo_random: &Prk, purpose: &[u8]) -> Result<Self, CryptError> {
        let (id, bytes) = expand(pseudo_random, purpose)?;
        let key = UnboundKey::new(&AES_256_GCM, bytes.as_ref()).map_err(|_| CryptError::ShortKey)?;
        Ok(Self { id, key: LessSafeKey::new(key) })
    }

    fn seal(&self, place: Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, CryptError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = Vec::with_capacity(1 + KEY_ID_LEN + NONCE_LEN + plaintext.len() + 16);
        sealed.push(LAYOUT_VERSION);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        let mut body = plaintext.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), place.associated_data(), &mut body)
            .map_err(|_| CryptError::Undecipherable)?;
        sealed.append(&mut body);
        Ok(sealed)
    }
}

/// Decrypts with the key that the ciphertext names.
fn open<'k>(
    mut keys: impl Iterator<Item = &'k Cipher>,
    place: Place<'_>,
    sealed: &[u8],
) -> Result<SecretSlice<u8>, CryptError> {
    let rest = sealed.strip_prefix(&[LAYOUT_VERSION]).ok_or(CryptError::Undecipherable)?;
    let (id, rest) = rest.split_first_chunk::<KEY_ID_LEN>().ok_or(CryptError::Undecipherable)?;
    let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CryptError::Undecipherable)?;
    let cipher = keys.find(|cipher| cipher.id == *id).ok_or(CryptError::Undecipherable)?;
    let mut body = body.to_vec();
    let plaintext = cipher
        .key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), place.associated_data(), &mut body)
        .map_err(|_| CryptError::Undecipherable)?;
    Ok(SecretSlice::from(plaintext.to_vec()))
}

/// The key for one purpose, and its id.
fn expand(pseudo_random: &Prk, purpose: &[u8]) -> Result<(KeyId, zeroize::Zeroizing<[u8; 32]>), CryptError> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    pseudo_random
        .expand(&[purpose], KeyBytes)
        .and_then(|output| output.fill(bytes.as_mut()))
        .map_err(|_| CryptError::ShortKey)?;
    let mut id = [0; KEY_ID_LEN];
    id.copy_from_slice(&digest(&SHA256, bytes.as_ref()).as_ref()[..KEY_ID_LEN]);
    Ok((id, bytes))
}

impl Place<'_> {
    /// Each part is preceded by its length, so that no two places have the same bytes.
    fn associated_data(&self) -> Aad<Vec<u8>> {
        let mut bytes = Vec::new();
        for part in [self.table, self.row, self.column] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Aad::from(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crypter(keys: &[u8]) -> Crypter {
        let materials: Vec<_> = keys.iter().map(|byte| SecretSlice::from(vec![*byte; 32])).collect();
        Crypter::new(&materials).unwrap()
    }

    const PLACE: Place<'static> = Place { table: "t", row: "r", column: "c" };

    #[test]
    fn first_key_encrypts_and_all_decrypt() {
        let old = crypter(&[1]).seal(PLACE, b"text").unwrap();
        assert_eq!(crypter(&[2, 1]).open(PLACE, &old).unwrap().expose_secret(), b"text");
        let new = crypter(&[2, 1]).seal(PLACE, b"text").unwrap();
        assert_eq!(crypter(&[1]).open(PLACE, &new).unwrap_err(), CryptError::Undecipherable);
    }

    #[test]
    fn moved_or_changed_ciphertext_is_refused() {
        let sealed = crypter(&[1]).seal(PLACE, b"text").unwrap();
        let other = Place { table: "t", row: "rc", column: "" };
        assert!(crypter(&[1]).open(other, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(crypter(&[1]).open(PLACE, &changed).is_err(), "byte {at}");
            assert!(crypter(&[1]).open(PLACE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn values_kept_outside_have_a_separate_key() {
        let (inside, outside) = (
            crypter(&[1]).seal(PLACE, b"text").unwrap(),
            crypter(&[1]).seal_outside(PLACE, b"text").unwrap(),
        );
        assert_ne!(inside[1..=KEY_ID_LEN], outside[1..=KEY_ID_LEN]);
        assert!(crypter(&[1]).open(PLACE, &outside).is_err());
        assert!(crypter(&[1]).open_outside(PLACE, &inside).is_err());
        assert_eq!(crypter(&[2, 1]).open_outside(PLACE, &outside).unwrap().expose_secret(), b"text");
    }

    #[test]
    fn first_key_authenticates_and_all_verify() {
        let old = crypter(&[1]).authenticate(b"text").unwrap();
        assert_eq!(crypter(&[2, 1]).is_authentic(b"text", old.key, &old.tag), Ok(true));
        assert_eq!(crypter(&[2, 1]).is_authentic(b"other", old.key, &old.tag), Ok(false));
        assert_eq!(
            crypter(&[2]).is_authentic(b"text", old.key, &old.tag),
            Err(CryptError::UnknownKey(old.key))
        );
        assert_ne!(crypter(&[2, 1]).authenticate(b"text").unwrap().key, old.key);
    }

    #[test]
    fn short_and_missing_keys_are_refused() {
        assert_eq!(Crypter::new(&[]).err(), Some(CryptError::NoKey));
        assert_eq!(Crypter::new(&[SecretSlice::from(vec![1; 31])]).err(), Some(CryptError::ShortKey));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_an_error_not_a_panic(sealed: Vec<u8>) {
            prop_assert!(crypter(&[1]).open(PLACE, &sealed).is_err());
            prop_assert!(crypter(&[1]).open_outside(PLACE, &sealed).is_err());
        }
    }
}
