//! The client side of the protocol, as deployed clusters speak it (contract 1.1, contract 1.2).
//!
//! Every exchange with the hub uses two new connections: a probe, which only reads the hub's certificate, and the call,
//! which trusts exactly that certificate. [`ClusterClient`] does both. [`call`] makes a single connection with every
//! detail under control, for tests of clients that misbehave.

mod call;
mod cluster;
mod error;
mod keys;
mod payload;
mod report;
mod requests;
mod tls;

pub use call::{CallOptions, Network, Response, call};
pub use cluster::{ClusterClient, Exchange, Request};
pub use error::ClientError;
pub use keys::{Identity, KeyKind, Keys};
pub use payload::Payload;
pub use report::{MetricsText, Report};
pub use requests::{
    Acknowledged, HEARTBEAT_PATH, JOIN_PATH, Proof, heartbeat, join, join_body, leave, parse_acknowledgement,
};
pub use tls::{Tls, TlsGroups, Trust};

#[cfg(test)]
mod tests;
