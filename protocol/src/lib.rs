//! The wire protocol between clusters and the hub, as types and pure functions. Nothing here does I/O.
//!
//! | module | holds |
//! |---|---|
//! | [`address`] | `host:port`, as in join tokens |
//! | [`certificate`] | one X.509 certificate in PEM and its validity period |
//! | [`fingerprint`] | the SHA-256 of a certificate, which both sides pin |
//! | [`name`] | the rules for a cluster's name |
//! | [`text`] | which text people may choose, and how any text is shown safely |
//! | [`join_token`], [`join`], [`proof`] | enrolment: the token, the request and the two ways to prove knowledge of the token |
//! | [`heartbeat`] | the report that a cluster sends every minute |
//! | [`tunnel`] | the frames of the reverse tunnel |
//! | [`envelope`] | the JSON envelope of every response |
//!
//! Deployed clusters depend on these formats. Comments name the published source of a rule, for example "(contract 1.2)".

pub mod address;
pub mod certificate;
pub mod envelope;
pub mod fingerprint;
pub mod heartbeat;
pub mod join;
pub mod join_token;
mod json;
pub mod name;
pub mod proof;
pub mod text;
pub mod tunnel;

pub use address::Address;
pub use certificate::Certificate;
pub use fingerprint::Fingerprint;
pub use heartbeat::Heartbeat;
pub use join::JoinRequest;
pub use join_token::{JoinToken, Secret};
pub use name::ClusterName;
