//! The API that people and automation call (contract section 2).
//!
//! | module | holds |
//! |---|---|
//! | [`table`] | every route once: method, path, who may call it, what answers |
//! | `dispatch` | a request's way: guard, route, limits, caller, role, handler |
//! | `call` | what a handler is given |
//! | [`principal`], `authenticate` | who calls |
//! | `guard`, [`limits`] | what is refused whoever calls, and how often whom |
//! | `sign_in` | sign-in by OpenID Connect, sessions, access tokens |
//! | `guard` | what is refused whoever calls |
//! | `refusals` | what was refused, on its way to the audit trail |
//! | [`openapi`] | the description of all of it |
//! | [`model`] | what goes over the wire, described for OpenAPI |
//! | [`openapi`] | the description of all of it |
//! | `change_feed` | what changed, heard once for the whole unit |
//!
//! One file an endpoint family holds its handlers; their doc comments are the API's documentation.

#![allow(clippy::unused_async, reason = "every handler has the same form, whether or not it waits")]

pub mod limits;
pub mod management;
pub mod model;
pub mod openapi;
pub mod principal;
pub mod table;

mod accept_encoding;
mod authenticate;
mod call;
mod change_feed;
mod changes;
mod clusters;
mod configuration;
mod description;
mod dispatch;
mod errors;
mod events;
mod guard;
mod pages;
mod refusals;
mod service_accounts;
mod sign_in;
mod status;
mod tokens;
mod who_am_i;

pub use management::{Management, Options};
pub use openidconnect::IssuerUrl;
pub use sign_in::{InvalidCaFile, ProviderHttp, SignInOptions};
use std::sync::Arc;

use edge::Response;
use fleet::{HealthRules, Origin, RoleMapping};
use store::Store;
use tokio_util::sync::CancellationToken;
use warp::filters::BoxedFilter;

/// What the management API needs to know beside its store.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a cluster is late, and when lost.
    pub health: HealthRules,
    /// Which group gives which role.
    pub roles: RoleMapping,
}

/// The management API: what its endpoints share.
pub struct Management {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) refusals: refusals::Refusals,
}

impl Management {
    /// The API over this store.
    pub fn new(store: Store, options: Options) -> Arc<Self> {
        Arc::new(Self { store, options, refusals: refusals::Refusals::default() })
    }

    /// All routes. They never reject.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        dispatch::routes(self.clone())
    }

    /// Notes for the audit trail that somebody was not let in, without waiting; many alike become one row a minute.
    /// The reason comes from a small set, and holds nothing secret.
    pub fn note_refused_sign_in(&self, origin: Origin, reason: &str) {
        self.refusals.note_sign_in(origin, reason);
    }

    /// Writes refusals to the audit trail until shutdown. Must run beside the routes.
    pub async fn record_refusals(self: Arc<Self>, shutdown: CancellationToken) {
        self.refusals.write(&self.store, shutdown).await;
    }
}
