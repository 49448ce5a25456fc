//! What a handler is given: the request, taken apart, and who calls.

use std::sync::Arc;

use edge::body::RequestBody;
use edge::{Draining, Error, Peer, RequestId};
use fleet::{Actor, Origin};
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::Management;
use sign_in::Principal;

/// The longest body of an ordinary request (contract section 2).
pub(crate) const MAX_BODY_BYTES: usize = 64 << 10;

/// One request on its way to its handler.
pub(crate) struct Call {
    pub(crate) management: Arc<Management>,
    /// Who calls; `None` only where the route is public.
    pub(crate) principal: Option<Principal>,
    pub(crate) peer: Peer,
    pub(crate) request_id: RequestId,
    /// Told when the process is to end: what goes on and on ends then.
    pub(crate) draining: Draining,
    pub(crate) headers: HeaderMap,
    /// Under which name the request reached us, with a port if it says one.
    pub(crate) host: Option<String>,
    /// The query without its question mark, as it came.
    pub(crate) query: String,
    /// What stands where the route's path has braces, in order.
    pub(crate) parameters: Vec<String>,
    pub(crate) body: RequestBody,
}

impl Call {
    /// The first thing in braces: most routes have one.
    pub(crate) fn name(&self) -> &str {
        self.parameters.first().map_or("", String::as_str)
    }

    /// For the audit trail.
    pub(crate) fn origin(&self) -> Origin {
        let actor = self.principal.as_ref().map_or_else(Actor::unknown, |principal| principal.actor.clone());
        Origin { actor, address: Some(self.peer.address.ip()), request_id: Some(self.request_id.to_string()) }
    }

    /// The query, read into what the route knows.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_urlencoded::from_str(&self.query)
            .map_err(|problem| Error::BadRequest(format!("The query is not as expected: {problem}")))
    }

    /// The body as JSON: 415, 413 or 400 where it is not.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.body.json(MAX_BODY_BYTES).await
    }
}
