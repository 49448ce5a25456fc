//! The API that sites call, over mutual TLS (contract 1.2).
//!
//! A heartbeat: [`authenticate`] turns the connection's certificate into a cluster, [`heartbeat`] reads the body,
//! hands the figures to the store's batch writer and, once they are committed, the metrics to a [`MetricsSink`].
//!
//! | module | holds |
//! |---|---|
//! | [`connector`](mod@connector) | what all endpoints share, and the tasks that run beside them |
//! | [`routes`] | which path leads where |
//! | [`probe`], [`join`], [`heartbeat`], [`leave`], [`tunnel`] | one file an endpoint |
//! | [`authenticate`], [`identity_cache`] | whose certificate this is |
//! | [`limits`] | how often which action may be asked for |
//! | [`metrics_sink`] | where the sites' metrics go |
//! | [`metrics`] | what the connector counts of itself |

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
pub use metrics_sink::{CountingSink, MetricsSink, SiteMetrics};
