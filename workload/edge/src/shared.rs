//! What all connections of one server share.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::filters::BoxedFilter;

use crate::caps::{Places, Seldom};
use crate::metrics::ServerMetrics;
use crate::{Limits, MemoryBudget, ProxyPolicy, Response};

/// An extension of every request, cancelled when the server begins to drain. The handler of a websocket should then
/// close it, because the drain waits for it.
#[derive(Debug, Clone)]
pub struct Draining(pub CancellationToken);

/// A server's configuration, metrics and routes, and what its drain needs.
pub(crate) struct Shared {
    pub(crate) name: &'static str,
    pub(crate) tls: TlsAcceptor,
    pub(crate) proxy: ProxyPolicy,
    pub(crate) limits: Limits,
    pub(crate) close_after_response: bool,
    pub(crate) has_large_responses: bool,
    pub(crate) memory: MemoryBudget,
    pub(crate) places: Arc<Places>,
    pub(crate) refused: Seldom,
    pub(crate) metrics: ServerMetrics,
    pub(crate) routes: BoxedFilter<(Response,)>,
    pub(crate) draining: CancellationToken,
    pub(crate) tracker: TaskTracker,
}
