//! What one client may hold: connections, and bytes of responses that it does not read.
//!
//! A connection counts towards the network of its address until a handler says whose it is
//! ([`Peer::authenticated_as`](crate::Peer::authenticated_as)), and towards that client afterwards. So a flood of
//! strangers never takes the places of clients that are known, and a whole fleet can share one address.
//!
//! | module | holds |
//! |---|---|
//! | `places` | who may connect, and who gives way |
//! | `network` | the connections of one network that are not authenticated, and its clients of late |
//! | `unread` | the bytes of responses that clients have not read yet |
//! | `stream` | the progress of one HTTP/2 stream |
//! | `seldom` | warnings that are not repeated all the time |

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::LazyLock;

mod network;
mod places;
mod seldom;
mod stream;
mod unread;

pub(crate) use places::{Occupied, Place, Places, PlacesLimits, Refused};
pub(crate) use seldom::Seldom;
pub(crate) use stream::{StreamEnd, StreamProgress, current_stream, watch_stream};
pub(crate) use unread::{Charge, TooMuchUnread, UnreadLimits};

/// An authenticated client: a cluster, a person or a program. Comparable within this process only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey(u64);

impl ClientKey {
    /// The key of the client with this identity.
    pub fn of(identity: &impl Hash) -> Self {
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(HASHER.hash_one(identity))
    }
}
