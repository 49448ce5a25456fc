//! Where a page ended: encrypted, so that a cursor is only good for the list that it was made for, on any unit.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::query::{ClusterFilter, Order, Position, SortBy};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::crypter::Place;
use crate::{Crypter, StoreError};

/// Longer than any that we make: a name has at most 1020 bytes, a description, which a list can be sorted by, is
/// bounded by the body of the request that wrote it.
const MAX_LENGTH: usize = 256 * 1024;

/// The list that a cursor belongs to.
#[derive(Serialize)]
pub(super) struct Direction<'a> {
    pub(super) sort: SortBy,
    pub(super) order: Order,
    pub(super) filter: &'a ClusterFilter,
}

pub(super) fn seal(
    crypter: &Crypter,
    end: &Position<'_>,
    list: &Direction<'_>,
) -> Result<String, StoreError> {
    let plaintext = serde_json::to_vec(end).unwrap_or_default();
    let sealed = crypter.seal_outside(place(&list.text()), &plaintext);
    let sealed = sealed.map_err(|error| StoreError::corrupt("remote_clusters", "cursor", error))?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// Where the page ended, if the cursor was made for this list and nobody changed it since.
pub(super) fn open(crypter: &Crypter, text: &str, list: &Direction<'_>) -> Option<Position<'static>> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let plaintext = crypter.open_outside(place(&list.text()), &sealed).ok()?;
    serde_json::from_slice(plaintext.expose_secret()).ok()
}

impl Direction<'_> {
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A cursor is bound to its list as a column's ciphertext is to its row.
fn place(list: &str) -> Place<'_> {
    Place { table: "remote_clusters", row: list, column: "cursor" }
}
