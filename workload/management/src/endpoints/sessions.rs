//! `/1.0/session`: people's sessions in browsers.

use api::{SessionPage, SessionQuery};
use edge::{Error, Response, response};
use fleet::session::InvalidSessionCursor;
use fleet::{ActorKind, Role};
use protocol::envelope::Envelope;
use sign_in::Principal;
use sign_in::errors::from_store;
use store::access::SessionSelection;

use crate::http::call::Call;
use crate::http::responses::{AuthenticationErrors, CommonErrors, NotFoundErrors, Nothing};

/// The caller's own sessions, the newest sign-in first; with `all` everybody's, which needs the role `admin`. Needs the
/// role `viewer`.
#[utoipa::path(
    get, path = "/1.0/session", operation_id = "list_sessions", tag = "sign-in", params(SessionQuery),
    responses((status = 200, body = Envelope<SessionPage>), AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn list(call: Call) -> Result<Response, Error> {
    let query: SessionQuery = call.query()?;
    let caller = call.principal.ok_or(Error::Unauthorized)?;
    let wants_all = query.all == Some(true);
    if wants_all && caller.role != Some(Role::Admin) {
        return Err(Error::Forbidden);
    }
    let limit = query.limit.unwrap_or(SessionQuery::DEFAULT_LIMIT);
    if !(1..=SessionQuery::MAX_LIMIT).contains(&limit) {
        let max = SessionQuery::MAX_LIMIT;
        return Err(Error::BadRequest(format!("\"limit\" must be a whole number from 1 to {max}")));
    }
    let after = query.cursor.as_deref().map(str::parse).transpose();
    let after = after.map_err(|error: InvalidSessionCursor| Error::BadRequest(error.to_string()))?;
    let subject = if wants_all { None } else { own_subject(&caller) };
    if subject.is_none() && !wants_all {
        // A service account has no sessions.
        return Ok(response::success(SessionPage { items: Vec::new(), next_cursor: None, total: 0 }));
    }
    let (limits, selection) =
        (call.management.sign_in.session_limits(), SessionSelection { subject, after, limit });
    let page = call.management.store.sessions(limits, selection).await.map_err(from_store)?;
    Ok(response::success(SessionPage::new(page, caller.credential)))
}

/// Ends a session at once, on all units. People end their own sessions; the role `admin` ends everybody's. Needs the role
/// `viewer`.
#[utoipa::path(
    delete, path = "/1.0/session/{id}", operation_id = "end_session", tag = "sign-in",
    params(("id" = String, Path, description = "The id of the session")),
    responses((status = 200, body = Envelope<Nothing>), NotFoundErrors, AuthenticationErrors, CommonErrors)
)]
pub(crate) async fn end(call: Call) -> Result<Response, Error> {
    let origin = call.origin();
    let id = call.name().parse().map_err(|_| Error::NotFound)?;
    let caller = call.principal.as_ref().ok_or(Error::Unauthorized)?;
    // Whether somebody else has such a session is nobody's business but an administrator's.
    let subject = match caller.role {
        Some(Role::Admin) => None,
        _ => Some(own_subject(caller).ok_or(Error::NotFound)?),
    };
    let limits = call.management.sign_in.session_limits();
    let ended = call.management.store.end_listed_session(id, subject, limits, &origin).await;
    if ended.map_err(from_store)? { Ok(response::success(())) } else { Err(Error::NotFound) }
}

/// The subject of a person; `None` for a service account.
fn own_subject(caller: &Principal) -> Option<&str> {
    (caller.actor.kind == ActorKind::Person).then_some(caller.actor.id.as_str())
}
