//! The Juju charm.
//!
//! [`core`] is pure: it turns [facts](core::facts::Facts) about the model into what is [desired](core::Desired), and
//! knows neither Juju nor Python. The bindings, with the feature `python`, read the facts from `ops`, and write what
//! differs. `src/charm.py` is what Juju starts.

pub mod core;
#[cfg(feature = "python")]
mod python;
