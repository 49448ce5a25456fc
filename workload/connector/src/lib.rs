//! The API that clusters call, over mutual TLS (contract 1.2).
//!
//! A heartbeat: [`authenticate`] finds the cluster by the connection's certificate. [`heartbeat`] reads the body, passes the
//! report to the store's batch writer and, after the commit, the metrics to a [`MetricsSink`].
//!
//! | module | holds |
//! |---|---|
//! | [`connector`](mod@connector) | what all endpoints share, and the background tasks |
//! | [`routes`] | the paths and methods of the endpoints |
//! | [`probe`], [`join`], [`heartbeat`], [`leave`], [`tunnel`] | the endpoints, one in each file |
//! | [`authenticate`], [`identity_cache`] | from a certificate to its cluster |
//! | [`limits`] | the rate limit of each action |
//! | [`metrics_sink`] | the receiver of the clusters' metrics |
//! | [`metrics`] | the connector's own metrics |

pub mod authenticate;
pub mod connector;
pub mod errors;
pub mod heartbeat;
pub mod identity_cache;
pub mod join;
mod large_bodies;
pub mod leave;
pub mod limits;
pub mod metrics;
pub mod metrics_sink;
pub mod probe;
pub mod routes;
pub mod tunnel;

pub use connector::{Connector, Options};
pub use metrics_sink::{CountingSink, MemberExposition, MetricsSink};
