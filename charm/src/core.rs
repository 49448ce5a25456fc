//! Facts to desired state, without I/O.
//!
//! [`facts`] is what was read, [`decide()`] says what should be. Between them one module a concern: each takes the facts
//! and gives its part of the [`Desired`], or a [`Condition`] that says what is missing.

pub mod action;
pub mod authorities;
pub mod config;
pub mod database;
pub mod decide;
pub mod environment;
pub mod facts;
pub mod identity;
pub mod ingress;
pub mod kept;
pub mod layer;
pub mod leaf;
pub mod management;
pub mod observability;
pub mod paths;
pub mod references;
pub mod rotation;
pub mod sign_in;
pub mod status;
pub mod traefik;
pub mod web;

pub use decide::{Desired, Run, decide};
pub use status::{Condition, Level};

/// The endpoint of the relation among our units.
pub const PEERS: &str = "cluster-manager-peers";
