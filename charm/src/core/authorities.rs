//! The CAs that the workload trusts for outgoing calls, from the relations `send-ca-cert` and `oauth`.

use std::collections::BTreeSet;

use super::facts::{Bag, Facts, Relation};
use super::sign_in;

/// The endpoint.
pub const ENDPOINT: &str = "send-ca-cert";

/// The leader's data: the version of the interface that this charm reads.
pub fn request() -> Bag {
    [("version".to_owned(), "1".to_owned())].into()
}

/// All CAs in PEM, sorted and without duplicates, so that the same CAs always give the same text. `None` if there are
/// none.
pub fn bundle(facts: &Facts) -> Option<String> {
    let transferred = facts.relations(ENDPOINT).flat_map(transferred);
    let provider = facts.relation(sign_in::ENDPOINT).and_then(|relation| relation.app.get("ca_chain"));
    let provider = provider.map(|chain| list(chain)).unwrap_or_default();
    let all: BTreeSet<String> = transferred.chain(provider).flat_map(|text| certificates(&text)).collect();
    (!all.is_empty()).then(|| all.into_iter().collect())
}

fn transferred(relation: &Relation) -> Vec<String> {
    match relation.app.get("certificates") {
        Some(certificates) => list(certificates),
        None => relation.units.values().flat_map(version_0).collect(),
    }
}

/// Version 0 of the interface: each unit writes its CA and the chain up to it.
fn version_0(bag: &Bag) -> Vec<String> {
    let one = |key: &str| bag.get(key).cloned().into_iter();
    let chain = bag.get("chain").map(|chain| list(chain)).unwrap_or_default();
    one("ca").chain(one("certificate")).chain(chain).collect()
}

/// Parses a JSON list of strings. Other content counts as empty, so that a provider's mistake has no further effect.
fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Extracts the certificates from a text, each ending with a line break. Text between them is left out, and so are
/// malformed certificates, with which the workload would not start.
fn certificates(text: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let bodies = text.split(BEGIN).skip(1);
    let blocks = bodies.filter_map(|rest| Some(format!("{BEGIN}{}{END}\n", rest.split_once(END)?.0)));
    blocks.filter(|pem| protocol::Certificate::from_pem(pem).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = include_str!("../../tests/facts/connector.crt");

    #[test]
    fn certificates_are_split_and_text_between_them_is_dropped() {
        let one = ONE.trim();
        let found = certificates(&format!("subject\n{one}\nissuer\n{one}"));
        assert_eq!(found, [format!("{one}\n"), format!("{one}\n")]);
    }

    #[test]
    fn malformed_certificates_are_left_out() {
        for text in [
            "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nQQ==",
        ] {
            assert_eq!(certificates(text), Vec::<String>::new(), "{text}");
        }
    }
}
