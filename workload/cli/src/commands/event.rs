//! `cluster-manager event …`.

use api::{Event, EventQuery};
use settings::Source;
use store::events::{Head, Verification, VerifyOptions};

use crate::arguments::{EventFilter, Format};
use crate::backend::Backend;
use crate::event_view::{self, VerificationView};
use crate::{Failure, output, setup};

/// Lists events, newest first.
pub(super) async fn list(
    backend: &Backend,
    format: Format,
    filter: EventFilter,
    limit: usize,
) -> Result<(), Failure> {
    let events = fetch(backend, filter.into(), limit).await?;
    output::print(format, &events, |events| event_view::table(events))
}

/// Fetches up to `limit` events, a page at a time.
async fn fetch(backend: &Backend, mut query: EventQuery, limit: usize) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    loop {
        let missing = u16::try_from(limit - events.len()).unwrap_or(u16::MAX);
        query.limit = Some(missing.min(EventQuery::MAX_LIMIT));
        let page = backend.events(&query).await?;
        events.extend(page.items);
        query.cursor = page.next_cursor.and_then(|cursor| cursor.parse().ok());
        if query.cursor.is_none() || events.len() >= limit {
            return Ok(events);
        }
    }
}

/// Verifies the chain. This needs the database and the key, which no API gives away.
pub(super) async fn verify(
    source: &Source,
    format: Format,
    heads: Vec<Head>,
    from: Option<i64>,
) -> Result<(), Failure> {
    let store = setup::store(source)?;
    store.ensure_current().await?;
    let found = store.verify_events(&VerifyOptions { heads, from }).await?;
    output::print(format, &VerificationView::from(&found), |_| event_view::describe(&found))?;
    match found {
        Verification { fault: None, .. } => Ok(()),
        Verification { fault: Some(broken), .. } => Err(Failure::Other(event_view::verdict_on(&broken))),
    }
}

impl From<EventFilter> for EventQuery {
    fn from(filter: EventFilter) -> Self {
        let EventFilter { cluster, actor, action, since, until, search } = filter;
        Self { cluster, actor, action, since, until, search, ..Self::default() }
    }
}
