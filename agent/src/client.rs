//! The protocol as a deployed cluster speaks it (contract 1.1, 1.2).
//!
//! Every exchange with the hub is two fresh connections: a probe that only looks at the hub's certificate, and the
//! call, which trusts exactly that certificate. [`Site`] does both; [`call`] is one connection with everything to
//! choose from, for tests that must do what no site does.

mod call;
mod error;
mod keys;
mod payload;
mod report;
mod requests;
mod site;
mod tls;

pub use call::{CallOptions, Network, Response, call};
pub use error::ClientError;
pub use keys::{Identity, KeyKind, Keys};
pub use payload::Payload;
pub use report::{MetricsText, Report};
pub use requests::{
    Acknowledged, HEARTBEAT_PATH, JOIN_PATH, Proof, heartbeat, join, join_body, leave, read_acknowledgement,
};
pub use site::{Answer, Request, Site};
pub use tls::{Tls, TlsGroups, Trust};

#[cfg(test)]
mod tests;
