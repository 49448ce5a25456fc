//! `tracing`: where traces could go. The workload sends none yet, so the answer is only read.

use serde::Deserialize;
use serde_json::json;

use super::super::facts::{Bag, Facts};

/// The endpoint.
pub const ENDPOINT: &str = "tracing";
/// What we would speak.
const PROTOCOL: &str = "otlp_http";

/// What the leader writes.
pub fn request() -> Bag {
    [("receivers".to_owned(), json!([PROTOCOL]).to_string())].into()
}

/// Where traces are taken.
pub fn receiver(facts: &Facts) -> Option<String> {
    #[derive(Deserialize)]
    struct Receiver {
        protocol: Protocol,
        url: String,
    }
    #[derive(Deserialize)]
    struct Protocol {
        name: String,
    }
    let receivers = facts.relation(ENDPOINT)?.app.get("receivers")?;
    let receivers: Vec<Receiver> = serde_json::from_str(receivers).ok()?;
    receivers.into_iter().find(|receiver| receiver.protocol.name == PROTOCOL).map(|receiver| receiver.url)
}
