//! Which secrets the options and relations lead to: what must be read before anything can be decided.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::kept::{self, Label};
use super::{database, sign_in};

/// Keys in other applications' bags that hold a secret's URI.
const IN_BAGS: [(&str, &str); 3] = [
    (database::ENDPOINT, "secret-user"),
    (database::ENDPOINT, "secret-tls"),
    (sign_in::ENDPOINT, "client_secret_id"),
];
/// Options that do.
const IN_OPTIONS: [&str; 2] = ["oidc-client-secret", "connector-certificate-secret"];

/// All of them, by their URI as it stands there.
pub fn secrets(facts: &Facts) -> BTreeSet<String> {
    let options = IN_OPTIONS.into_iter().filter_map(|option| facts.text(option));
    let options = options.filter(|text| text.starts_with("secret:"));
    let bags = IN_BAGS.into_iter().flat_map(|(endpoint, key)| {
        facts.relations(endpoint).filter_map(move |relation| relation.app.get(key)).map(String::as_str)
    });
    let kept = Label::ALL.into_iter().filter_map(|label| kept::uri(facts, label));
    options.chain(bags).chain(kept).filter(|uri| !uri.is_empty()).map(str::to_owned).collect()
}
