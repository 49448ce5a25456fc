//! The relations with an observability stack. All of them are optional.

pub mod dashboards;
pub mod grafana;
pub mod logging;
pub mod remote_write;
pub mod rules;
pub mod scrape;
pub mod topology;
pub mod tracing;
