//! Enrolled clusters.
//!
//! | module | holds |
//! |---|---|
//! | `cluster` | a whole cluster, as the management API shows it |
//! | `certificates` | clusters found by their certificates, for requests from clusters |
//! | `configuration` | descriptions and thresholds |
//! | `fleet_index` | the fleet in memory, updated before each use |
//! | `fleet_query` | pages of the list, names, totals |
//! | `reported` | which clusters reported recently |
//! | `history` | past states and figures |

pub(crate) mod certificates;
mod cluster;
mod configuration;
pub(crate) mod fleet_index;
mod fleet_query;
mod history;
mod reported;

pub use certificates::EnrolledCluster;
pub use fleet_query::{Bounded, ClusterPage, PageError};
