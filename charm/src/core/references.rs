//! The secrets that options and relations refer to, which must be read before a decision.

use std::collections::BTreeSet;

use super::app_secrets::{self, SecretLabel};
use super::facts::Facts;
use super::{database, sign_in};

/// The keys in other applications' data that hold the URI of a secret.
const RELATION_KEYS: [(&str, &str); 3] = [
    (database::ENDPOINT, "secret-user"),
    (database::ENDPOINT, "secret-tls"),
    (sign_in::ENDPOINT, "client_secret_id"),
];
/// The options that hold the URI of a secret.
const OPTIONS: [&str; 2] = ["oidc-client-secret", "connector-certificate-secret"];

/// The URIs of all secrets, as written there.
pub fn secrets(facts: &Facts) -> BTreeSet<String> {
    let options = OPTIONS.into_iter().filter_map(|option| facts.text(option));
    let options = options.filter(|text| text.starts_with("secret:"));
    let relations = RELATION_KEYS.into_iter().flat_map(|(endpoint, key)| {
        facts.relations(endpoint).filter_map(move |relation| relation.app.get(key)).map(String::as_str)
    });
    let stored = SecretLabel::ALL.into_iter().filter_map(|label| app_secrets::uri(facts, label));
    options.chain(relations).chain(stored).filter(|uri| !uri.is_empty()).map(str::to_owned).collect()
}
