//! The relation `grafana-dashboard`: the charm's dashboards, packed for Grafana's charm.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lzma_rust2::{XzOptions, XzWriter};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::facts::{Bag, Facts};
use super::topology;

/// The endpoint.
pub const ENDPOINT: &str = "grafana-dashboard";

/// The files in `charm/dashboards`, by their stem.
const DASHBOARDS: [(&str, &str); 3] = [
    ("cluster", include_str!("../../../dashboards/cluster.json")),
    ("fleet", include_str!("../../../dashboards/fleet.json")),
    ("hub", include_str!("../../../dashboards/hub.json")),
];

/// The leader's data.
pub fn request(facts: &Facts) -> Bag {
    let topology: BTreeMap<_, _> =
        topology::metadata(facts).into_iter().filter(|(name, _)| *name != "charm_name").collect();
    let template = |(stem, text): (&str, &str)| {
        let template = json!({
            "charm": topology::CHARM,
            "content": pack(&with_uids(text)),
            "juju_topology": topology,
            // The dashboards have their own variables. Grafana's charm would add Juju's topology to every expression.
            "inject_dropdowns": false,
            "dashboard_alt_uid": uid(stem),
        });
        (format!("file:{stem}"), template)
    };
    let templates: BTreeMap<String, Value> = DASHBOARDS.into_iter().map(template).collect();
    [("dashboards".to_owned(), json!({ "templates": templates }).to_string())].into()
}

/// The uid of a dashboard: 40 hexadecimal digits, since Grafana's charm replaces any other.
pub fn uid(stem: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(format!("{}/{stem}", topology::CHARM)));
    digest.truncate(40);
    digest
}

/// Replaces the uid of the dashboard, and the uids in its links to the others.
fn with_uids(text: &str) -> String {
    let mut text = text.to_owned();
    for (stem, other) in DASHBOARDS {
        let Some(original) = uid_in(other) else { continue };
        for (before, after) in [("\"uid\": \"", "\""), ("/d/", "\""), ("/d/", "?"), ("/d/", "/")] {
            text =
                text.replace(&format!("{before}{original}{after}"), &format!("{before}{}{after}", uid(stem)));
        }
    }
    text
}

fn uid_in(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok()?["uid"].as_str().map(str::to_owned)
}

/// Compresses a text with xz and encodes it in base64. The result is deterministic.
fn pack(text: &str) -> String {
    let compress = || {
        let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(6))?;
        writer.write_all(text.as_bytes())?;
        writer.finish()
    };
    // Writing to memory cannot fail. If it did, an empty dashboard would be better than a failing charm.
    BASE64_STANDARD.encode(compress().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_and_links_of_dashboards_are_replaced() {
        for (stem, text) in DASHBOARDS {
            let original = uid_in(text).unwrap();
            let replaced = with_uids(text);
            assert_eq!(uid_in(&replaced), Some(uid(stem)), "{original}");
            for (_, other) in DASHBOARDS {
                assert!(!replaced.contains(&format!("/d/{}", uid_in(other).unwrap())), "{stem}");
            }
        }
        assert_eq!(uid("fleet").len(), 40);
    }
}
