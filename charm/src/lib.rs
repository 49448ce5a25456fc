//! The Juju charm.
//!
//! [`core`] is pure: it derives the [desired state](core::Desired) from [facts](core::facts::Facts) about the model, and
//! depends on neither Juju nor Python. The bindings, behind the feature `python`, read the facts with `ops` and apply the
//! differences. Juju starts `src/charm.py`.

pub mod core;
#[cfg(feature = "python")]
mod python;
