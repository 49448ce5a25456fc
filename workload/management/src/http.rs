//! How a request becomes a call of a handler, and how the response travels.
//!
//! | module | holds |
//! |---|---|
//! | [`routes`] | every route once: method, path, who may call it, its handler |
//! | `dispatch` | the steps of a request: guard, route, limits, caller, role, handler |
//! | `call` | what a handler is given |
//! | `guard` | what is refused for every caller, and the security headers |
//! | [`limits`] | rate limits |
//! | `refusals` | refused requests and sign-ins, on their way to the audit trail |
//! | `query_string` | parsing of queries |
//! | `delivery` | compression and entity tags |
//! | `responses` | the responses that OpenAPI describes |

pub mod limits;
pub mod routes;

pub(crate) mod call;
pub(crate) mod delivery;
pub(crate) mod dispatch;
pub(crate) mod guard;
pub(crate) mod query_string;
pub(crate) mod refusals;
pub(crate) mod responses;
