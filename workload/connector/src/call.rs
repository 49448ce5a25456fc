//! What every handler needs to know about a call, besides its body.

use edge::{Peer, RequestId};
use warp::{Filter, Rejection};

use crate::caller::{Caller, caller};

/// A call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The other end of the connection.
    pub(crate) peer: Peer,
    /// The id of the request.
    pub(crate) id: RequestId,
    /// The kind of client.
    pub(crate) caller: Caller,
}

/// The filter for all handlers. The server puts peer and id into every request.
pub(crate) fn call() -> impl Filter<Extract = (Call,), Error = Rejection> + Clone {
    warp::ext::get::<Peer>().and(warp::ext::get::<RequestId>()).and(caller()).map(|peer, id, caller| Call {
        peer,
        id,
        caller,
    })
}
