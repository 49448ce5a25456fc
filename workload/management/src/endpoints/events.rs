//! `GET /1.0/event`: the audit trail.

use std::borrow::Cow;
use std::time::Duration;

use api::{EventPage, EventQuery};
use edge::{Error, Response, response};
use percent_encoding::percent_decode;
use protocol::envelope::Envelope;
use sign_in::errors::from_store;
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::Management;
use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, CommonErrors};

/// How long a request waits for its turn. Few can read at once, since each may read the whole trail.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The audit trail, newest first: every change, sign-in and refusal. Needs the role `viewer`.
#[utoipa::path(
    get, path = "/1.0/event", operation_id = "list_events", tag = "events", params(EventQuery),
    responses((status = 200, body = Envelope<EventPage>), AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    Ok(response::success(page(&call.management, &call.query).await?))
}

async fn page(management: &Management, query: &str) -> Result<EventPage, Error> {
    let query = read(query).map_err(Error::BadRequest)?;
    let _turn = timeout(MAX_WAIT, management.event_readers.acquire())
        .await
        .map_err(|_| Error::unavailable("too many requests read the audit trail"))?;
    let limit = query.limit.unwrap_or(EventQuery::DEFAULT_LIMIT);
    let page = management.store.events(&query.filter(), query.cursor, limit).await.map_err(from_store)?;
    Ok(page.into())
}

/// Reads the query. An unknown parameter is an error: ignoring a misspelt filter would return too much.
fn read(query: &str) -> Result<EventQuery, String> {
    let mut read = EventQuery::default();
    let mut seen = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if seen.contains(&name) {
            return Err(format!("{name:?} can be given only once"));
        }
        match name.as_ref() {
            "cluster" => read.cluster = Some(value.into_owned()),
            "actor" => read.actor = Some(value.into_owned()),
            "action" => read.action = Some(value.into_owned()),
            "search" => read.search = Some(value.into_owned()),
            "since" => read.since = Some(time("since", &value)?),
            "until" => read.until = Some(time("until", &value)?),
            "limit" => read.limit = Some(limit(&value)?),
            "cursor" => {
                let cursor = value.parse().map_err(|_| "\"cursor\" must be a next_cursor of this list")?;
                read.cursor = Some(cursor);
            }
            _ => return Err(format!("There is no parameter {name:?}")),
        }
        seen.push(name);
    }
    Ok(read)
}

fn time(name: &str, text: &str) -> Result<OffsetDateTime, String> {
    fleet::timestamp::parse(text)
        .ok_or_else(|| format!("{name:?} must be a time such as 2030-01-31T12:00:00Z (a + is written %2B)"))
}

fn limit(text: &str) -> Result<u16, String> {
    let max = EventQuery::MAX_LIMIT;
    let limit = text.parse().ok().filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| format!("\"limit\" must be a whole number from 1 to {max}"))
}

fn decode(text: &str) -> Result<Cow<'static, str>, String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    let decoded = decoded.map_err(|_| "The query is not UTF-8")?.into_owned();
    // PostgreSQL cannot store it, so nothing could match.
    if decoded.contains('\0') { Err("The query contains NUL".to_owned()) } else { Ok(decoded.into()) }
}

#[cfg(test)]
mod tests;
