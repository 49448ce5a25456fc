//! Cursors: the position where a page ended, encrypted so that it is valid only for its own list, on any unit.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::query::{ClusterFilter, Order, Position, SortBy};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::database::crypter::Place;
use crate::{Crypter, StoreError};

/// More bytes than any cursor has: a name has at most 1020 bytes, and a description, by which a list can be sorted, is
/// limited by the size of the request that set it.
const MAX_CURSOR_BYTES: usize = 256 * 1024;

/// The list that a cursor belongs to.
#[derive(Serialize)]
pub(super) struct CursorList<'a> {
    pub(super) sort: SortBy,
    pub(super) order: Order,
    pub(super) filter: &'a ClusterFilter,
}

pub(super) fn seal(
    crypter: &Crypter,
    end: &Position<'_>,
    list: &CursorList<'_>,
) -> Result<String, StoreError> {
    let plaintext = serde_json::to_vec(end).unwrap_or_default();
    let sealed = crypter.seal_outside(place(&list.text()), &plaintext);
    let sealed = sealed.map_err(|error| StoreError::corrupt("remote_clusters", "cursor", error))?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// The position where the page ended, if the cursor is genuine and was made for this list.
pub(super) fn open(crypter: &Crypter, text: &str, list: &CursorList<'_>) -> Option<Position<'static>> {
    if text.len() > MAX_CURSOR_BYTES {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let plaintext = crypter.open_outside(place(&list.text()), &sealed).ok()?;
    serde_json::from_slice(plaintext.expose_secret()).ok()
}

impl CursorList<'_> {
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A cursor is bound to its list as an encrypted column is to its row.
fn place(list: &str) -> Place<'_> {
    Place { table: "remote_clusters", row: list, column: "cursor" }
}
