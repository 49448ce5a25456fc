//! The API that people and automation call (contract section 2).
//!
//! | module | holds |
//! |---|---|
//! | [`table`] | every route once: method, path, who may call it, what answers |
//! | `dispatch` | a request's way: guard, route, caller, role, handler |
//! | `call` | what a handler is given |
//! | [`principal`], `authenticate` | who calls |
//! | `guard` | what is refused whoever calls |
//! | [`openapi`] | the description of all of it |
//! | [`model`] | what goes over the wire, described for OpenAPI |
//!
//! One file an endpoint family holds its handlers; their doc comments are the API's documentation.

pub mod model;
pub mod openapi;
pub mod principal;
pub mod table;

mod authenticate;
mod call;
mod dispatch;
mod errors;
mod guard;
mod pages;
mod status;
mod who_am_i;

use std::sync::Arc;

use edge::Response;
use fleet::{HealthRules, RoleMapping};
use store::Store;
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
}

impl Management {
    /// The API over this store.
    pub fn new(store: Store, options: Options) -> Arc<Self> {
        Arc::new(Self { store, options })
    }

    /// All routes. They never reject.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        dispatch::routes(self.clone())
    }
}
