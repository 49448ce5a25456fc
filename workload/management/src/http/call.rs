//! The call that a handler gets: the parts of the request, and the caller.

use std::sync::Arc;

use edge::body::RequestBody;
use edge::{Draining, Error, Peer, RequestId};
use fleet::{Actor, Origin};
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::Management;
use sign_in::Principal;

/// The largest body of an ordinary request (contract section 2).
pub(crate) const MAX_BODY_BYTES: usize = 64 << 10;

/// One request with its caller.
pub(crate) struct Call {
    pub(crate) management: Arc<Management>,
    /// The caller; `None` only if the route is public.
    pub(crate) principal: Option<Principal>,
    pub(crate) peer: Peer,
    pub(crate) request_id: RequestId,
    /// Cancelled when the process shuts down. Responses without an end must end then.
    pub(crate) draining: Draining,
    pub(crate) headers: HeaderMap,
    /// Whether the method is HEAD: handled as GET, but nothing may change.
    pub(crate) is_head: bool,
    /// The host that the request names, with a port if it names one.
    pub(crate) host: Option<String>,
    /// The query without its question mark, as sent.
    pub(crate) query: String,
    /// The values of the route's `{parameters}`, in order.
    pub(crate) parameters: Vec<String>,
    pub(crate) body: RequestBody,
}

impl Call {
    /// The first parameter of the path, or an empty text.
    pub(crate) fn name(&self) -> &str {
        self.parameters.first().map_or("", String::as_str)
    }

    /// The origin of the call, for the audit trail.
    pub(crate) fn origin(&self) -> Origin {
        let actor = self.principal.as_ref().map_or_else(Actor::unknown, |principal| principal.actor.clone());
        Origin { actor, address: Some(self.peer.address.ip()), request_id: Some(self.request_id.to_string()) }
    }

    /// The query in the route's types.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_urlencoded::from_str(&self.query)
            .map_err(|problem| Error::BadRequest(format!("invalid query: {problem}")))
    }

    /// The body as JSON. Fails with 415, 413 or 400.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.body.json(MAX_BODY_BYTES).await
    }
}
