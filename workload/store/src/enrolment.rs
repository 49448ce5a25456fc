//! Enrolment: from a join token to a cluster, and back.
//!
//! | module | holds |
//! |---|---|
//! | `join_tokens` | tokens that have not been used yet |
//! | `join` | the transactions that create and remove a cluster |
//! | `connector_identity` | the certificate that every enrolled cluster pins |

mod connector_identity;
mod join;
mod join_tokens;

pub use connector_identity::PinError;
pub use join::{JoinError, JoinProof};
pub use join_tokens::CreateTokenError;
