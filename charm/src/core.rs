//! The decisions of the charm, without I/O.
//!
//! [`facts`] is the state that was read from the model, [`decide()`] derives the desired state. Each concern has one
//! module in between: it takes the facts and returns its part of [`Desired`], or a [`Condition`] that says what is
//! missing.

pub mod action;
pub mod app_secrets;
pub mod authorities;
pub mod config;
pub mod connector_certificate;
pub mod database;
pub mod decide;
pub mod environment;
pub mod facts;
pub mod ingress;
pub mod layer;
pub mod leaf;
pub mod management_certificate;
pub mod names;
pub mod observability;
pub mod references;
pub mod rotation;
pub mod sign_in;
pub mod status;
pub mod traefik;
pub mod web;

pub use decide::{Desired, WorkloadTarget, decide};
pub use status::{Condition, Level};
