//! The wire between sites and hub, as types and pure functions. Nothing here does I/O.
//!
//! | module | holds |
//! |---|---|
//! | [`address`] | `host:port`, as join tokens carry it |
//! | [`certificate`] | one X.509 certificate in PEM, with its dates |
//! | [`fingerprint`] | the SHA-256 of a certificate, by which everything is pinned |
//! | [`name`] | what a cluster may be called |
//! | [`join_token`], [`join`], [`proof`] | enrolment: the token, the request, the two proofs of knowing the token |
//! | [`heartbeat`] | what a cluster reports every minute |
//! | [`tunnel`] | the frames of the reverse tunnel |
//! | [`envelope`] | the shape of every answer |
//!
//! Deployed clusters rely on all of it; the contract's section is named where a rule comes from it.

pub mod address;
pub mod certificate;
pub mod envelope;
pub mod fingerprint;
pub mod heartbeat;
pub mod join;
pub mod join_token;
pub mod name;
pub mod proof;
pub mod tunnel;

pub use address::Address;
pub use certificate::Certificate;
pub use fingerprint::Fingerprint;
pub use heartbeat::Heartbeat;
pub use join::JoinRequest;
pub use join_token::{JoinToken, Secret};
pub use name::ClusterName;
