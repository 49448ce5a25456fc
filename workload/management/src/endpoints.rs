//! The handlers, one file for each family of endpoints. Their doc comments are the API's documentation.

pub(crate) mod changes;
pub(crate) mod clusters;
pub(crate) mod configuration;
pub(crate) mod description;
pub(crate) mod events;
pub(crate) mod fleet_totals;
pub(crate) mod metrics_sinks;
pub(crate) mod pages;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod who_am_i;
