//! `grafana-dashboard`: the dashboards that we ship, packed as Grafana's charm wants them.

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

/// The files in `charm/dashboards`, without their ending.
const SHIPPED: [(&str, &str); 3] = [
    ("cluster", include_str!("../../../dashboards/cluster.json")),
    ("fleet", include_str!("../../../dashboards/fleet.json")),
    ("hub", include_str!("../../../dashboards/hub.json")),
];

/// What the leader writes.
pub fn request(facts: &Facts) -> Bag {
    let topology: BTreeMap<_, _> =
        topology::metadata(facts).into_iter().filter(|(name, _)| *name != "charm_name").collect();
    let template = |(stem, text): (&str, &str)| {
        let template = json!({
            "charm": topology::CHARM,
            "content": packed(&linked(text)),
            "juju_topology": topology,
            // The dashboards have their own choices; Grafana's charm would add Juju's to every expression.
            "inject_dropdowns": false,
            "dashboard_alt_uid": uid(stem),
        });
        (format!("file:{stem}"), template)
    };
    let templates: BTreeMap<String, Value> = SHIPPED.into_iter().map(template).collect();
    [("dashboards".to_owned(), json!({ "templates": templates }).to_string())].into()
}

/// A dashboard's uid. Grafana's charm replaces any that is not 40 hexadecimal digits.
pub fn uid(stem: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(format!("{}/{stem}", topology::CHARM)));
    digest.truncate(40);
    digest
}

/// The dashboard under its uid here, and with links that lead to the others under theirs.
fn linked(text: &str) -> String {
    let mut text = text.to_owned();
    for (stem, other) in SHIPPED {
        let Some(shipped) = shipped_uid(other) else { continue };
        for (before, after) in [("\"uid\": \"", "\""), ("/d/", "\""), ("/d/", "?"), ("/d/", "/")] {
            text =
                text.replace(&format!("{before}{shipped}{after}"), &format!("{before}{}{after}", uid(stem)));
        }
    }
    text
}

fn shipped_uid(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok()?["uid"].as_str().map(str::to_owned)
}

/// Base64 of xz, always the same for the same text.
fn packed(text: &str) -> String {
    let pack = || {
        let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(6))?;
        writer.write_all(text.as_bytes())?;
        writer.finish()
    };
    // Writing into memory cannot fail; if it did, no dashboard is better than no charm.
    BASE64_STANDARD.encode(pack().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_dashboard_keeps_a_uid_that_grafana_would_replace_nor_a_link_to_one() {
        for (stem, text) in SHIPPED {
            let shipped = shipped_uid(text).unwrap();
            let linked = linked(text);
            assert_eq!(shipped_uid(&linked), Some(uid(stem)), "{shipped}");
            for (_, other) in SHIPPED {
                assert!(!linked.contains(&format!("/d/{}", shipped_uid(other).unwrap())), "{stem}");
            }
        }
        assert_eq!(uid("fleet").len(), 40);
    }
}
