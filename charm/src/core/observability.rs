//! What the charm tells an observability stack, and learns from it. None of it is needed to run.

pub mod dashboards;
pub mod grafana;
pub mod logging;
pub mod remote_write;
pub mod rules;
pub mod scrape;
pub mod topology;
pub mod tracing;
