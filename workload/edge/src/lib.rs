//! The base of both HTTPS APIs: from an accepted socket to a request in a handler, and back.
//!
//! | module | holds |
//! |---|---|
//! | [`serve`](mod@serve) | the accept loop with one task for each connection, and the drain at the end |
//! | [`proxy`] | the PROXY protocol, for load balancers that pass TLS through |
//! | [`tls`] | the server's certificate, its renewal, and what clients may present |
//! | [`peer`] | the other end of a connection: address and certificate |
//! | [`host`] | the host that a request names |
//! | [`limits`] | timeouts, and the most connections and bytes |
//! | [`caps`] | what one client may hold |
//! | [`memory`] | what the process may hold |
//! | [`routes`](mod@routes) | combines many warp routes into one that never rejects |
//! | [`body`] | a request's body, contiguous or as JSON |
//! | [`response`], [`error`] | the envelope of every response, and the one error type |
//! | [`request_id`] | the id by which a response is found in the log |
//! | [`rate_limit`] | rate limits with one bucket for each key |
//! | [`status_port`], [`metrics`] | for operators |
//!
//! A connection goes `serve` → `connection` (PROXY header, TLS, HTTP/1.1 or HTTP/2) → `service` (request id, peer,
//! time limit, access log) → the caller's routes.

pub mod body;
pub mod caps;
pub mod error;
pub mod host;
pub mod limits;
pub mod memory;
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
mod ending;
mod head;
mod metered_body;
mod service;
mod shared;
mod stream;

pub use caps::ClientKey;
pub use error::{Error, respond};
pub use host::SharedConnection;
pub use limits::Limits;
pub use memory::MemoryBudget;
pub use metrics::EdgeMetrics;
pub use peer::{ClientCertificate, Peer};
pub use proxy::ProxyPolicy;
pub use request_id::RequestId;
pub use response::Response;
pub use routes::routes;
pub use serve::{Server, serve};
pub use shared::Draining;
pub use tls::ServerIdentity;
