//! The relation `tracing`: the receiver of traces. The workload does not send traces yet, so it is unused.

use serde::Deserialize;
use serde_json::json;

use super::super::facts::{Bag, Facts};

/// The endpoint.
pub const ENDPOINT: &str = "tracing";
/// The requested protocol.
const PROTOCOL: &str = "otlp_http";

/// The leader's data.
pub fn request() -> Bag {
    [("receivers".to_owned(), json!([PROTOCOL]).to_string())].into()
}

/// The URL of the receiver.
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
