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
//! | `refusals` | what was refused, on its way to the audit trail |
//! | [`openapi`] | the description of all of it |
//! | [`model`] | what goes over the wire, described for OpenAPI |
//! | `change_feed` | what changed, heard once for the whole unit |
//! | `delivery` | how an answer travels: compressed, or not at all where the client has it |
//! | `testing` | requests of somebody with a role, without a network (feature `testing`) |
//!
//! One file an endpoint family holds its handlers; their doc comments are the API's documentation.

#![allow(clippy::unused_async, reason = "every handler has the same form, whether or not it waits")]

pub mod limits;
pub mod management;
pub mod model;
pub mod openapi;
pub mod principal;
pub mod table;
#[cfg(feature = "testing")]
pub mod testing;

mod authenticate;
mod call;
mod change_feed;
mod changes;
mod clusters;
mod clusters_list;
mod configuration;
mod delivery;
mod description;
mod dispatch;
mod errors;
mod events;
mod fleet_totals;
mod guard;
mod metrics_sinks;
mod pages;
mod query_string;
mod refusals;
mod service_accounts;
mod sign_in;
mod status;
mod tokens;
mod who_am_i;

pub use management::{Management, Options};
pub use openidconnect::IssuerUrl;
pub use sign_in::{InvalidCaFile, ProviderHttp, SignInOptions};
