//! Writing a row of the audit trail.

use std::borrow::Cow;

use fleet::{ClusterUid, Origin};
use tokio_postgres::Transaction;

use crate::StoreError;

/// No text of a row is longer, in characters: some of them come from strangers.
const LONGEST_TEXT: usize = 1000;

/// What was done, as it is recorded. Nothing in it may be secret.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewEvent<'a> {
    /// In two words, such as `cluster.configured`.
    pub(crate) action: &'static str,
    /// To which cluster, if it is enrolled.
    pub(crate) cluster_uid: Option<ClusterUid>,
    /// To which cluster, enrolled or to be.
    pub(crate) cluster_name: Option<&'a str>,
    /// To what else.
    pub(crate) subject: Option<&'a str>,
    /// What stood there before.
    pub(crate) before: Option<serde_json::Value>,
    /// What stands there now.
    pub(crate) after: Option<serde_json::Value>,
    /// How often it happened beyond the once.
    pub(crate) repeats: u32,
}

/// Records what this transaction does.
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

/// A text that a column can hold, whoever sent it: a row of the audit trail must not fail for its content.
fn storable(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(LONGEST_TEXT).map_or(text.len(), |(end, _)| end);
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
        assert_eq!(storable(&"ü".repeat(5000)).chars().count(), LONGEST_TEXT);
    }
}
