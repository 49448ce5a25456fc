//! Writing an event of the audit trail.

use std::borrow::Cow;

use fleet::{ClusterUid, Origin};
use tokio_postgres::Transaction;

use crate::StoreError;

/// The longest text of an event, in characters. Some texts come from unauthenticated requests.
const MAX_TEXT_CHARS: usize = 1000;

/// An event to be recorded. It must not contain secrets.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewEvent<'a> {
    /// The kind of event, such as `cluster.configured`.
    pub(crate) action: &'static str,
    /// The UID of the cluster concerned, if it is enrolled.
    pub(crate) cluster_uid: Option<ClusterUid>,
    /// The name of the cluster concerned, which may not be enrolled yet.
    pub(crate) cluster_name: Option<&'a str>,
    /// Anything else concerned.
    pub(crate) subject: Option<&'a str>,
    /// The state before.
    pub(crate) before: Option<serde_json::Value>,
    /// The state after.
    pub(crate) after: Option<serde_json::Value>,
    /// How often it happened again.
    pub(crate) repeats: u32,
}

/// Records an event in this transaction.
pub(crate) async fn record(
    tx: &Transaction<'_>,
    origin: &Origin,
    event: NewEvent<'_>,
) -> Result<(), StoreError> {
    let sql = "-- record_event()
        INSERT INTO events (action, actor_kind, actor_id, actor_name, cluster_uid, cluster_name, subject, before,
            after, address, request_id, count)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let NewEvent { action, cluster_uid, cluster_name, subject, before, after, repeats } = event;
    let Origin { actor, address, request_id } = origin;
    let uid = cluster_uid.map(|uid| uid.0);
    let count = i64::from(repeats) + 1;
    tx.execute(
        sql,
        &[
            &action,
            &actor.kind.as_str(),
            &storable(&actor.id),
            &storable(&actor.name),
            &uid,
            &cluster_name.map(storable),
            &subject.map(storable),
            &before,
            &after,
            address,
            request_id,
            &count,
        ],
    )
    .await?;
    Ok(())
}

/// The text as a column can hold it: recording an event must not fail because of its content.
fn storable(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(MAX_TEXT_CHARS).map_or(text.len(), |(end, _)| end);
    let text = &text[..end];
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_can_be_stored() {
        assert_eq!(storable("a/b"), "a/b");
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
        assert_eq!(storable(&"ü".repeat(5000)).chars().count(), MAX_TEXT_CHARS);
    }
}
