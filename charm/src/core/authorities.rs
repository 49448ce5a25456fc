//! CAs that the workload trusts for what it calls: from `send-ca-cert`, and from the identity provider's relation.

use std::collections::BTreeSet;

use super::facts::{Bag, Facts, Relation};
use super::sign_in;

/// The endpoint.
pub const ENDPOINT: &str = "send-ca-cert";

/// What the leader writes: that we read the newer form.
pub fn request() -> Bag {
    [("version".to_owned(), "1".to_owned())].into()
}

/// All CAs as one PEM text, each once and in order, so that the same ones always give the same text. None: there are none.
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
        None => relation.units.values().flat_map(older).collect(),
    }
}

/// Older providers: each unit writes its CA, and the chain up to it.
fn older(bag: &Bag) -> Vec<String> {
    let one = |key: &str| bag.get(key).cloned().into_iter();
    let chain = bag.get("chain").map(|chain| list(chain)).unwrap_or_default();
    one("ca").chain(one("certificate")).chain(chain).collect()
}

/// A JSON list of texts. Anything else is none: somebody else's mistake must not stop us.
fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The certificates in a text, each ending in a line's end; what stands between them is left out, and so is what is none:
/// the workload would not start with it.
fn certificates(text: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let begun = text.split(BEGIN).skip(1);
    let framed = begun.filter_map(|rest| Some(format!("{BEGIN}{}{END}\n", rest.split_once(END)?.0)));
    framed.filter(|pem| protocol::Certificate::from_pem(pem).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = include_str!("../../tests/facts/connector.crt");

    #[test]
    fn of_two_certificates_in_one_text_each_stands_alone_and_words_between_go() {
        let one = ONE.trim();
        let found = certificates(&format!("subject\n{one}\nissuer\n{one}"));
        assert_eq!(found, [format!("{one}\n"), format!("{one}\n")]);
    }

    #[test]
    fn what_is_no_certificate_is_left_out() {
        for text in [
            "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nQQ==",
        ] {
            assert_eq!(certificates(text), Vec::<String>::new(), "{text}");
        }
    }
}
