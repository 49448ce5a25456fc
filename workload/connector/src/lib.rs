//! The API that clusters call, over mutual TLS (contract 1.2).
//!
//! A heartbeat: [`authenticate`] finds the cluster by the connection's certificate. [`heartbeat`] reads the body, passes the
//! report to the store's batch writer and, after the commit, the metrics to a [`MetricsSink`].
//!
//! | module | holds |
//! |---|---|
//! | [`connector`](mod@connector) | what all endpoints share, and the background tasks |
//! | [`routes`] | the paths and methods of the endpoints |
//! | `call`, `caller` | what each handler knows about a call, and who gets a 200 without a body |
//! | `deadline` | the longest time that a call waits for the database |
//! | [`probe`], [`join`], [`heartbeat`], [`leave`], [`tunnel`] | the endpoints, one in each file |
//! | `bodies` | the memory for heartbeats that are being read |
//! | `join_refusals` | refused joins in the audit trail |
//! | `unanswered_joins` | joins that the cluster may not know of |
//! | [`authenticate`], [`identity_cache`] | from a certificate to its cluster |
//! | [`limits`] | the rate limit of each action |
//! | [`metrics_sink`] | the receiver of the clusters' metrics |
//! | [`metrics`] | the connector's own metrics |

pub mod authenticate;
mod bodies;
mod call;
mod caller;
pub mod connector;
mod deadline;
pub mod errors;
pub mod heartbeat;
pub mod identity_cache;
pub mod join;
mod join_refusals;
pub mod leave;
pub mod limits;
pub mod metrics;
pub mod metrics_sink;
pub mod probe;
pub mod routes;
pub mod tunnel;
mod unanswered_joins;

pub use connector::{Connector, Options};
pub use metrics_sink::{CountingSink, MemberExposition, MetricsSink};
