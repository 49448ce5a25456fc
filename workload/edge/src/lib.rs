//! What both HTTPS APIs stand on: from an accepted socket to a request in a handler's hands, and back.
//!
//! | module | holds |
//! |---|---|
//! | [`serve`](mod@serve) | the accept loop: one task a connection, and the drain at the end |
//! | [`proxy`] | the PROXY protocol of load balancers that pass TLS through |
//! | [`tls`] | the server's certificate, its reload, and what clients may present |
//! | [`peer`] | who is at the other end: address and certificate |
//! | [`limits`] | how long and how many |
//! | [`routes`](mod@routes) | many warp routes folded into one that never rejects |
//! | [`body`] | a request's body in one piece, or as JSON |
//! | [`response`], [`error`] | the envelope of every response, and the one error type |
//! | [`request_id`] | the name by which an answer is found in the log |
//! | [`rate_limit`] | how often somebody may do something |
//! | [`status_port`], [`metrics`] | what operators look at |
//!
//! A connection goes `serve` → `connection` (PROXY header, TLS, HTTP/1.1 or HTTP/2) → `service` (request id, peer,
//! time limit, access log) → the caller's routes.

pub mod body;
pub mod error;
pub mod limits;
pub mod metrics;
pub mod peer;
pub mod proxy;
pub mod rate_limit;
pub mod request_id;
pub mod response;
pub mod routes;
pub mod serve;
pub mod status_port;
pub mod tls;

mod activity;
mod connection;
mod service;
mod shared;
mod stream;
mod timed_body;

pub use error::{Error, respond};
pub use limits::Limits;
pub use metrics::EdgeMetrics;
pub use peer::{ClientCertificate, Peer};
pub use proxy::ProxyPolicy;
pub use request_id::RequestId;
pub use response::Response;
pub use routes::routes;
pub use serve::{Server, serve};
pub use shared::Draining;
pub use tls::ServerIdentity;
