//! What goes over the wire, in types of its own: the API's names are a promise, the domain's are not. The command
//! line reads the same types that the API writes.

mod answer;
mod cluster;
mod who_am_i;

pub(crate) use answer::{AboutOne, Anywhere, SignedIn, WithBody};
pub use answer::{Answer, Nothing, Problem, RetryAfter};
pub use cluster::{Certificate, Cluster, Health, StatusCount, StoragePoolUsage, Warning};
pub use who_am_i::WhoAmI;
